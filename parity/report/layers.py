"""The layers of one candidate: CSV, the top suspects as text, the error over depth as a plot."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.files import write_all
from parity.layers.table import COLUMNS, LayerTable, Row
from parity.report.numbers import number
from parity.report.tables import inert
from parity.report.text import clipped, printable, table
from parity.report.writing import distinct

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP = 5  # layers that the terminal shows
_TEXT = ("layer", "op", "candidate", "candidate_op", "layout", "evidence", "verdict", "note")


def layers_csv(layers: LayerTable) -> str:
    """One row a region of the candidate in execution order, then what has no partner.

    The columns are those of ``parity.layers.table.COLUMNS``; errors are of the worst image. What
    could not be measured is empty, and ``note`` says why.
    """
    import pandas as pd

    frame = pd.DataFrame.from_records(
        [[_cell(row, column) for column in COLUMNS] for row in layers.rows], columns=list(COLUMNS)
    )
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def headline(runtime: str, layers: LayerTable) -> str:
    """In one line: whether a layer introduces an error, and which."""
    images = "1 image" if layers.images == 1 else f"{layers.images} images"
    about = f"{printable(runtime)}: {_share(layers.coverage)} of its ops compared on {images}"
    suspects = layers.suspects(len(layers.rows))
    if layers.input_differs:
        return f"{about}; no layer introduces the error: the input differs, look at preprocess"
    if not suspects:
        blind = any(
            row.verdict == "unpaired" and row.layer and row.candidate for row in layers.rows
        )
        some = " that could be compared" if layers.unseen or blind else ""
        return f"{about}; no layer{some} introduces an error"
    others = f" and {len(suspects) - 1} more" if len(suspects) > 1 else ""
    top = suspects[0]
    if top.local_rel_l2 is None and top.verdict == "introduced" and math.isfinite(top.suspicion):
        return f"{about}; the suspect is {_named(top)}{others}"
    return f"{about}; introduced by {_named(suspects[0])}{others}"


def layers_text(
    runtime: str, layers: LayerTable, replays: Sequence[Path], notes: Sequence[str]
) -> str:
    """The headline, the most suspicious layers, and what could not be done."""
    ranked = (layers.suspects(TOP) or layers.ranked()[:TOP]) if layers.rows else ()
    header = ("layer", "of the candidate", "op", "accumulated", "local", "expected", "verdict")
    rows = [
        (
            clipped(printable(row.layer), 32),
            clipped(printable(row.candidate), 32),
            clipped(printable(row.candidate_op), 24),
            _amount(row.rel_l2),
            _amount(row.local_rel_l2),
            _amount(row.expected_rel_l2),
            row.verdict,
        )
        for row in ranked
    ]
    unpaired = [row for row in layers.rows if row.verdict == "unpaired"]
    lines = [headline(runtime, layers)]
    if rows:
        lines += ["", *(f"  {line}" for line in table(header, rows, (3, 4, 5))), ""]
        lines.append(
            "  errors are relative L2, of the worst image; local: on the reference's input"
        )
    if unpaired:
        lines.append(f"  {len(unpaired)} layers have no partner: see the CSV")
    lines += [f"  note: {printable(note)}" for note in (*layers.notes, *notes)]
    lines += [f"  replay: {path}" for path in replays]
    return "\n".join(lines) + "\n"


def layers_svg(runtime: str, layers: LayerTable) -> bytes:
    """The plot of ``layers_figure`` as SVG."""
    buffer = io.BytesIO()
    layers_figure(runtime, layers).savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def layers_figure(runtime: str, layers: LayerTable) -> Figure:
    """Accumulated and local error of every layer over depth, logarithmic, suspects marked."""
    from matplotlib.figure import Figure

    rows = [row for row in layers.rows if row.verdict != "unpaired"]
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.add_subplot()
    floor = 1e-9  # zero has no place on a logarithmic axis
    for label, field, color, marker in (
        ("accumulated", "rel_l2", "#4477aa", ""),
        ("local", "local_rel_l2", "#228833", "."),
        ("expected of int8", "expected_rel_l2", "#999999", ""),
    ):
        points = [(row.index, getattr(row, field)) for row in rows]
        shown = [(index, max(value, floor)) for index, value in points if value is not None]
        if shown:
            depth, error = zip(*shown, strict=True)
            line = "" if marker else "-"  # neighbours have no local error in common
            axes.plot(depth, error, line, label=label, color=color, marker=marker, linewidth=1)
    for row in layers.suspects():
        height = max(row.local_rel_l2 or row.rel_l2 or floor, floor)
        axes.plot(row.index, height, "o", color="#ee6677", markersize=9, fillstyle="none")
        # "$" would start mathematics.
        name = clipped(printable(row.layer or row.candidate), 40).replace("$", r"\$")
        axes.annotate(name, (row.index, height), xytext=(6, 6), textcoords="offset points")
    axes.set_yscale("log")
    axes.set_xlabel("layer, in execution order")
    axes.set_ylabel("relative L2")
    title = textwrap.fill(headline(runtime, layers), 120)
    axes.set_title(title.replace("$", r"\$"), fontsize=9)
    axes.grid(visible=True, which="major", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return figure


def write_layers(folder: Path, detector: str, runtime: str, layers: LayerTable) -> tuple[Path, ...]:
    """Write ``layers-<runtime>.csv`` and ``.svg`` to the detector's folder."""
    distinct([detector])
    target = folder / detector
    contents = {
        f"layers-{runtime}.csv": layers_csv(layers).encode(),
        f"layers-{runtime}.svg": layers_svg(runtime, layers),
    }
    write_all(target, contents)
    return tuple(target / name for name in contents)


def _cell(row: Row, column: str) -> Any:
    value = getattr(row, column)
    if column in _TEXT:
        return inert(value)
    return "x".join(map(str, value)) if column == "shape" else value


def _named(row: Row) -> str:
    if row.local_rel_l2 is not None:
        local = f"local relative L2 {number(row.local_rel_l2)}"
    elif row.rel_l2 is not None:
        local = f"accumulated relative L2 {number(row.rel_l2)}, not run alone"
    else:
        local = clipped(printable(row.note.split(";")[0]), 80)
    if row.verdict == "nonfinite":
        local = f"{row.nonfinite} values that are not finite"
    kind = clipped(printable(row.candidate_op), 40)
    name = clipped(printable(row.layer or row.candidate))
    return f"{name} ({kind}{', ' if local else ''}{local})"


def _share(share: float) -> str:
    """A share in percent, one decimal; all of it only where it is."""
    return f"{math.floor(round(1000 * share, 6)) / 10:g} %"


def _amount(value: float | None) -> str:
    return "" if value is None else number(value)
