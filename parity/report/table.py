"""The one table of all reports: lines for a terminal, Markdown, CSV.

A report declares its columns once, each with its heading and what it says of a row, and renders the
``Table`` of them and its rows. Cells of tables for readers are text that is printable already;
those of CSV are text as it came from files, or numbers, which are written in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from parity.report.markdown import row as markdown_row
from parity.report.text import padded, printable, width

if TYPE_CHECKING:
    import pandas as pd

GAP = "  "
_FOLDED = "    "  # before what did not fit beside the rest of its row
_FORMULA = ("=", "+", "-", "@")

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Column(Generic[RowT]):
    """One column: its heading, what it says of a row, and whether it stands to the right.

    ``mark`` names what a reader must not miss of a row's cell: a verdict, or "alarm"; "" nothing.
    """

    heading: str
    cell: Callable[[RowT], Any]
    right: bool = False
    mark: Callable[[RowT], str] | None = None


@dataclass(frozen=True)
class Heading:
    """The head of a table's column."""

    text: str
    right: bool


@dataclass(frozen=True)
class Table:
    """Rows of cells below their headings. ``marks`` are by row and column, as of ``Column``."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Any, ...], ...]
    marks: tuple[tuple[str | None, ...], ...]

    @classmethod
    def of(cls, columns: Iterable[Column[RowT]], rows: Iterable[RowT]) -> Table:
        """What these columns say of these rows."""
        columns, rows = tuple(columns), tuple(rows)
        return cls(
            tuple(Heading(one.heading, one.right) for one in columns),
            tuple(tuple(one.cell(row) for one in columns) for row in rows),
            tuple(
                tuple(None if one.mark is None else one.mark(row) for one in columns)
                for row in rows
            ),
        )

    def told(self) -> Table:
        """The first column, and of the others those that say something of a row."""
        found = [i for i in range(1, len(self.headings)) if any(row[i] for row in self.rows)]
        return self._only([0, *found])

    def lines(self, wide: int | None = None) -> list[str]:
        """Aligned lines, the headings first.

        Columns that do not fit into ``wide`` follow below, each row on as many lines as that takes;
        nothing is cut. A column without heading and cells stands nowhere.
        """
        grid = [tuple(one.text for one in self.headings), *self.rows]
        widths = self._widths()
        groups = list(_groups(widths, wide))
        return [
            (
                _FOLDED * (place > 0)
                + GAP.join(padded(line[i], widths[i], self.headings[i].right) for i in group)
            ).rstrip()
            for line in grid
            for place, group in enumerate(groups)
        ]

    def blocks(self, wide: int) -> list[Table]:
        """Tables that are no wider than asked, each led by the first column."""
        first, *widths = self._widths()
        blocks: list[list[int]] = []
        used = wide + 1
        for i, width_of in enumerate(widths, 1):
            needed = len(GAP) + width_of
            if used + needed > wide:
                blocks.append([0])
                used = first
            blocks[-1].append(i)
            used += needed
        return [self._only(block) for block in blocks]

    def markdown(self) -> str:
        """GitHub's Markdown, in which every cell is only text."""
        sides = ("---:" if one.right else "---" for one in self.headings)
        lines = [markdown_row(one.text for one in self.headings), f"|{'|'.join(sides)}|"]
        return "\n".join([*lines, *map(markdown_row, self.rows)])

    def csv(self) -> str:
        """CSV with "\\n" between lines; what there is not, None or NaN, is empty."""
        text: str = self.frame().to_csv(index=False, lineterminator="\n")
        return text

    def frame(self) -> pd.DataFrame:
        """The same in pandas: a column a heading, cells as they are, text in one line each."""
        import pandas as pd

        rows = [[_inert(cell) for cell in row] for row in self.rows]
        return pd.DataFrame(rows, columns=[one.text for one in self.headings], dtype=object)

    def _only(self, columns: Sequence[int]) -> Table:
        return Table(
            tuple(self.headings[i] for i in columns),
            tuple(tuple(row[i] for i in columns) for row in self.rows),
            tuple(tuple(row[i] for i in columns) for row in self.marks),
        )

    def _widths(self) -> list[int]:
        return [
            max(width(text) for text in (one.text, *(row[i] for row in self.rows)))
            for i, one in enumerate(self.headings)
        ]


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], right: Iterable[str] = ()
) -> Table:
    """A table of cells that stand already; the headings in ``right`` stand to the right."""
    kept = tuple(tuple(row) for row in rows)
    right = set(right)
    return Table(
        tuple(Heading(text, text in right) for text in headings),
        kept,
        tuple((None,) * len(headings) for _ in kept),
    )


def _inert(cell: Any) -> Any:
    """A cell of CSV. Text from a file is one line that no spreadsheet takes for a formula."""
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _groups(widths: Sequence[int], wide: int | None) -> Iterator[list[int]]:
    """Which columns stand beside each other."""
    group: list[int] = []
    used = 0
    for i, needed in enumerate(widths):
        if not needed:
            continue
        if wide is not None and group and used + len(GAP) + needed > wide:
            yield group
            group, used = [], len(_FOLDED)
        used += needed + (len(GAP) if group else 0)
        group.append(i)
    yield group
