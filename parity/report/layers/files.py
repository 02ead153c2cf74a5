"""The files of a candidate's layers: all of them as CSV, and their plot."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from parity.files import write_all
from parity.layers.verdict.table import COLUMNS, LayerRow, LayerTable
from parity.report.folders import distinct
from parity.report.layers.plot import layers_svg, no_plot
from parity.report.layers.text import headline
from parity.report.table import Column, Table

_SPOILT = {
    "nonfinite": ("max_abs", "mean_abs", "rmse", "rel_l2", "sqnr_db", "cosine"),
    "local_nonfinite": ("local_rel_l2", "local_sqnr_db", "local_ratio", "local_max_abs"),
}


def layers_csv(layers: LayerTable) -> str:
    """One row a region of the candidate in execution order, then what has no partner.

    The columns are ``COLUMNS`` of ``layers/verdict/table.py``; errors are of the worst image. What
    could not be measured is empty, and ``note`` says why; an error is "nan" where a value is not
    finite.
    """
    return Table.of(
        (Column[LayerRow](name, partial(_cell, name)) for name in COLUMNS), layers.rows
    ).csv()


def write_layers(folder: Path, detector: str, runtime: str, layers: LayerTable) -> tuple[Path, ...]:
    """Write ``layers-<runtime>.csv``, and ``.svg`` unless ``no_plot``, to the detector's folder."""
    distinct([detector])
    target = folder / detector
    contents = {f"layers-{runtime}.csv": layers_csv(layers).encode()}
    if no_plot() is None:
        contents[f"layers-{runtime}.svg"] = layers_svg(layers, headline(runtime, layers))
    write_all(target, contents)
    return tuple(target / name for name in contents)


def _cell(column: str, row: LayerRow) -> Any:
    value = getattr(row, column)
    for spoilt, columns in _SPOILT.items():
        if column in columns and value is not None and getattr(row, spoilt):
            return "nan"
    return "x".join(map(str, value)) if column == "shape" else value
