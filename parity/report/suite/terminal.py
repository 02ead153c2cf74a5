"""The table of a suite for a terminal: coloured by rich on one, plain aligned text elsewhere."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from parity.record import RuntimeRecord, SuiteRecord
from parity.report.messages.message import image_message, runtime_message
from parity.report.suite.overview import VERDICT, Column, columns, headline, reasons
from parity.report.text import padded, width

WIDTH = 120  # of plain text, where nobody says how wide it may be
IMAGES_TOLD = 2  # failed images whose rows are printed, for each runtime
_GAP = 2
_STYLES = {
    "pass": "green",
    "partial": "yellow",
    "fail": "bold red",
    "error": "bold magenta",
    "skipped": "yellow",
}


def overview(record: SuiteRecord, columns_wide: int = WIDTH, *, color: bool = False) -> str:
    """The verdict, the table and the reasons of a suite, as text that ends with a newline.

    Columns that do not fit beside each other stand below, behind the runtimes' names again.
    ``color`` adds ANSI styles; without it the same record always gives the same text.
    """
    return page(
        headline(record),
        record.verdict,
        columns(record),
        reasons(record),
        columns_wide,
        color=color,
    )


def page(
    title: str,
    verdict: str,
    every: Sequence[Column],
    notes: Sequence[str],
    columns_wide: int,
    *,
    color: bool,
) -> str:
    """A title in the colour of its verdict, a table, lines below it."""
    blocks = split(every, columns_wide)
    if color:
        return _rich(title, verdict, blocks, notes, columns_wide)
    parts = [title, *("\n".join(_plain(block)) for block in blocks)]
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts) + "\n"


def failures(record: SuiteRecord, wide: int | None = None) -> str:
    """The messages of the runtimes that failed, each with its first failed images; "" for none.

    ``wide`` is the longest line of their sentences and tables.
    """
    told = [
        "\n\n".join(_told(runtime, record.classes, wide))
        for runtime in record.runtimes
        if runtime.verdict in ("fail", "error") and runtime.failure is None
    ]
    return "\n\n".join(told) + "\n" if told else ""


def split(every: Sequence[Column], columns_wide: int) -> list[list[Column]]:
    """The columns in blocks that are no wider than asked, each led by the first column."""
    name, *rest = every
    blocks: list[list[Column]] = []
    used = columns_wide + 1
    for column in rest:
        needed = _GAP + _wide(column)
        if used + needed > columns_wide:
            blocks.append([name])
            used = _wide(name)
        blocks[-1].append(column)
        used += needed
    return blocks


def _told(runtime: RuntimeRecord, classes: Sequence[str], wide: int | None) -> Iterable[str]:
    yield runtime_message(runtime, classes, wide=wide)
    failed = [image for image in runtime.failed_images() if image.failure is None]
    for image in failed[:IMAGES_TOLD]:
        yield image_message(image, runtime, classes, hints=False, wide=wide)


def _wide(column: Column) -> int:
    return max(width(text) for text in (column.header, *column.cells))


def _plain(block: Sequence[Column]) -> list[str]:
    grid = [[column.header, *column.cells] for column in block]
    return [
        (" " * _GAP)
        .join(
            padded(cells[line], _wide(column), column.right)
            for column, cells in zip(block, grid, strict=True)
        )
        .rstrip()
        for line in range(len(grid[0]))
    ]


def _rich(
    title: str,
    verdict: str,
    blocks: Sequence[Sequence[Column]],
    notes: Sequence[str],
    columns_wide: int,
) -> str:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, width=columns_wide, highlight=False)
    console.print(Text(title, style=_STYLES.get(verdict, "")), soft_wrap=True)
    for block in blocks:
        console.print()
        console.print(_rich_table(block), soft_wrap=True)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note), soft_wrap=True)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def _rich_table(block: Sequence[Column]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in block:
        table.add_column(
            Text(column.header), justify="right" if column.right else "left", no_wrap=True
        )
    for line in range(len(block[0].cells)):
        table.add_row(*(Text(column.cells[line], style=_style(column, line)) for column in block))
    return table


def _style(column: Column, line: int) -> str:
    if column.header == VERDICT:
        return _STYLES.get(column.cells[line], "dim")
    return "bold" if column.alarming and column.alarming[line] else ""
