"""CenterNet (Zhou et al., "Objects as Points", 2019): heatmap, size, offset.

A detection is a peak of the ``heatmap`` (1, C, H, W): a cell that no neighbour of its 3 x 3 of the
same class exceeds (equal neighbours are all peaks, as with max pooling). ``offset`` (1, 2, H, W)
is x, y of the centre within the cell, ``size`` (1, 2, H, W) the box's w, h, both in cells of
``stride`` pixels; the class is the heatmap's channel. TensorFlow's exports are (1, H, W, channels),
those of its Object Detection API have y before x. Peaks stand in for NMS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from parity.boxes import to_xyxy
from parity.choosing import PEAKS
from parity.decode.clues.evidence import Clue, Likelihood, Seen, cells_of, weigh
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    Array,
    Choice,
    DecodeError,
    Floats,
    Ints,
    Proposals,
    activate,
)
from parity.decode.heads.ranges import check_logits, check_scores, typical

HEATMAP, SIZE, OFFSET = "heatmap", "size", "offset"
_FARTHEST_CELLS = 4.0  # an offset lies within its cell; sizes are many cells


class CenterNet(FamilyTable):
    """CenterNet: heatmap, size and offset.

    ``stride``: pixels of the input for each cell. ``activation``: what is still to be applied to
    the heatmap. ``order``: of the two channels of size and offset, "xy" (w, h and x, y) or "yx".
    ``layout``: of all three heads; needed only where a shape fits both.
    """

    stride: int = Field(default=4, ge=1)
    activation: Literal["none", "sigmoid"] = "none"
    order: Literal["xy", "yx"] = "xy"
    layout: Literal["NCHW", "NHWC"] | None = None


def roles(given: Given[CenterNet], size: Size | None) -> tuple[Role, ...]:
    """``heatmap`` with a channel for each class, ``size`` and ``offset`` with two."""
    layout = given.table.layout
    plural = "class" if given.classes == 1 else "classes"
    return (
        _role(HEATMAP, given.classes, layout, f"one channel for each of {given.classes} {plural}"),
        _role(SIZE, 2, layout, "w and h in cells"),
        _role(OFFSET, 2, layout, "x and y within a cell"),
    )


def _role(name: str, channels: int, layout: str | None, words: str) -> Role:
    axes = {"NCHW": (1,), "NHWC": (3,), None: (1, 3)}[layout]

    def fits(shape: Shape) -> bool:
        return len(shape) == 4 and shape[0] == 1 and channels in [shape[axis] for axis in axes]

    written = {"NCHW": f"(1, {channels}, H, W)", "NHWC": f"(1, H, W, {channels})"}
    forms = written.values() if layout is None else [written[layout]]
    return Role(name, f"{' or '.join(forms)}, {words}", fits)


def decode(heads: Heads, given: Given[CenterNet], size: Size) -> Proposals:
    """The peaks of one image."""
    how = given.table
    arranged = arrange(heads, given, size)
    heat, sizes, offsets = (arranged[one][0] for one in (HEATMAP, SIZE, OFFSET))
    check_logits(heat, how.activation, HEATMAP)
    if how.activation == "none":
        check_scores(heat, how.activation, HEATMAP)
    found = _Cells(heat, sizes, offsets, how)
    peaks = _peaks(heat)
    labels, y, x = np.nonzero(peaks)
    _check_offsets(found.inside(y, x))
    width = heat.shape[2]

    def passed_over(floor: float) -> tuple[Proposals, Ints]:
        beside = np.nonzero(_may_reach(heat, floor, how.activation) & ~peaks)
        scores = found.scores(*beside)
        labels, y, x = (one[scores >= floor] for one in beside)
        boxes = found.boxes(y, x)
        boxes[:, 2:] = np.maximum(boxes[:, :2], boxes[:, 2:])  # nobody trained the size here
        others = Proposals(np.nan_to_num(boxes), scores[scores >= floor], labels)
        return others, y * width + x

    choice = Choice(PEAKS, y * width + x, heat[0].size, passed_over, width)
    return Proposals(found.boxes(y, x), found.scores(labels, y, x), labels, choice)


@dataclass(frozen=True, eq=False)
class _Cells:
    """What the maps say at cells (n,) y, x: heatmap (C, H, W), size and offset (2, H, W)."""

    heat: Array
    sizes: Array
    offsets: Array
    how: CenterNet

    def inside(self, y: Ints, x: Ints) -> Floats:
        """Where in its cell the centre lies, (n, 2) x, y."""
        return self._pair(self.offsets, y, x)

    def boxes(self, y: Ints, x: Ints) -> Floats:
        """(n, 4) xyxy in pixels of the network's input."""
        with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
            centres = np.stack([x, y], axis=1) + self.inside(y, x)
            cells = np.concatenate([centres, self._pair(self.sizes, y, x)], axis=1)
            return to_xyxy(cells * self.how.stride, "cxcywh")

    def scores(self, labels: Ints, y: Ints, x: Ints) -> Floats:
        """(n,), activated, which keeps their order."""
        return activate(self.heat[labels, y, x].astype(np.float64), self.how.activation)

    def _pair(self, values: Array, y: Ints, x: Ints) -> Floats:
        swapped = slice(None, None, -1 if self.how.order == "yx" else 1)
        both: Floats = values[swapped, y, x].T.astype(np.float64)
        return both


def _may_reach(heat: Array, floor: float, activation: str) -> Array:
    """Cells whose score may be ``floor`` or more: none that is more is left out."""
    least = floor
    if activation == "sigmoid":
        inner = min(max(floor, 1e-12), 1 - 1e-12)
        least = float(np.log(inner / (1 - inner)))
    reached: Array = heat >= least - 1e-3
    return reached


def _peaks(heat: Array) -> Array:
    """Cells (C, H, W) that none of their eight neighbours exceeds; NaN stays, to be met later."""
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    highest = np.maximum(np.maximum(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])
    peaks: Array = (heat == highest) | np.isnan(heat)
    return peaks


def _check_offsets(offsets: Floats) -> None:
    found = typical(offsets)
    if found > _FARTHEST_CELLS:
        raise DecodeError(
            f"{OFFSET}: expected parts of a cell, found a median of {found:.4g}; "
            f"is it the size? say which output is which: outputs = {{ size = ..., offset = ... }}"
        )


def arrange(heads: Heads, given: Given[CenterNet], size: Size) -> dict[str, Array]:
    """The heads as (1, channels, H, W)."""
    how = given.table
    rows, columns = (-(-edge // how.stride) for edge in size)  # as strided convolutions round
    channels = {HEATMAP: given.classes, SIZE: 2, OFFSET: 2}
    return {
        name: _channels_first(np.asarray(heads[name]), name, (count, rows, columns), how)
        for name, count in channels.items()
    }


def _channels_first(head: Array, name: str, wanted: Shape, how: CenterNet) -> Array:
    channels, rows, columns = wanted
    shapes = {"NCHW": (1, channels, rows, columns), "NHWC": (1, rows, columns, channels)}
    if how.layout is not None:
        shapes = {how.layout: shapes[how.layout]}
    fitting = [layout for layout, shape in shapes.items() if head.shape == shape]
    needs = " or ".join(map(str, shapes.values()))
    if not fitting:
        raise DecodeError(
            f"{name}: expected shape {needs} with stride = {how.stride}, found {head.shape}; "
            f"another stride, or other classes?"
        )
    if len(fitting) > 1:
        raise DecodeError(
            f"{name}: expected shape {needs}, found {head.shape}, which is both; "
            f"say layout = 'NCHW' or 'NHWC'"
        )
    return head if fitting[0] == "NCHW" else head.transpose(0, 3, 1, 2)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """A heatmap, a map of sizes and a map of offsets, over the same cells."""
    maps = seen.of_rank(4)
    for axis in (1, 3):
        channels = {name: seen.looks[name].shape[axis] for name in maps}
        cells = {cells_of(seen.looks[name].shape, axis) for name in maps}
        twos = [name for name, count in channels.items() if count == 2]
        if len(maps) != 3 or len(cells) != 1 or len(twos) < 2:
            continue
        (cell,) = cells
        heat, sizes, offsets = _parts(seen, maps, twos)
        stride = None if seen.size is None else seen.size[0] / cell[0]
        yield weigh(
            "centernet",
            [
                Clue(True, 0.6, f"three maps of {cell[0]}x{cell[1]} cells, two of 2 channels"),
                Clue(stride == 4, 0.15, "one cell for every 4 pixels"),
                Clue(seen.named("hm", "heat", "center") == heat, 0.1, f"one is called {heat!r}"),
                Clue(channels[heat] == seen.classes, 0.1, f"{heat!r} has a channel for each class"),
            ],
            outputs={"heatmap": heat, "size": sizes, "offset": offsets},
            classes=channels[heat],
            table=_table(seen, heat, stride),
        )
        return


def _table(seen: Seen, heat: str, stride: float | None) -> dict[str, Any]:
    table: dict[str, Any] = {"activation": "none" if seen.looks[heat].unit else "sigmoid"}
    if stride is not None and stride == int(stride):
        table["stride"] = int(stride)
    return table


def _parts(seen: Seen, maps: list[str], twos: list[str]) -> tuple[str, str, str]:
    """Heatmap, sizes, offsets: by channels, by names, else sizes are the larger numbers."""
    heat = next((name for name in maps if name not in twos), None)
    if heat is None:
        heat = seen.named("hm", "heat", "center") or maps[0]
    first, second = (name for name in maps if name != heat)
    sizes = seen.named("wh", "size")
    if sizes not in (first, second) or sizes is None:
        larger = seen.looks[first].high or 0.0, seen.looks[second].high or 0.0
        sizes = first if larger[0] >= larger[1] else second
    return heat, sizes, second if sizes == first else first


FAMILY = Family(
    name="centernet",
    table=CenterNet,
    heads="heatmap, size, offset",
    keys='`stride` (4), `activation`, `order` ("xy"), `layout`',
    roles=roles,
    decode=decode,
    suppresses="nowhere",
    arrange=arrange,
    clues=clues,
    recipe={
        "resize": "stretch",
        "color": "BGR",
        "range": [0, 1],
        "mean": [0.408, 0.447, 0.470],
        "std": [0.289, 0.274, 0.278],
    },
)
