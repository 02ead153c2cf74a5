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

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from parity.boxes import to_xyxy
from parity.decode.clues.evidence import Clue, Likelihood, Seen, cells_of, weigh
from parity.decode.clues.pairs import (
    LEVELS,
    PER_CELL,
    class_clues,
    of_efficientdet,
    pairs,
    shape_clue,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    DecodeError,
    Floats,
    boxes_of,
    scores_of,
)
from parity.decode.heads.roles import boxes_role, scores_role
from parity.decode.heads.units import check_raw
from parity.fields import is_number

_FEWEST_LEVELS = 3  # from here on maps are a pyramid
_DECODED = "say family = 'boxes-scores'"


def _ratios(value: Any) -> tuple[tuple[float, float], ...]:
    """Each ratio as the factors of width and height."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"expected a list of ratios, found {value!r}")
    return tuple(_factors(one) for one in value)


def _factors(value: Any) -> tuple[float, float]:
    pair = value if isinstance(value, list | tuple) else [value]
    good = all(map(is_number, pair))
    if not good or len(pair) not in (1, 2) or min(pair) <= 0:
        raise ValueError(
            f"expected width / height, or factors [width, height], above 0, found {value!r}"
        )
    if len(pair) == 2:
        return float(pair[0]), float(pair[1])
    return float(pair[0]) ** 0.5, float(pair[0]) ** -0.5


class EfficientDet(FamilyTable):
    """EfficientDet's raw heads (Tan, Pang and Le, "EfficientDet", CVPR 2020).

    Anchors by rule: for every level from ``min_level`` to ``max_level``, every cell (rows first),
    every octave of ``scales`` and every ratio, a box of ``anchor_scale`` strides. ``ratios`` are
    width / height, or factors [width, height]. ``heads``: "levels" (a pair of heads for each
    level) or "joined" (one pair). ``layout``: of the heads of the levels. ``activation``: what is
    still to be applied to the scores. ``box_format``: order of the four offsets.
    """

    heads: Literal["levels", "joined"] = "levels"
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    min_level: int = Field(default=3, ge=1)
    max_level: int = Field(default=7, ge=1, le=12)
    scales: int = Field(default=3, ge=1)
    ratios: Annotated[tuple[tuple[float, float], ...], BeforeValidator(_ratios)] = (
        (1.0, 1.0),
        (2.0**0.5, 0.5**0.5),
        (0.5**0.5, 2.0**0.5),
    )
    anchor_scale: float = Field(default=4.0, gt=0)
    activation: Literal["none", "sigmoid"] = "sigmoid"
    box_format: Literal["cxcywh", "cycxhw"] = "cycxhw"

    @model_validator(mode="after")
    def _levels(self) -> Self:
        if self.max_level < self.min_level:
            raise ValueError(
                f"max_level: expected at least min_level = {self.min_level}, found {self.max_level}"
            )
        return self

    @property
    def levels(self) -> range:
        """The levels of the pyramid; the stride of level l is about 2 ** l."""
        return range(self.min_level, self.max_level + 1)


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


def roles(given: Given[EfficientDet], size: Size | None) -> tuple[Role, ...]:
    """A pair of heads for each level, or one; where ``size`` is known, of the maps' own sizes."""
    how = given.table
    if how.heads == "joined":
        count = None if size is None else len(anchors(how, size))
        return boxes_role(count), scores_role(given.classes, None, count)
    return tuple(
        _level_role(how, kind, level, columns, size)
        for kind, columns in (("class", given.classes), ("box", 4))
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


def decode(heads: Heads, given: Given[EfficientDet], size: Size) -> Candidates:
    """The candidates of one image."""
    how = given.table
    every = anchors(how, size)
    if how.heads == "levels":
        heads = {
            "boxes": _joined(heads, "box", 4, how, size),
            "scores": _joined(heads, "class", given.classes, how, size),
        }
    elif np.shape(heads["boxes"])[1:2] != (len(every),):
        raise DecodeError(
            f"boxes: expected shape (1, {len(every)}, 4), as an input of {size[0]} x {size[1]} "
            f"(height x width) has {len(every)} anchors, found {np.shape(heads['boxes'])}; "
            f"see min_level, max_level, scales and ratios"
        )
    scores = scores_of(heads["scores"], len(every), given.classes, None, how.activation)
    offsets = boxes_of(heads["boxes"])
    check_raw(offsets, every[:, :2], "boxes", "offsets against anchors", _DECODED)
    return Candidates(_decoded(offsets, every, how), scores)


def _joined(heads: Heads, kind: str, columns: int, how: EfficientDet, size: Size) -> Array:
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


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Of both ways in which its heads are exported."""
    yield from _joined_clues(seen)
    yield from _level_clues(seen)


def _joined_clues(seen: Seen) -> Iterator[Likelihood]:
    """Logits and offsets of every level in one pair of heads."""
    for pair in pairs(seen):
        count = len(pair.boxes)
        if pair.written is not None or not of_efficientdet(count, seen):
            continue
        strides = ", ".join(map(str, LEVELS))
        words = f"{count} = {PER_CELL} for each cell of strides {strides}"
        yield weigh(
            "efficientdet",
            [
                shape_clue(pair, 0.4),
                Clue(True, 0.4, words),
                Clue(not pair.unit, 0.05, f"{pair.names[1]!r} is not within 0..1: logits"),
                *class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=pair.scores.shape[1],
            table={"heads": "joined", "activation": "none" if pair.unit else "sigmoid"},
        )


def _level_clues(seen: Seen) -> Iterator[Likelihood]:
    """For each level a map of classes and a map of boxes, each level half of the one before."""
    maps = seen.of_rank(4)
    if len(maps) != len(seen.heads):
        return
    for axis in (1, 3):
        levels: dict[tuple[int, int], list[str]] = {}
        for name in maps:
            levels.setdefault(cells_of(seen.looks[name].shape, axis), []).append(name)
        if len(levels) < _FEWEST_LEVELS or any(len(names) != 2 for names in levels.values()):
            continue
        widths = [{seen.looks[name].shape[axis] for name in names} for names in levels.values()]
        common = set.intersection(*widths)
        boxes = 4 * PER_CELL
        if boxes not in common:
            continue
        scores = max(common - {boxes}, default=boxes)
        words = ", ".join(f"{height}x{width}" for height, width in levels)
        yield weigh(
            "efficientdet",
            [
                Clue(True, 0.6, f"two maps for each of {len(levels)} levels: {words}"),
                Clue(True, 0.2, f"{boxes} channels: 4 for each of {PER_CELL} anchors of a cell"),
                Clue(
                    scores % PER_CELL == 0,
                    0.1,
                    f"{scores} channels, {PER_CELL} times as many as {scores // PER_CELL} classes",
                ),
                Clue(scores == PER_CELL * (seen.classes or 0), 0.1, "that is the suite's number"),
            ],
            classes=scores // PER_CELL if scores % PER_CELL == 0 else None,
            table={"heads": "levels", "layout": "NCHW" if axis == 1 else "NHWC"},
        )
        return


FAMILY = Family(
    name="efficientdet",
    table=EfficientDet,
    heads="raw class and box heads, by level or joined",
    keys="`heads`, `layout`, levels, scales and ratios of the anchors",
    roles=roles,
    decode=decode,
    clues=clues,
    crossed=lambda _: "see anchor_scale and ratios",
    recipe={
        "resize": "letterbox",
        "pad": "corner",
        "pad_value": 0,
        "color": "RGB",
        "range": [0, 1],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
)
