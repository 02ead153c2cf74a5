"""The error of every layer over depth, as a plot."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from parity.layers.verdict.table import LayerRow, LayerTable
from parity.report.text import clipped, printable
from parity.runtimes.contract import Library
from parity.runtimes.shared.libraries import absent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = 18  # layers named below the axis
LONGEST = 28  # characters of such a name
_SERIES = (
    # label, error, count of values that are not finite, colour, line, marker
    ("accumulated", "rel_l2", "nonfinite", "#4477aa", "-", "."),
    ("local", "local_rel_l2", "local_nonfinite", "#228833", "", "o"),
    ("expected of int8", "expected_rel_l2", "", "#222222", "", "_"),
)


_LIBRARY = Library("matplotlib", "matplotlib", "pip install 'detector-parity[plots]'")


def no_plot() -> str | None:
    """Why no plot can be drawn here, with the remedy; None where one can."""
    return absent(_LIBRARY)


def layers_svg(layers: LayerTable, title: str) -> bytes:
    """The plot of ``layers_figure`` as SVG."""
    buffer = io.BytesIO()
    layers_figure(layers, title).savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def layers_figure(layers: LayerTable, title: str) -> Figure:
    """Accumulated and local error of every layer over depth, logarithmic, suspects marked.

    Zero, which a logarithmic axis does not have, stands on a line of its own at the bottom, and
    what is not finite on one at the top.
    """
    from matplotlib.figure import Figure

    rows = [row for row in layers.rows if row.verdict != "unpaired"]
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yscale("log")
    low, high = _limits(rows)
    axes.set_ylim(low / 2, high * 2)
    _lines(axes, rows, low, high)
    for label, error, spoilt, color, line, marker in _SERIES:
        _series(axes, rows, (error, spoilt), (low, high), (label, color, line, marker))
    for row in layers.suspects():
        _mark(axes, row, len(rows), low, high)
    _name(axes, rows)
    axes.set_ylabel("relative L2, worst image")
    axes.set_xlabel("layer, in execution order")
    axes.set_title(_plain(textwrap.fill(title, 130)), fontsize=9)
    axes.grid(visible=True, which="major", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _limits(rows: Sequence[LayerRow]) -> tuple[float, float]:
    """Where zero and where what is not finite are drawn: beyond the decades of all other errors."""
    known = [getattr(row, error) for row in rows for _, error, *_ in _SERIES]
    drawn = [value for value in known if value is not None and 0 < value < math.inf]
    low, high = (min(drawn), max(drawn)) if drawn else (1e-8, 1e-2)
    return 10.0 ** math.floor(math.log10(low)) / 4, 10.0 ** math.ceil(math.log10(high)) * 4


def _lines(axes: Axes, rows: Sequence[LayerRow], low: float, high: float) -> None:
    """The lines for zero and for what is not finite, where anything stands on them."""
    places = {
        _height(row, error, spoilt, low, high) for row in rows for _, error, spoilt, *_ in _SERIES
    }
    for height, words in ((low, "exactly 0"), (high, "not finite")):
        if height in places:
            axes.axhline(height, color="#bbbbbb", linewidth=0.8, linestyle=":")
            axes.annotate(
                words,
                (1, height),
                xycoords=("axes fraction", "data"),
                xytext=(4, -3),
                textcoords="offset points",
                fontsize=7,
                color="#777777",
            )


def _height(row: LayerRow, error: str, spoilt: str, low: float, high: float) -> float | None:
    """Where an error is drawn; None where there is none."""
    value: float | None = getattr(row, error)
    if value is None:
        return None
    if (spoilt and getattr(row, spoilt)) or not math.isfinite(value):
        return high
    return value or low


def _series(
    axes: Axes,
    rows: Sequence[LayerRow],
    fields: tuple[str, str],
    limits: tuple[float, float],
    style: tuple[str, str, str, str],
) -> None:
    """One kind of error; the line joins neighbours that both are on the scale.

    Marks for zero have sizes of their own, so that none hides another.
    """
    label, color, line, marker = style
    points = [(row.index, _height(row, *fields, *limits)) for row in rows]
    shown = [(index, height) for index, height in points if height is not None]
    if not shown:
        return
    on_scale = [math.nan if height in limits else height for _, height in shown]
    depth = [index for index, _ in shown]
    axes.plot(
        depth,
        on_scale,
        linestyle=line or "none",
        linewidth=1,
        label=label,
        color=color,
        marker=marker,
        markersize=7 if marker == "_" else 4,
        zorder=3 if marker == "_" else 2,
    )
    for limit, mark in zip(limits, ("|", "x"), strict=True):
        beyond = [index for index, height in shown if height == limit]
        axes.plot(beyond, [limit] * len(beyond), mark, color=color, markersize=10 if line else 5)


def _mark(axes: Axes, row: LayerRow, count: int, low: float, high: float) -> None:
    """A circle around a suspect, and its name on the side that has room."""
    places = [_height(row, error, spoilt, low, high) for _, error, spoilt, *_ in _SERIES[:2]]
    height = high if high in places else places[1] or places[0] or low
    axes.plot(row.index, height, "o", color="#ee6677", markersize=10, fillstyle="none")
    left = row.index > count / 2
    axes.annotate(
        _plain(f"{row.index} {clipped(printable(row.layer or row.candidate), 40)}"),
        (row.index, height),
        xytext=(-8 if left else 8, 5),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=8,
        color="#aa3344",
    )


def _name(axes: Axes, rows: Sequence[LayerRow]) -> None:
    """Places and names of some layers below the axis, evenly spread."""
    step = max(1, math.ceil(len(rows) / NAMES))
    some = rows[::step]
    names = [
        _plain(f"{clipped(printable(row.layer or row.candidate), LONGEST)}  {row.index}")
        for row in some
    ]
    axes.set_xticks(
        [row.index for row in some],
        names,
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontsize=7,
    )


def _plain(text: str) -> str:
    """Text without mathematics, which "$" would start."""
    return text.replace("$", r"\$")
