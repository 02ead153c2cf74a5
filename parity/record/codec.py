"""The one codec: records to JSON and back, by their annotations.

Every document (a suite's, a matrix's, round trips) has a ``FORMAT`` and tells what follows from it
(``DERIVED``: its verdict, its exit code) for whoever only reads the file; that is never read back.
Data without a key that a later version added reads as the default of that field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from parity.errors import UsageError

T = TypeVar("T")


class Document(Protocol):
    """A record that is a file of its own: versioned, and told with what follows from it."""

    FORMAT: ClassVar[int]
    DERIVED: ClassVar[tuple[str, ...]]

    @property
    def format(self) -> int: ...


DocumentT = TypeVar("DocumentT", bound=Document)


def to_data(record: object) -> Any:
    """A record as plain JSON data: tables, lists, text, numbers (not all of them finite)."""
    kind: Any = type(record)
    return _adapter(kind).dump_python(record, mode="json")


def from_data(kind: type[T], data: Any) -> T:
    """The inverse of ``to_data``. Raises ``pydantic.ValidationError``, a ``ValueError``."""
    hashable: Any = kind
    record: T = _adapter(hashable).validate_python(data)
    return record


def many_from_data(kind: type[T], data: Iterable[Any]) -> tuple[T, ...]:
    """A list of records of one kind."""
    return tuple(from_data(kind, one) for one in data)


def document_data(record: Document) -> dict[str, Any]:
    """A document as strict JSON data: its format, what follows from it, then all of it."""
    data = to_data(record)
    derived = {name: _plain(getattr(record, name)) for name in record.DERIVED}
    told: dict[str, Any] = strict({"format": data.pop("format"), **derived, **data})
    return told


def document(kind: type[DocumentT], data: dict[str, Any]) -> DocumentT:
    """The inverse of ``document_data``. Raises ``UsageError`` for another format."""
    if data.get("format") != kind.FORMAT:
        raise UsageError(
            f"expected results of format {kind.FORMAT}, found {data.get('format')!r}: "
            f"read them with the version of parity that wrote them"
        )
    return from_data(kind, {key: one for key, one in data.items() if key not in kind.DERIVED})


def json_text(data: Any) -> str:
    """Data as strict JSON."""
    return json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def strict(value: Any) -> Any:
    """Numbers that JSON does not have as the text that reads back as them."""
    if isinstance(value, dict):
        return {key: strict(one) for key, one in value.items()}
    if isinstance(value, list):
        return [strict(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _plain(value: object) -> Any:
    return [to_data(one) for one in value] if isinstance(value, tuple) else value


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
