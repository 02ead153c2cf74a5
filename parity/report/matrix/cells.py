"""``matrix.csv``: every cell of a matrix, one row each."""

from __future__ import annotations

from typing import Any

from parity.record.matrix import CellRecord, Comparison, Divergent, MatrixRecord, RowRecord
from parity.report.suite.detections import inert

COLUMNS = (
    "row",
    "runtime",
    "cell",
    "verdict",
    "loaded",
    "changes",
    "library",
    "version",
    "model_sha256",
    "saved_by",
    *(
        f"{side}_{name}"
        for side in ("reference", "first")
        for name in (
            "verdict",
            "findings",
            "pairs",
            "lost",
            "extra",
            "class_flips",
            "max_one_minus_iou",
            "max_score_diff",
        )
    ),
    "identical_to_first",
    "layer",
    "layer_op",
    "layer_local_rel_l2",
    "layer_note",
    "milliseconds",
    "meaning",
    "cause",
)
_COUNTS = ("_pairs", "_lost", "_extra", "_class_flips")


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
    import pandas as pd

    rows = [_record(row, cell) for row in record.rows for cell in row.cells]
    frame = pd.DataFrame.from_records(rows, columns=list(COLUMNS))
    for column in COLUMNS:
        if column.endswith(_COUNTS):
            frame[column] = frame[column].astype("Int64")
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _record(row: RowRecord, cell: CellRecord) -> tuple[Any, ...]:
    divergent = cell.divergent or Divergent()
    return (
        inert(row.name),
        inert(row.runtime),
        inert(cell.name),
        cell.verdict,
        cell.loaded,
        inert("; ".join(cell.changes)),
        inert(str(cell.identity.get("library", ""))),
        inert(str(cell.identity.get("version", ""))),
        " ".join(file.sha256 for file in cell.artifacts),
        inert(cell.saved_by),
        *_compared(cell.reference),
        *_compared(cell.first),
        None if cell.first is None else cell.first.identical,
        inert(divergent.layer),
        inert(divergent.op),
        divergent.local_rel_l2,
        inert(divergent.note),
        cell.milliseconds,
        inert(cell.meaning),
        inert(cell.cause),
    )


def _compared(side: Comparison | None) -> tuple[Any, ...]:
    if side is None:
        return ("", "", *(None,) * 6)
    return (
        side.verdict or "",
        "; ".join(side.findings),
        side.pairs,
        side.lost,
        side.extra,
        side.class_flips,
        side.max_one_minus_iou,
        side.max_score_diff,
    )
