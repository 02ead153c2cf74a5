"""EfficientDet: raw heads of every level of the pyramid, against anchors by rule.

Tan, Pang and Le, "EfficientDet: Scalable and Efficient Object Detection", CVPR 2020, as its
authors published it (google/automl) and as its PyTorch versions keep it. Level l (3 to 7, of D7x
to 8) has a map of ceil(size / 2 ** l) cells. Each cell has an anchor for every octave (2 ** 0,
2 ** (1/3), 2 ** (2/3) with three scales) and every ratio, octaves outside, centred in the cell, of
``anchor_scale`` (4; of D7 5) strides; the stride is size / cells. Offsets are ty, tx, th, tw as of
Faster R-CNN without variances: centres in parts of the anchor, logarithms of the ratio of sizes.
Scores are sigmoids, one for each class, no background.

Heads of a level: class (1, H, W, anchors * classes) and box (1, H, W, anchors * 4), in PyTorch
(1, channels, H, W); or all levels joined, (1, A, classes) and (1, A, 4). Ratios are width / height
(1, 2, 1/2); earlier models, and most in PyTorch, have factors [[1, 1], [1.4, 0.7], [0.7, 1.4]].

What else people have of EfficientDet is another family: SavedModels of the Object Detection API
and of TensorFlow Hub are ``tf-od-api``, TFLite files with the post-processing op are
``tflite-postprocess``, and raw heads with anchors kept in a file are ``ssd`` with ``priors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Family, Size, boxes_role, scores_role
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    DecodeError,
    Floats,
    boxes_of,
    scores_of,
)
from parity.decode.heads.units import check_raw

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import EfficientDet


_DECODED = "say family = 'boxes-scores'"


def _settings(settings: Decode) -> EfficientDet:
    own: EfficientDet = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def cells(size: Size, level: int) -> Size:
    """(rows, columns) of a level's map: halved, rounded up, so many times."""
    rows, columns = size
    for _ in range(level):
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
    return rows, columns


def anchors(how: EfficientDet, size: Size) -> Floats:
    """The anchors of an input of (height, width): cx, cy, w, h in pixels of it, (A, 4)."""
    return np.concatenate([_of_level(how, size, level) for level in how.levels])


def _of_level(how: EfficientDet, size: Size, level: int) -> Floats:
    rows, columns = cells(size, level)
    stride_y, stride_x = size[0] / rows, size[1] / columns
    octaves = how.anchor_scale * 2.0 ** (np.arange(how.scales) / how.scales)
    factors = np.array(how.ratios)
    sides = octaves[:, None, None] * factors * np.array([stride_x, stride_y])
    sides = sides.reshape(-1, 2)
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) * stride_y, (np.arange(columns) + 0.5) * stride_x, indexing="ij"
    )
    centres = np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), len(sides), axis=0)
    return np.concatenate([centres, np.tile(sides, (rows * columns, 1))], axis=1)


def roles(
    settings: Decode, classes: int, priors: Floats | None, size: Size | None = None
) -> tuple[Role, ...]:
    """A pair of heads for each level, or one; where ``size`` is known, of the maps' own sizes."""
    how = _settings(settings)
    if how.heads == "joined":
        count = None if size is None else len(anchors(how, size))
        return boxes_role(count), scores_role(classes, None, count)
    return tuple(
        _level_role(how, kind, level, columns, size)
        for kind, columns in (("class", classes), ("box", 4))
        for level in how.levels
    )


def _level_role(how: EfficientDet, kind: str, level: int, columns: int, size: Size | None) -> Role:
    channels = how.scales * len(how.ratios) * columns
    grid = None if size is None else cells(size, level)
    rows, width = ("H", "W") if grid is None else map(str, grid)
    needs = (
        f"(1, {rows}, {width}, {channels})"
        if how.layout == "NHWC"
        else f"(1, {channels}, {rows}, {width})"
    )

    def fits(shape: Shape) -> bool:
        if len(shape) != 4 or shape[0] != 1:
            return False
        found, place = (shape[3], shape[1:3]) if how.layout == "NHWC" else (shape[1], shape[2:])
        return found == channels and grid in (None, place)

    return Role(f"{kind}_{level}", needs, fits, names=(f"{kind}_{level}",))


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates:
    """The candidates of one image."""
    how = _settings(settings)
    every = anchors(how, size)
    if how.heads == "levels":
        heads = {
            "boxes": _joined(heads, "box", 4, how, size),
            "scores": _joined(heads, "class", classes, how, size),
        }
    elif np.shape(heads["boxes"])[1:2] != (len(every),):
        raise DecodeError(
            f"boxes: expected shape (1, {len(every)}, 4), as an input of {size[0]} x {size[1]} "
            f"(height x width) has {len(every)} anchors, found {np.shape(heads['boxes'])}; "
            f"see min_level, max_level, scales and ratios"
        )
    scores = scores_of(heads["scores"], len(every), classes, None, how.activation)
    offsets = boxes_of(heads["boxes"])
    check_raw(offsets, every[:, :2], "boxes", "offsets against anchors", _DECODED)
    return Candidates(_decoded(offsets, every, how), scores)


def _joined(
    heads: Mapping[str, Array], kind: str, columns: int, how: EfficientDet, size: Size
) -> Array:
    """The heads of all levels as one of (1, A, columns)."""
    each = how.scales * len(how.ratios)
    parts = []
    for level in how.levels:
        name = f"{kind}_{level}"
        head = np.asarray(heads[name])
        if how.layout == "NCHW" and head.ndim == 4:
            head = head.transpose(0, 2, 3, 1)
        wanted = (1, *cells(size, level), each * columns)
        if head.shape != wanted:
            raise DecodeError(
                f"{name}: expected {wanted} (as {how.layout} heads are read), found {head.shape}; "
                f"see layout, scales, ratios and the classes"
            )
        parts.append(head.reshape(1, -1, columns))
    return np.concatenate(parts, axis=1)


def _decoded(offsets: Floats, every: Floats, how: EfficientDet) -> Floats:
    if how.box_format == "cycxhw":
        offsets = offsets[:, [1, 0, 3, 2]]
    with np.errstate(all="ignore"):  # a wild offset gives an infinite box, judged with its score
        centres = every[:, :2] + offsets[:, :2] * every[:, 2:]
        sizes = every[:, 2:] * np.exp(offsets[:, 2:])
        return to_xyxy(np.concatenate([centres, sizes], axis=1), "cxcywh")


FAMILY = Family(roles, decode, sized=roles, crossed="see anchor_scale and ratios")
