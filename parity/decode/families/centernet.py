"""CenterNet (Zhou et al., "Objects as Points", 2019): heatmap, size, offset.

A detection is a peak of the ``heatmap`` (1, C, H, W): a cell that no neighbour of its 3 x 3 of the
same class exceeds (equal neighbours are all peaks, as with max pooling). ``offset`` (1, 2, H, W)
is x, y of the centre within the cell, ``size`` (1, 2, H, W) the box's w, h, both in cells of
``stride`` pixels; the class is the heatmap's channel. TensorFlow's exports are (1, H, W, channels),
those of its Object Detection API have y before x. Peaks stand in for NMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Family, Size
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, DecodeError, Floats, Proposals, activate
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
    labels, y, x = np.nonzero(_peaks(heat))
    swapped = slice(None, None, -1 if how.order == "yx" else 1)
    inside = offsets[swapped, y, x].T.astype(np.float64)
    _check_offsets(inside)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        cells = np.concatenate([np.stack([x, y], axis=1) + inside, sizes[swapped, y, x].T], axis=1)
        boxes = to_xyxy(cells * how.stride, "cxcywh")
    scores = activate(heat[labels, y, x].astype(np.float64), how.activation)  # keeps their order
    return Proposals(boxes, scores, labels.astype(np.int64))


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
