"""One table in all its forms: what stands once per column comes out in each of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parity.report.table import Column, Table, table
from parity.report.terminal import page

Row = tuple[str, float | None]
COLUMNS = (
    Column[Row]("name", lambda row: row[0]),
    Column[Row]("value", lambda row: "" if row[1] is None else f"{row[1]:.1f}", right=True),
)
EXACT = (COLUMNS[0], Column[Row]("value", lambda row: row[1]))
ROWS: tuple[Row, ...] = (("bolt", 10.25), ("a|b", None))


def test_lines_are_aligned_and_numbers_stand_to_the_right() -> None:
    """The heading stands where its cells do."""
    assert Table.of(COLUMNS, ROWS).lines() == ["name  value", "bolt   10.2", "a|b"]


def test_columns_that_do_not_fit_follow_below_their_row() -> None:
    """Nothing is cut: the second column of each row is set in below the first."""
    assert Table.of(COLUMNS, ROWS[:1]).lines(8) == ["name", "    value", "bolt", "     10.2"]


def test_blocks_repeat_the_first_column() -> None:
    """Each block says of whom it speaks, and none is wider than asked."""
    wide = table(("who", "one", "two"), [("a", "111", "222")])
    assert [block.lines() for block in wide.blocks(9)] == [
        ["who  one", "a    111"],
        ["who  two", "a    222"],
    ]


def test_markdown_has_the_same_columns_and_only_text() -> None:
    """The side of a column is that of its heading; a bar in a cell ends no cell."""
    assert Table.of(COLUMNS, ROWS).markdown() == (
        "| name | value |\n|---|---:|\n| bolt | 10.2 |\n| a&#124;b |  |"
    )


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (None, ""),
        (math.nan, ""),
        (math.inf, "inf"),
        (True, "True"),
        (3, "3"),
        ("=1+1", "'=1+1"),
        ("a\nb", "a\\nb"),
        ('a,"b', '"a,""b"'),
        (-1.5, "-1.5"),
    ],
)
def test_csv_has_numbers_in_full_and_text_that_is_no_formula(cell: Any, written: str) -> None:
    """What is not known is empty; a number keeps its sign, text from a file its place."""
    assert table(("cell", "end"), [(cell, "x")]).csv() == f"cell,end\n{written},x\n"


def test_a_column_that_says_nothing_of_any_row_is_not_told() -> None:
    """The first stays, whatever is in it."""
    assert table(("a", "b", "c"), [("", "", "x")]).told().lines() == ["a  c", "   x"]
    assert table(("a", "b", "c"), [("1", "", "x")]).told().lines() == ["a  c", "1  x"]


def test_a_marked_cell_is_coloured_and_no_other() -> None:
    """A verdict has its colour, an alarm is bold; in plain text neither leaves a trace."""
    marked = Table.of(
        (COLUMNS[0], Column[Row]("n", lambda row: "7", mark=lambda row: "alarm")), ROWS[:1]
    )
    assert "\x1b[1m7\x1b[0m" in page("title", "pass", marked, (), 80, color=True)
    assert page("title", "pass", marked, (), 80, color=False) == "title\n\nname  n\nbolt  7\n"
