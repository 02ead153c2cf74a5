"""NanoDet and NanoDet-Plus (RangiLyu/nanodet): class scores, and distances as distributions.

Boxes are read as in Generalized Focal Loss (Li et al., 2020): for each cell and each of left, top,
right and bottom there are ``reg_max`` + 1 bins, whose softmax is a distribution over 0..reg_max;
its mean, times the stride, is the distance of that edge from the cell's point. That is the middle
of the cell, (x + 0.5) * stride, in NanoDet, and its corner, x * stride, in NanoDet-Plus. Scores are
sigmoids, one for each class, which exports apply; bins they leave as they are.

Heads are, of NanoDet, a pair for each stride, ``class_8`` (1, H * W, C) and ``box_8``
(1, H * W, 4 * (reg_max + 1)), and so on; of NanoDet-Plus one, ``predictions``
(1, A, C + 4 * (reg_max + 1)), the cells of all strides one after another, rows first. The predictor
makes every class of a box a proposal, cuts boxes at the edges of the input and runs NMS for each
class at an IoU of 0.6, for at most 100.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from parity.decode.clues.evidence import Clue, Likelihood, Seen, grid_words, weigh
from parity.decode.clues.rows import only, unit
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    SCORE_SLACK,
    Array,
    Candidates,
    DecodeError,
    Floats,
    Proposals,
    activate,
)
from parity.decode.heads.cells import cells_of_strides
from parity.decode.heads.ranges import check_logits, check_scores

PREDICTIONS = "predictions"
_USUAL = (7, 16)  # reg_max of NanoDet-Plus and smaller NanoDets, and of the larger ones
_STRIDES = ((8, 16, 32), (8, 16, 32, 64))
_MOSTLY = 0.75  # of the columns of bins leave 0..1; of twice as many columns half would
_SUM_SLACK = 1e-2  # a quantised softmax sums to one within some of its steps


class NanoDet(FamilyTable):
    """NanoDet: scores, and bins of distances.

    ``heads``: "levels" (a pair for each stride) or "joined" (one head). ``strides``: of the feature
    maps, in the order of the heads. ``reg_max``: the largest distance in strides; there is a bin
    more. ``points``: from where in a cell distances are, its "middle" or its "corner"; unless said
    the middle for levels, as of NanoDet, and the corner for joined heads, as of NanoDet-Plus.
    ``activation``, ``bins``: what is still to be applied to scores and to bins. ``multi_label``:
    every class of a box is a proposal, else its best one.
    """

    heads: Literal["levels", "joined"] = "levels"
    strides: tuple[int, ...] = Field(default=(8, 16, 32), min_length=1, strict=False)
    reg_max: int = Field(default=7, ge=1, le=256)
    points: Literal["middle", "corner"] | None = None
    activation: Literal["none", "sigmoid"] = "none"
    bins: Literal["softmax", "none"] = "softmax"
    multi_label: bool = True

    @model_validator(mode="after")
    def _strides(self) -> Self:
        if min(self.strides) < 1 or len(set(self.strides)) < len(self.strides):
            raise ValueError(
                f"strides: expected numbers of at least 1, each once, found {list(self.strides)}"
            )
        return self

    @property
    def width(self) -> int:
        """How many numbers the distances of a cell are."""
        return 4 * (self.reg_max + 1)

    @property
    def offset(self) -> float:
        """Where a cell's point is in it, in strides."""
        middle = self.points or ("middle" if self.heads == "levels" else "corner")
        return 0.5 if middle == "middle" else 0.0


def roles(given: Given[NanoDet], size: Size | None) -> tuple[Role, ...]:
    """A pair of heads for each stride, or one."""
    how = given.table
    plural = "class" if given.classes == 1 else "classes"
    scores = f"one column for each of {given.classes} {plural}"
    bins = f"{how.reg_max + 1} bins for each of four distances"
    if how.heads == "joined":
        rows = None if size is None else len(cells_of_strides(size, how.strides)[0])
        both = f"{scores}, then {bins}"
        return (_role(PREDICTIONS, rows, given.classes + how.width, both),)
    found = []
    for kind, columns, words, name in (
        ("class", given.classes, scores, "cls_pred_stride"),
        ("box", how.width, bins, "dis_pred_stride"),
    ):
        for stride in how.strides:
            rows = None if size is None else len(cells_of_strides(size, (stride,))[0])
            known = (f"{name}_{stride}", f"{kind}_{stride}")
            found.append(_role(f"{kind}_{stride}", rows, columns, words, known))
    return tuple(found)


def _role(
    name: str, rows: int | None, columns: int, words: str, known: tuple[str, ...] = ()
) -> Role:
    def fits(shape: Shape) -> bool:
        whole = len(shape) == 3 and shape[0] == 1 and shape[2] == columns
        return whole and rows in (None, shape[1])

    return Role(name, f"(1, {rows or 'A'}, {columns}): {words}", fits, names=known)


def decode(heads: Heads, given: Given[NanoDet], size: Size) -> Candidates | Proposals:
    """Every class of every cell's box, or each box with its best class."""
    how = given.table
    cells, strides = cells_of_strides(size, how.strides)
    scores, bins = _joined(heads, given, size)
    check_logits(scores, how.activation, "scores")
    if how.activation == "none":
        check_scores(scores, how.activation, "scores")
    points, distances = (cells + how.offset) * strides, _distances(bins, how) * strides
    boxes = np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)
    return labelled(boxes, scores, how)


def _joined(heads: Heads, given: Given[NanoDet], size: Size) -> tuple[Array, Array]:
    """Scores (A, C) and bins (A, 4 * (reg_max + 1)) of all strides."""
    how = given.table
    if how.heads == "joined":
        rows = _rows(heads, PREDICTIONS, size, how.strides, given.classes + how.width)
        return rows[:, : given.classes], rows[:, given.classes :]
    scores, bins = (
        np.concatenate(
            [_rows(heads, f"{kind}_{one}", size, (one,), columns) for one in how.strides]
        )
        for kind, columns in (("class", given.classes), ("box", how.width))
    )
    return scores, bins


def _rows(heads: Heads, name: str, size: Size, strides: tuple[int, ...], columns: int) -> Array:
    """A head (A, columns), with as many rows as its strides have cells."""
    values = np.asarray(heads[name])
    cells = len(cells_of_strides(size, strides)[0])
    if values.shape != (1, cells, columns):
        written = ", ".join(map(str, strides))
        raise DecodeError(
            f"{name}: expected shape (1, {cells}, {columns}), one row for each cell of strides "
            f"{written} on an input of {size[0]}x{size[1]} (h x w), found {values.shape}; see "
            f"strides, reg_max and the classes"
        )
    rows: Array = values[0]
    return rows


def _distances(bins: Array, how: NanoDet) -> Floats:
    """The means (A, 4) of the distributions, in strides: left, top, right, bottom."""
    values = bins.astype(np.float64).reshape(len(bins), 4, how.reg_max + 1)
    sums = _are_distributions(values)
    if sums and how.bins == "softmax":
        raise DecodeError(
            "bins: expected logits with bins = 'softmax', found numbers within 0..1 of which those "
            "of each distance sum to one; softmax applied already? say bins = 'none'"
        )
    if not sums and how.bins == "none" and np.isfinite(values).all():
        raise DecodeError(
            f"bins: expected distributions with bins = 'none', found {values.min():.6g}.."
            f"{values.max():.6g}, of which those of each distance do not sum to one; logits? say "
            f"bins = 'softmax'"
        )
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        means: Floats = activate(values, how.bins) @ np.arange(how.reg_max + 1.0)
    return means


def _are_distributions(values: Floats) -> bool:
    within = values.size > 0 and values.min() >= 0.0 and values.max() <= 1.0
    return bool(within and (np.abs(values.sum(axis=2) - 1.0) < _SUM_SLACK).all())


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Of both ways in which its heads are exported."""
    yield from _joined_clues(seen)
    yield from _level_clues(seen)


def _joined_clues(seen: Seen) -> Iterator[Likelihood]:
    """One head, whose first columns are scores and whose last ones are bins."""
    name = only(seen)
    if name is None or seen.values[name].ndim != 3 or not seen.values[name].size:
        return
    rows = seen.values[name][0]
    grid = grid_words(len(rows), seen.size, (1,))
    for reg_max in _USUAL:
        width = 4 * (reg_max + 1)
        classes = rows.shape[1] - width
        if classes < 1 or not _split(rows, classes) or len(rows) < rows.shape[1]:
            continue
        yield weigh(
            "nanodet",
            [
                Clue(True, 0.4, f"one head {seen.looks[name].shape} as (1, A, C + {width})"),
                Clue(
                    True,
                    0.35,
                    f"all but the last {width} columns are within 0..1, and those, 4 x "
                    f"{reg_max + 1}, are not: bins",
                ),
                Clue(grid is not None, 0.15, grid[1] if grid else ""),
                *_class_clues(seen, classes),
            ],
            outputs={PREDICTIONS: name},
            classes=classes,
            table={
                "heads": "joined",
                "reg_max": reg_max,
                **_strides_key(_strides_of([len(rows)], seen.size, joined=True)),
            },
        )


def _split(rows: Floats, classes: int) -> bool:
    """Whether columns are scores up to ``classes``, and those behind are none, but for a few."""
    behind = rows[:, classes:]
    outside = ((behind < -SCORE_SLACK) | (behind > 1.0 + SCORE_SLACK)).any(axis=0)
    return unit(rows[:, :classes]) and bool(outside.mean() >= _MOSTLY)


def _level_clues(seen: Seen) -> Iterator[Likelihood]:
    """Two heads for each stride: scores, and four times as many bins."""
    found = seen.of_rank(3)
    pairs: dict[int, list[str]] = {}
    for name in found:
        pairs.setdefault(seen.looks[name].shape[1], []).append(name)
    whole = len(found) == len(seen.heads) and all(len(names) == 2 for names in pairs.values())
    strides = _strides_of(sorted(pairs, reverse=True), seen.size)
    if not whole or len(pairs) < 3:
        return
    widths = [{seen.looks[name].shape[2] for name in names} for names in pairs.values()]
    for reg_max in _USUAL:
        width = 4 * (reg_max + 1)
        if any(one != widths[0] for one in widths) or width not in widths[0]:
            continue
        (classes,) = widths[0] - {width} or {width}
        scores = {rows: _scores_of(seen, names, classes) for rows, names in pairs.items()}
        bins = [name for name in found if name not in scores.values()]
        scored = all(seen.looks[name].unit for name in scores.values())
        yield weigh(
            "nanodet",
            [
                Clue(True, 0.4, f"two heads of rows for each of {len(pairs)} strides"),
                Clue(True, 0.2, f"{width} columns: 4 x {reg_max + 1} bins of distances"),
                Clue(any(seen.values[name].min() < 0 for name in bins), 0.1, "bins are logits"),
                Clue(strides is not None, 0.2, f"their rows are the cells of strides {strides}"),
                *_class_clues(seen, classes),
            ],
            outputs=_roles_of(scores, pairs, strides),
            classes=classes,
            table={
                "reg_max": reg_max,
                "activation": "none" if scored else "sigmoid",
                **_strides_key(strides),
            },
        )


def _scores_of(seen: Seen, names: list[str], classes: int) -> str:
    """Which of two heads holds scores: by its columns, else by its numbers."""
    fitting = [name for name in names if seen.looks[name].shape[2] == classes]
    return next((name for name in fitting if seen.looks[name].unit), fitting[0])


def _roles_of(
    scores: dict[int, str], pairs: dict[int, list[str]], strides: list[int] | None
) -> dict[str, str]:
    if strides is None:
        return {}
    found = {}
    for stride, rows in zip(strides, sorted(pairs, reverse=True), strict=True):
        found[f"class_{stride}"] = scores[rows]
        found[f"box_{stride}"] = next(name for name in pairs[rows] if name != scores[rows])
    return found


def _strides_of(counts: list[int], size: Size | None, joined: bool = False) -> list[int] | None:
    """The strides of which these are the cells, of each or of all."""
    for strides in _STRIDES if size is not None else ():
        cells = [len(cells_of_strides(size or (1, 1), (one,))[0]) for one in strides]
        if counts == ([sum(cells)] if joined else cells):
            return list(strides)
    return None


def _strides_key(strides: list[int] | None) -> dict[str, list[int]]:
    return {} if strides is None else {"strides": strides}


def _class_clues(seen: Seen, classes: int) -> Iterator[Clue]:
    if seen.classes is not None:
        fits = classes == seen.classes
        yield Clue(fits, 0.2, f"it has room for the {classes} classes of the suite")
        yield Clue(not fits, -0.15)


FAMILY = Family(
    name="nanodet",
    table=NanoDet,
    heads="a pair for each stride, scores (1, H * W, C) and bins (1, H * W, 4 * (`reg_max` + 1)), "
    "or one head (1, A, C + 4 * (`reg_max` + 1))",
    keys='`heads` ("levels"), `strides` (8, 16, 32), `reg_max` (7), `points` ("middle" of a cell, '
    '"corner" for joined heads), `activation` ("none"), `bins` ("softmax"), `multi_label` (true)',
    also="NanoDet-Plus",
    roles=roles,
    decode=decode,
    clues=clues,
    beside=lambda table: table.width if table.heads == "joined" else 0,
    recipe={
        "resize": "stretch",
        "color": "BGR",
        "range": [0, 255],
        "mean": [103.53, 116.28, 123.675],
        "std": [57.375, 57.12, 58.395],
    },
)
