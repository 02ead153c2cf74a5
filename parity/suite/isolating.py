"""What a runtime's table says of its process and environment, checked before anything is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

_SIZE = re.compile(r"(\d+)(KiB|MiB|GiB)")
_PYTHON = re.compile(r"3\.(\d+)(\.\d+)?")
_OLDEST = 8  # of the Pythons on which adapters and worker run: 3.8
_WEEK = 7 * 24 * 3600.0
_FILES = (".whl", ".tar.gz", ".zip")


def requirement(value: object) -> object:
    """A PEP 508 requirement, or a wheel or source archive by its absolute path."""
    from packaging.requirements import InvalidRequirement, Requirement  # only where one is named

    if not isinstance(value, str):
        return value  # the declared type refuses it
    try:
        Requirement(value)
    except InvalidRequirement as error:
        if value.endswith(_FILES) and Path(value).is_absolute():
            return value
        raise ValueError(
            f"expected a requirement such as 'onnxruntime==1.20', or the absolute path of a "
            f"wheel, found {value!r}"
        ) from error
    return value


def python(value: object) -> object:
    """A version of CPython from 3.8 on."""
    match = _PYTHON.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a version such as '3.11' or '3.11.7', found {value!r}")
    if int(match.group(1)) < _OLDEST:
        raise ValueError(f"expected Python 3.{_OLDEST} or later, found {value!r}")
    return value


def memory(value: object) -> object:
    """A size above zero, in KiB, MiB or GiB."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match.group(1)):
        raise ValueError(
            f"expected a size above zero such as '512MiB' (KiB, MiB or GiB), found {value!r}"
        )
    return value


Timeout = Annotated[float, Field(gt=0, le=_WEEK)]
"""Seconds, at most a week."""

MemoryLimit = Annotated[str, BeforeValidator(memory)]
Python = Annotated[str, BeforeValidator(python)]
Requires = Annotated[tuple[Annotated[str, BeforeValidator(requirement)], ...], Field(strict=False)]
