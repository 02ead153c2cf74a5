"""The layers of one candidate in words: the verdict in one sentence, the top suspects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from parity.layers.numbers.float_formats import CEILING, FLOOR
from parity.layers.verdict import causes
from parity.layers.verdict.table import LayerRow, LayerTable
from parity.report.numbers import counted, number
from parity.report.table import Column, Table
from parity.report.text import clipped, printable, wrapped

TOP = 5  # layers that the terminal shows
WIDTH = 110  # of text, where nobody says how wide it may be

_APART = 1e-3  # relative L2 of outputs from which the model that was read is not the deployed one


def headline(runtime: str, layers: LayerTable) -> str:
    """In one sentence: whether a layer introduces an error, and which."""
    coverage = math.floor(round(1000 * layers.coverage, 6)) / 10  # 99.97 % is not all
    images = counted(layers.images, "image")
    about = f"{printable(runtime)}: {coverage:g} % of its ops compared on {images}"
    return f"{about}; {_finding(layers)}{_read_otherwise(layers)}"


def _finding(layers: LayerTable) -> str:
    suspects = layers.suspects(len(layers.rows))
    if layers.input_differs:
        return "no layer introduces the error: the input differs, look at preprocess"
    if not suspects:
        blind = any(
            row.verdict == "unpaired" and row.layer and row.candidate for row in layers.rows
        )
        some = " that could be compared" if layers.uncompared or blind else ""
        return f"no layer{some} introduces an error"
    top = suspects[0]
    unmeasured = top.local_rel_l2 is None and math.isfinite(top.suspicion)
    if top.verdict == "introduced" and unmeasured:
        others = f" and {counted(len(suspects) - 1, 'more layer')}" if len(suspects) > 1 else ""
        return f"the suspect is {_named(top)}{others}"
    if len(suspects) == 1:
        return f"introduced by {_named(suspects[0])}"
    largest, first = suspects[0], min(suspects, key=lambda row: row.index)
    if largest is first:
        return f"introduced by {len(suspects)} layers, the first and largest {_named(first)}"
    return (
        f"introduced by {len(suspects)} layers, the largest {_named(largest)}, the first in "
        f"execution order {_named(first)}"
    )


def _read_otherwise(layers: LayerTable) -> str:
    apart = layers.observer.get("candidate") or 0.0
    if not math.isfinite(apart) or apart < _APART:
        return ""
    return (
        f"; warning: the model that was read is not quite the deployed one, whose outputs are "
        f"{number(apart)} away (relative L2)"
    )


def _named(row: LayerRow) -> str:
    kind = clipped(printable(row.candidate_op), 40)
    return f"{clipped(printable(row.layer or row.candidate))} ({kind}, {_reason(row)})"


def _reason(row: LayerRow) -> str:
    """Why a row is suspicious, in a few words."""
    spoilt = row.local_nonfinite or row.nonfinite
    if row.verdict == "nonfinite" and spoilt:
        return f"{counted(spoilt, 'value')} not finite"
    if row.range_fault:
        return (
            f"its quantisation range is {row.range_fault}: {row.range_times or 0.0:.0f} times the "
            f"least possible range error"
        )
    if row.local_rel_l2 is None:
        if row.rel_l2 is None:
            return clipped(printable(row.note.split(";")[0]), 80) or "not run alone"
        return f"accumulated relative L2 {number(row.rel_l2)}, not run alone"
    local = f"local relative L2 {number(row.local_rel_l2)}"
    if row.local_ratio is None:
        return local
    return f"{local}, {number(row.local_ratio)} times what quantisation must cost"


def layers_text(
    runtime: str,
    layers: LayerTable,
    replays: Sequence[Path],
    notes: Sequence[str],
    wide: int = WIDTH,
) -> str:
    """The headline, the most suspicious layers, and what could not be done.

    Lines are at most ``wide``, but for paths, and names that are longer.
    """
    suspects = layers.suspects(TOP)
    shown = suspects or layers.ranked()[:TOP]
    hidden = len(layers.suspects(len(layers.rows))) - len(suspects)
    unpaired = sum(row.verdict == "unpaired" for row in layers.rows)
    lines = wrapped(headline(runtime, layers), wide, "  ")
    if shown:
        lines += ["", *(f"  {line}" for line in _table(layers, shown, wide - 2)), ""]
    told = [
        f"{counted(hidden, 'more layer')} of that kind: see the CSV" if hidden else "",
        *(f"# {row.index}: {row.note}" for row in suspects if row.note),
        *(_key(layers, bool(suspects)) if shown else ()),
        f"{counted(unpaired, 'layer')} without a partner: see the CSV" if unpaired else "",
        *(f"note: {note}" for note in (*layers.notes, *notes)),
    ]
    lines += [
        f"  {line}" for one in told if one for line in wrapped(printable(one), wide - 2, "  ")
    ]
    lines += [f"  replay: {printable(str(path))}" for path in replays]
    return "\n".join(lines) + "\n"


def _table(layers: LayerTable, rows: Sequence[LayerRow], wide: int) -> list[str]:
    longest = max(wide - 8, 16)

    def name(text: str) -> str:
        return clipped(printable(text), longest)

    expected = Column[LayerRow]("expected", lambda row: _amount(row.expected_rel_l2), right=True)
    columns = (
        Column[LayerRow]("#", lambda row: str(row.index), right=True),
        Column[LayerRow]("verdict", lambda row: row.verdict),
        Column[LayerRow]("accumulated", lambda row: _amount(row.rel_l2, row.nonfinite), right=True),
        Column[LayerRow](
            "local", lambda row: _amount(row.local_rel_l2, row.local_nonfinite), right=True
        ),
        *((expected,) if layers.quantized else ()),
        Column[LayerRow]("layer", lambda row: name(row.layer)),
        Column[LayerRow]("of the candidate", lambda row: name(row.candidate)),
        Column[LayerRow](
            "ops: reference > candidate", lambda row: name(f"{row.op or '-'} > {row.candidate_op}")
        ),
    )
    return Table.of(columns, rows).lines(wide)


def _key(layers: LayerTable, suspicious: bool) -> list[str]:
    """What the table shows, by what it is sorted, from where on a layer is suspicious."""
    limit = (
        f"{causes.TIMES_MEDIAN:g} times the median of its op type and above {FLOOR:g}, or above "
        f"{CEILING:g} (float32; narrower formats are entitled to more)"
    )
    expected = ""
    if layers.quantized:
        limit = (
            f"{causes.RATIO:g} times expected (more where a layer has few values), or a range that "
            f"does not fit the reference's values"
        )
        expected = "; expected: what quantisation must cost (empty: not known)"
    order = "the most suspicious first"
    if not suspicious:
        order = f"{order}, none of them beyond the limit"
    return [
        f"sorted: {order}; # is the place in execution order, and the row of the CSV",
        f"errors are relative L2 on the worst image; accumulated: both networks run from the "
        f"image; local: this layer alone, fed with the reference's tensors{expected}",
        f"introduced: local above {limit}",
    ]


def _amount(value: float | None, nonfinite: int = 0) -> str:
    if nonfinite:
        return "nan"
    return "" if value is None else number(value)
