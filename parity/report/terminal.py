"""A page for a terminal: coloured by rich on one, plain aligned text elsewhere."""

from __future__ import annotations

import io
from collections.abc import Sequence

from parity.report.table import GAP, Table

WIDTH = 120  # of plain text, where nobody says how wide it may be
_STYLES = {
    "pass": "green",
    "partial": "yellow",
    "fail": "bold red",
    "error": "bold magenta",
    "skipped": "yellow",
    "alarm": "bold",
}


def page(
    title: str,
    verdict: str,
    every: Table,
    notes: Sequence[str],
    columns_wide: int,
    *,
    color: bool,
) -> str:
    """A title in the colour of its verdict, a table, lines below it."""
    blocks = every.blocks(columns_wide)
    if color:
        return _rich(title, verdict, blocks, notes, columns_wide)
    parts = [title, *("\n".join(block.lines()) for block in blocks)]
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts) + "\n"


def _rich(
    title: str,
    verdict: str,
    blocks: Sequence[Table],
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


def _rich_table(block: Table) -> object:
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, padding=(0, len(GAP), 0, 0), pad_edge=False, header_style="bold")
    for heading in block.headings:
        shown.add_column(
            Text(heading.text), justify="right" if heading.right else "left", no_wrap=True
        )
    for cells, marks in zip(block.rows, block.marks, strict=True):
        shown.add_row(
            *(Text(cell, style=_style(mark)) for cell, mark in zip(cells, marks, strict=True))
        )
    return shown


def _style(mark: str | None) -> str:
    return _STYLES.get(mark, "dim") if mark else ""
