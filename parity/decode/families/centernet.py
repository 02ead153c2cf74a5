"""CenterNet (Zhou et al., "Objects as Points", 2019): heatmap, size, offset.

A detection is a peak of the ``heatmap`` (1, C, H, W): a cell that no neighbour of its 3 x 3 of the
same class exceeds (equal neighbours are all peaks, as with max pooling). ``offset`` (1, 2, H, W)
is x, y of the centre within the cell, ``size`` (1, 2, H, W) the box's w, h, both in cells of
``stride`` pixels; the class is the heatmap's channel. TensorFlow's exports are (1, H, W, channels),
those of its Object Detection API have y before x. Peaks stand in for NMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.choosing import PEAKS
from parity.decode.contract import Family, Size
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
from parity.suite.families import CenterNet

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

HEATMAP, SIZE, OFFSET = "heatmap", "size", "offset"
_FARTHEST_CELLS = 4.0  # an offset lies within its cell; sizes are many cells


def _settings(settings: Decode) -> CenterNet:
    how = settings.own
    assert isinstance(how, CenterNet)
    return how


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``heatmap`` with a channel for each class, ``size`` and ``offset`` with two."""
    layout = _settings(settings).layout
    plural = "class" if classes == 1 else "classes"
    return (
        _role(HEATMAP, classes, layout, f"one channel for each of {classes} {plural}"),
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


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The peaks of one image."""
    how = _settings(settings)
    arranged = arrange(heads, settings, classes, size)
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


def arrange(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size
) -> dict[str, Array]:
    """The heads as (1, channels, H, W)."""
    how = _settings(settings)
    rows, columns = (-(-edge // how.stride) for edge in size)  # as strided convolutions round
    channels = {HEATMAP: classes, SIZE: 2, OFFSET: 2}
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


FAMILY = Family(roles, decode, arrange=arrange)
