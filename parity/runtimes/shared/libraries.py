"""Frameworks: opened, told of where they are not installed or do not work, and their versions."""

import contextlib
import importlib
import importlib.util
import sys
from typing import Any, Iterator, Optional

from ..contract import AdapterError, Library
from . import importing, resolve
from .reasons import reason


def open_library(library: Library) -> Any:
    """Import a framework, or say ``missing-library`` or ``broken-library`` with the remedy."""
    try:
        return importlib.import_module(library.module)
    except Exception as error:  # a broken installation raises whatever it likes
        why = absent(library)
        if why is None:
            numpy = importing.too_new(error, library.module)
            raise _broken(library, error, "import", numpy) from error
        raise AdapterError(
            "missing-library", library=library.name, install=library.install, reason=why
        ) from error


@contextlib.contextmanager
def blaming(library: Library) -> Iterator[None]:
    """``broken-library`` where it imports and then fails because numpy is too new for it."""
    try:
        yield
    except Exception as error:
        numpy = importing.too_new(error)
        if numpy:
            raise _broken(library, error, "work", numpy) from error
        raise


def _broken(library: Library, error: BaseException, fails: str, numpy: str) -> AdapterError:
    told = [reason(one) for one in importing.chain(error)]
    return AdapterError(
        "broken-library",
        library=library.name,
        install=library.install,
        fails=fails,
        reason=", from ".join(dict.fromkeys(told)),
        numpy=numpy,
        hidden=resolve.hiding(library.module),
    )


def absence(library: Library) -> str:
    """The sentence for a library that is not installed."""
    return f"{library.name} is not installed; install it with: {library.install}"


def absent(library: Library) -> Optional[str]:
    """The sentence when the library is not installed, told without importing it; else None."""
    top = library.module.split(".")[0]
    try:
        found = importlib.util.find_spec(top) is not None
    except ValueError:  # imported, but made by hand and without a spec: it is there
        found = sys.modules.get(top) is not None
    return None if found else absence(library)


def version_of(module: Any, *distributions: str) -> str:
    """A library's version: what it says itself, else what was installed."""
    stated = getattr(module, "__version__", None)
    if stated:
        return str(stated)
    from importlib import metadata

    for name in distributions:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return "unknown"
