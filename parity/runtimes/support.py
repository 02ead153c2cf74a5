"""What every adapter shares: options, feeds, reasons, libraries, and facts about this machine."""

import contextlib
import functools
import importlib
import importlib.util
import os
import platform
import re
import sys
import warnings
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import importing, refusals, resolve, saving
from .contract import (
    IMAGE_ID,
    Adapter,
    AdapterError,
    Artifact,
    Feeds,
    Heads,
    Library,
    TensorSpec,
)

# What of a processor decides which kernels a library picks, and so the last bits of its numbers.
_CPU_FLAGS = (
    "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp",
    "asimdhp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip

MOST_THREADS = 512  # what the largest machine of two sockets has


# Where in its own source a library raised: "/src/graph/model.cc:256 void f(const std::string&) ".
_CPP = re.compile(r"\s*/\S+\.(?:cc|cpp|h):\d+ \S.*?\)(?= [A-Z])")


class OpenedAdapter(Adapter):
    """An adapter that is open from its constructor on; ``run`` checks, then calls ``_run``."""

    options: Dict[str, Any]

    def __init__(self, artifact: Artifact, known: Mapping[str, Any]) -> None:
        self.artifact = artifact
        self.options = take_options(artifact.options, known)
        self._closed = False

    def run(self, feeds: Feeds) -> Heads:
        """Check the feeds against ``inputs()``, run once, return outputs that own their memory."""
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        specs = self.inputs()
        check_feeds(specs, feeds)
        ordered = {spec.name: np.ascontiguousarray(feeds[spec.name]) for spec in specs}
        for spec in specs:  # ascontiguousarray makes a scalar one-dimensional
            ordered[spec.name] = ordered[spec.name].reshape(np.shape(feeds[spec.name]))
        try:
            heads = self._run(ordered)
            return {name: np.array(value, copy=True, order="C") for name, value in heads.items()}
        except AdapterError:
            raise
        except (Exception, SystemExit) as error:
            raise failed_run(error) from error

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        raise NotImplementedError

    def close(self) -> None:
        """Release what the library holds; every later run fails."""
        self._closed = True
        self._release()

    def _release(self) -> None:
        """Drop the references to the library's objects."""


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


def failed_run(error: BaseException) -> AdapterError:
    """What a library raised while it ran an image."""
    if refusals.of_memory(error):
        facts = refusals.memory_facts("ran an image")
        return AdapterError("out-of-memory", reason=reason(error), **facts)
    return AdapterError("run-failed", reason=reason(error))


def take_options(options: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
    """The options with defaults filled in.

    ``known`` maps each name to a tuple (default, *further allowed values), or to a function that
    returns the checked value (None stands for "not given") and raises ValueError.
    """
    for name in options:
        if name not in known:
            raise AdapterError(
                "bad-option", option=name, value=options[name], known=tuple(sorted(known))
            )
    taken: Dict[str, Any] = {}
    for name, rule in known.items():
        value = options.get(name)
        if callable(rule):
            try:
                taken[name] = rule(value)
            except ValueError as error:
                raise AdapterError(
                    "bad-option", option=name, value=value, known=(str(error),)
                ) from None
        elif name in options and value not in rule:
            raise AdapterError("bad-option", option=name, value=value, known=tuple(rule))
        else:
            taken[name] = rule[0] if name not in options else value
    return taken


def threads(value: Any) -> int:
    """The rule for ``threads``: a whole number, by default 1.

    Libraries start them all at once: 4096 hold a small machine for minutes, 100,000 end the process.
    """
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_THREADS:
        raise ValueError(f"a whole number from 1 to {MOST_THREADS}")
    return value


def text_or_none(value: Any) -> Optional[str]:
    """The rule for an optional name."""
    if value is not None and not isinstance(value, str):
        raise ValueError("a name")
    return value


def check_feeds(specs: Sequence[TensorSpec], feeds: Feeds) -> None:
    """Raise ``bad-input`` where the fed arrays are not exactly the declared inputs."""
    names = [spec.name for spec in specs]
    if sorted(feeds) != sorted(names):
        why = f"the inputs are {quoted(names)}; fed were {quoted(sorted(feeds))}"
        raise AdapterError("bad-input", reason=why)
    for spec in specs:
        array = feeds[spec.name]
        dtype = IMAGE_ID if array.dtype.kind == "U" else str(array.dtype)
        if spec.dtype and dtype != spec.dtype:
            why = f"input {spec.name!r} is {spec.dtype}; fed was {dtype}"
            raise AdapterError("bad-input", reason=why)
        if spec.shape is not None and not fits(array.shape, spec.shape):
            declared, fed = shape_text(spec.shape), shape_text(array.shape)
            why = f"input {spec.name!r} has shape {declared}; fed was {fed}"
            raise AdapterError("bad-input", reason=why)


def shape_text(shape: Sequence[Optional[int]]) -> str:
    """A shape for a message; a dynamic dimension is a question mark."""
    return "({})".format(", ".join("?" if size is None else str(size) for size in shape))


def fits(shape: Sequence[int], declared: Sequence[Optional[int]]) -> bool:
    """Whether an array's shape is one that was declared; None is any size."""
    return len(shape) == len(declared) and all(
        want is None or size == want for size, want in zip(shape, declared)
    )


def quoted(names: Sequence[str]) -> str:
    """Names for a message."""
    return ", ".join(repr(name) for name in names) or "none"


def reason(error: BaseException, lines: int = 3) -> str:
    """The first lines of a library's message, each bounded.

    Without colours, C++ signatures and the numbers of the system's errors, whose words follow.
    """
    text = re.sub(r"\x1b\[[0-9;]*m|\[Errno -?\d+\] ?", "", str(error))
    text = _CPP.sub("", text)
    kept = [_bounded(line.strip()) for line in text.splitlines() if line.strip()][:lines]
    return "{}: {}".format(type(error).__name__, " ".join(kept)) if kept else type(error).__name__


def _bounded(line: str) -> str:
    """Libraries name the file first and the cause last, so what is long is cut in its middle."""
    return line if len(line) <= 500 else f"{line[:150]} ... {line[-345:]}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Libraries warn about themselves while they load; that is no news for a comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Loading:
    """A context that turns whatever a library raises while it loads into an ``AdapterError``.

    ``explain`` reads a code and facts out of what was raised (see ``refusals``); ``library`` is
    the library's name and version for messages. ``versions`` says which version saved the file,
    which is the cause of ``version`` and a circumstance of ``not-loadable``.

    A file that is another one, or is longer or shorter, when it has been loaded is ``not-loadable``
    as well: what was scanned and what was loaded are two things then.
    """

    def __init__(
        self,
        path: str,
        expected: str,
        found: str,
        explain: Optional[Callable[[BaseException], Tuple[str, Dict[str, Any]]]] = None,
        library: str = "the library",
        versions: Optional[Callable[[], saving.Versions]] = None,
    ) -> None:
        self._versions = versions
        self._facts = {"path": path, "expected": expected, "found": found, "library": library}
        self._explain = explain or refusals.reader(())
        self._before = _state(path)

    def __enter__(self) -> "Loading":
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        if (error is None or isinstance(error, Exception)) and (
            _state(self._facts["path"]) != self._before
        ):
            why = "it changed while it was loaded: run again when nothing writes to it"
            raise AdapterError("not-loadable", reason=why, **self._facts) from error
        if isinstance(error, Exception) and not isinstance(error, AdapterError):
            code, facts = self._explain(error)
            told = {**self._facts, "reason": reason(error), **facts}
            versions = self._versions() if self._versions is not None else None
            if versions is not None and versions.differ():
                if code == "version":
                    told.update(versions._asdict())
                elif code == "not-loadable":
                    told["author"] = f"{versions.library} {versions.saved}"
            raise AdapterError(code, **told) from error


def _state(path: str) -> Tuple[Tuple[str, int, int, int], ...]:
    """What changes when a file does, or one of a folder: its identity, its size and its time."""
    every = [os.path.join(at, name) for at, _, names in os.walk(path) for name in names]
    found = []
    for one in sorted(every) or [path]:
        try:
            at = os.stat(one)
        except OSError:
            continue
        found.append((one, at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)


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


def machine() -> Dict[str, Any]:
    """Facts for every identity."""
    return {
        "device": "cpu",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{sys.platform}-{platform.machine()}",
        "cpu_features": cpu_features(),
    }


@functools.lru_cache(maxsize=None)
def cpu_features() -> Tuple[str, ...]:
    """Those features of the processor that decide which kernels run; empty where unknown."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            match = re.search(r"^(?:flags|Features)\s*:(.*)$", handle.read(), re.M)
    except OSError:
        return ()
    present = set(match.group(1).split()) if match else set()
    return tuple(flag for flag in _CPU_FLAGS if flag in present)


def processors() -> int:
    """How many processors this process may use."""
    affinity: Optional[Callable[[int], Any]] = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
