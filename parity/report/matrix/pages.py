"""A matrix as tables for a terminal and as a page of Markdown, and its files."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from parity.record.matrix import CellRecord, Comparison, MatrixRecord, RowRecord
from parity.report.folders import write_files
from parity.report.markdown import escaped, preformatted
from parity.report.matrix.cells import matrix_csv
from parity.report.numbers import beside, milliseconds, number
from parity.report.table import Column, Table
from parity.report.terminal import WIDTH, page
from parity.report.text import clipped, printable
from parity.suite.tolerance import Tolerance

FILES = ("matrix.csv", "matrix.md")
"""The files of a matrix's report."""

_ORDER = ("pass", "fail", "error", "skipped")
_LONGEST = 28  # characters of a cell's name in the terminal
_MEASURED = ("lost", "extra", "1-IoU", "|Δscore|")  # of each comparison
_SEEN_ELSEWHERE = ("box", "score", "lost", "extra", "class")  # findings that the table has


def headline(record: MatrixRecord) -> str:
    """The verdict in one line, with how many cells have which."""
    counts = Counter(cell.verdict for cell in record.cells)
    listed = ", ".join(f"{counts[one]} {one}" for one in _ORDER if counts[one])  # type: ignore[index]
    source = {"none": ", which failed", "golden": " (golden)"}.get(
        record.reference_source, " (native)"
    )
    images = "1 image" if len(record.images) == 1 else f"{len(record.images)} images"
    return (
        f"{printable(record.detector)}: {record.verdict} ({listed}) against "
        f"{printable(record.reference)}{source}, {images}"
    )


def matrix_text(record: MatrixRecord, columns_wide: int = WIDTH, *, color: bool = False) -> str:
    """A table for every row, and below it what each cell means; no wider than asked."""
    pages = ["\n".join(_wrapped(headline(record), columns_wide)) + "\n"]
    for row in record.rows:
        notes = [line for cell in row.cells for line in _told(row, cell, columns_wide)]
        title = "\n".join(_wrapped(_title(row), columns_wide))
        pages.append(page(title, _worst(row), _table(row), notes, columns_wide, color=color))
    return "\n".join(pages)


def matrix_md(record: MatrixRecord) -> str:
    """The whole page in GitHub's Markdown; every string from a file is only text in it."""
    blocks = [f"# {escaped(headline(record))}"]
    for row in record.rows:
        blocks.append(f"## {escaped(_title(row))}")
        blocks.append(Table.of(_PAGE, row.cells).markdown())
        causes = [f"{cell.name}: {cell.cause}" for cell in row.cells if cell.cause]
        if causes:
            blocks.append(preformatted(causes))
    origin = (record.suite, f"parity {record.parity_version}", record.started)
    blocks.append(escaped(", ".join(origin)))
    return "\n\n".join(blocks) + "\n"


def write_matrix(record: MatrixRecord, folder: Path) -> tuple[Path, ...]:
    """Write ``matrix.csv`` and ``matrix.md`` to FOLDER/<detector>."""
    contents = dict(zip(FILES, (matrix_csv(record), matrix_md(record)), strict=True))
    return write_files(folder, record.detector, contents)


def _title(row: RowRecord) -> str:
    saved = f"; saved by {printable(row.cells[0].saved_by)}" if _one_author(row) else ""
    return (
        f"{printable(row.name)}: {printable(row.runtime)} ({printable(row.kind)}, tolerance "
        f"{printable(row.cells[0].tolerance.name)}), compared with {printable(row.cells[0].name)}"
        f"{saved}"
    )


def _one_author(row: RowRecord) -> bool:
    """Whether one library in one version is known to have saved what all cells run."""
    return {cell.saved_by for cell in row.cells} == {row.cells[0].saved_by} != {""}


def _worst(row: RowRecord) -> str:
    verdicts = {cell.verdict for cell in row.cells}
    return next(one for one in ("error", "fail", "pass", "skipped") if one in verdicts)


def _side(heading: str, sides: Sequence[tuple[Comparison | None, Tolerance]]) -> list[str]:
    """One comparison, its numbers side by side so that they are never torn apart."""
    rows = [
        _MEASURED,
        *(_numbers(side, limits) for side, limits in sides),
    ]
    verdicts = [heading, *(_verdict(side) for side, _ in sides)]
    wide = max(map(len, verdicts))
    return [
        (
            f"{verdict:<{wide}} {row[0]:>5} {row[1]:>5} {row[2]:>8} {row[3]:>8}"
            if any(row)
            else verdict
        )
        for verdict, row in zip(verdicts, rows, strict=True)
    ]


def _table(row: RowRecord) -> Table:
    """A row's cells for a terminal."""
    reference = _side("vs reference", [(one.reference, one.tolerance) for one in row.cells])
    first = _side("vs first", [(one.first, one.tolerance) for one in row.cells])
    compared = {
        one.name: beside for one, *beside in zip(row.cells, reference[1:], first[1:], strict=True)
    }
    columns = (
        Column[CellRecord]("cell", _name),
        Column[CellRecord]("verdict", lambda one: one.verdict, mark=lambda one: one.verdict),
        Column[CellRecord]("ran on", lambda one: clipped(_library(one), _LONGEST)),
        Column[CellRecord](reference[0], lambda one: compared[one.name][0]),
        Column[CellRecord](first[0], lambda one: compared[one.name][1]),
        Column[CellRecord]("ms/image", _time, right=True),
    )
    return Table.of(columns, row.cells)


def _numbers(side: Comparison | None, limits: Tolerance) -> tuple[str, str, str, str]:
    if side is None or side.pairs is None:
        return ("", "", "", "")
    return (
        str(side.lost),
        str(side.extra),
        _amount(side.max_one_minus_iou, round(1 - limits.min_box_iou, 12)),
        _amount(side.max_score_diff, limits.max_score_diff),
    )


def _verdict(side: Comparison | None) -> str:
    if side is None or side.verdict is None:
        return "-"
    return side.verdict


def _told(row: RowRecord, cell: CellRecord, columns_wide: int) -> Iterator[str]:
    """What a cell means, why it did not run, and where it breaks, wrapped."""
    yield from _wrapped(f"{_name(cell)}: {printable(cell.meaning)}", columns_wide, "")
    if cell.saved_by and not _one_author(row):
        yield from _wrapped(f"saved by: {printable(cell.saved_by)}", columns_wide, "  ")
    for line in _details(row, cell):
        yield from _wrapped(line, columns_wide, "  ")


def _details(row: RowRecord, cell: CellRecord) -> Iterator[str]:
    if cell.cause:
        first = next(one for one in row.cells if one.cause == cell.cause)
        same = f"the same as of {_name(first)}"
        yield f"why: {printable(cell.cause) if first is cell else same}"
    others = [one for one in cell.reference.findings if one not in _SEEN_ELSEWHERE]
    if others:
        yield f"found: {', '.join(others)}"
    if cell.divergent is not None:
        yield f"layer: {_layer(cell)}"
    for hint in cell.hints:
        yield f"hint: {printable(hint)}"


def _wrapped(text: str, columns_wide: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        max(columns_wide, 20),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
    )


def _layer(cell: CellRecord) -> str:
    found = cell.divergent
    if found is None:
        return ""
    if not found.layer:
        return printable(found.note)
    local = (
        "" if found.local_rel_l2 is None else f", local relative L2 {number(found.local_rel_l2)}"
    )
    return f"{clipped(printable(found.layer))} ({clipped(printable(found.op), 40)}{local})"


def _name(cell: CellRecord) -> str:
    return clipped(printable(cell.name), _LONGEST)


def _library(cell: CellRecord) -> str:
    named = (cell.identity.get(key) for key in ("library", "version"))
    return printable(" ".join(str(one) for one in named if one))


def _time(cell: CellRecord) -> str:
    return "" if cell.milliseconds is None else milliseconds(cell.milliseconds)


def _amount(value: float | None, limit: float) -> str:
    return "" if value is None else beside(value, limit, 2)


def _number(side: str, place: int, cell: CellRecord) -> str:
    return _numbers(getattr(cell, side), cell.tolerance)[place]


def _compared(heading: str, side: str) -> tuple[Column[CellRecord], ...]:
    """The columns of one comparison: its verdict and its numbers, each in a column of its own."""
    return (
        Column(heading, lambda one: _verdict(getattr(one, side))),
        *(
            Column(name, partial(_number, side, place), right=True)
            for place, name in enumerate(_MEASURED)
        ),
    )


_PAGE = (  # of Markdown, which is as wide as it needs to be
    Column[CellRecord]("cell", lambda one: one.name),
    Column[CellRecord]("verdict", lambda one: one.verdict),
    Column[CellRecord]("saved by", lambda one: printable(one.saved_by)),
    Column[CellRecord]("ran on", _library),
    Column[CellRecord]("changed", lambda one: "; ".join(one.changes)),
    *_compared("vs reference", "reference"),
    *_compared("vs first", "first"),
    Column[CellRecord]("ms/image", _time, right=True),
    Column[CellRecord]("layer", _layer),
    Column[CellRecord]("meaning", lambda one: one.meaning),
)
