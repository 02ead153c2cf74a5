"""``matrix.csv``: every cell of a matrix, one row each."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from parity.record.matrix import CellRecord, Comparison, MatrixRecord, RowRecord
from parity.report.table import Column, Table


class _Place(NamedTuple):
    row: RowRecord
    cell: CellRecord


def matrix_csv(record: MatrixRecord) -> str:
    """One row a cell, with "\\n" between lines; what was not measured is empty.

    The columns are ``COLUMNS``: ``library`` and ``version`` are what ran the cell, ``saved_by``
    what wrote its model file, ``reference_*`` and ``first_*`` are the comparison with the
    reference and with the row's first cell, ``findings`` codes of what disagrees,
    ``max_one_minus_iou`` and ``max_score_diff`` the largest over all pairs, ``layer`` the layer
    that introduces most of a broken cell's error (``layer_note``: why none is named),
    ``milliseconds`` the median of the network's time on one image. An apostrophe leads text that
    a spreadsheet would take for a formula.
    """
    places = (_Place(row, cell) for row in record.rows for cell in row.cells)
    return Table.of(_COLUMNS, places).csv()


def _identity(key: str, one: _Place) -> str:
    return str(one.cell.identity.get(key, ""))


def _layer(field: str, one: _Place) -> Any:
    return getattr(one.cell.divergent, field, None)


def _compared(side: str, field: str, one: _Place) -> Any:
    found: Comparison | None = getattr(one.cell, side)
    return getattr(found, field, None)


def _findings(side: str, one: _Place) -> str:
    return "; ".join(_compared(side, "findings", one) or ())


def _side(side: str) -> tuple[Column[_Place], ...]:
    """What a matrix knows of a cell beside the reference, or beside the first cell of its row."""
    fields = ("pairs", "lost", "extra", "class_flips", "max_one_minus_iou", "max_score_diff")
    return (
        Column(f"{side}_verdict", partial(_compared, side, "verdict")),
        Column(f"{side}_findings", partial(_findings, side)),
        *(Column(f"{side}_{field}", partial(_compared, side, field)) for field in fields),
    )


_COLUMNS = (
    Column[_Place]("row", lambda one: one.row.name),
    Column[_Place]("runtime", lambda one: one.row.runtime),
    Column[_Place]("cell", lambda one: one.cell.name),
    Column[_Place]("verdict", lambda one: one.cell.verdict),
    Column[_Place]("loaded", lambda one: one.cell.loaded),
    Column[_Place]("changes", lambda one: "; ".join(one.cell.changes)),
    Column[_Place]("library", partial(_identity, "library")),
    Column[_Place]("version", partial(_identity, "version")),
    Column[_Place]("model_sha256", lambda one: " ".join(it.sha256 for it in one.cell.artifacts)),
    Column[_Place]("saved_by", lambda one: one.cell.saved_by),
    *_side("reference"),
    *_side("first"),
    Column[_Place]("identical_to_first", partial(_compared, "first", "identical")),
    Column[_Place]("layer", partial(_layer, "layer")),
    Column[_Place]("layer_op", partial(_layer, "op")),
    Column[_Place]("layer_local_rel_l2", partial(_layer, "local_rel_l2")),
    Column[_Place]("layer_note", partial(_layer, "note")),
    Column[_Place]("milliseconds", lambda one: one.cell.milliseconds),
    Column[_Place]("meaning", lambda one: one.cell.meaning),
    Column[_Place]("cause", lambda one: one.cell.cause),
)
COLUMNS = tuple(one.heading for one in _COLUMNS)
