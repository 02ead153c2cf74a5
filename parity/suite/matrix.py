"""``[[matrix]]``: rows of one runtime in several versions, options or models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator

from parity.fields import Binding, Table
from parity.suite.isolating import MemoryLimit, Python, Requires, Timeout
from parity.suite.merging import laid


class CellTable(Table):
    """One cell: its runtime with these keys in the place of the runtime's own.

    ``options``, ``preprocess`` and ``decode`` replace single keys, the others the whole value.
    Another ``model`` has ``weights`` of its own, or none. ``requires = []`` takes away the
    runtime's own environment, ``python`` included.
    """

    name: str = Field(min_length=1)
    model: str | None = Field(default=None, min_length=1)
    weights: str | None = Field(default=None, min_length=1)
    tolerance: str | None = None
    outputs: Binding | None = None
    layout: Literal["NCHW", "NHWC"] | None = None
    options: dict[str, Any] | None = None
    interpreter: Literal["litert", "tflite-runtime", "tensorflow"] | None = None
    timeout: Timeout | None = None
    memory_limit: MemoryLimit | None = None
    isolated: bool | None = None
    trust: bool | None = None
    requires: Requires | None = None
    python: Python | None = None
    preprocess: dict[str, Any] | None = None
    decode: dict[str, Any] | None = None


class RowTable(Table):
    """One row: a runtime of the suite and the cells in which it is run.

    Every cell is compared with the reference and with the row's first cell.
    """

    name: str = Field(min_length=1)
    runtime: str
    cells: tuple[CellTable, ...] = Field(min_length=1, strict=False)

    @field_validator("name")
    @classmethod
    def _can_be_named(cls, value: str) -> str:
        if "," in value or value != value.strip():
            raise ValueError(f"expected a name that --rows can tell from others, found {value!r}")
        return value


def merged(below: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any]:
    """A runtime's table, as the file has it, with a cell's keys put over it."""
    given = {key: value for key, value in cell.items() if key != "name"}
    gone = {"export"}  # a cell is run, never made
    if "model" in given:
        gone.add("weights")
    if given.get("requires") == []:
        gone |= {"requires", "python"}
    kept = {key: value for key, value in below.items() if key not in gone}
    found = kept | given
    for key in ("preprocess", "decode"):
        if key in kept and key in given:
            found[key] = laid(key, kept[key], given[key])
    if "options" in given:
        found["options"] = {**kept.get("options", {}), **given["options"]}
    return found


def repeated(rows: tuple[RowTable, ...]) -> Iterator[str]:
    """What is wrong with the names of rows, and of the cells of each."""
    yield from _repeated("matrix", "row", [row.name for row in rows])
    for i, row in enumerate(rows):
        yield from _repeated(f"matrix.{i}.cells", "cell", [cell.name for cell in row.cells])


def _repeated(where: str, what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: expected each {what} by a name of its own, found {name!r} more than once"
