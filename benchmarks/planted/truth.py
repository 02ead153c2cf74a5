"""What must come of a pair of sides, from their proposals alone: nothing of ``parity.agreement``.

Every deployed detection of one side needs a proposal of the other, each its own, that is the same
within every limit; where a largest matching (Hopcroft and Karp, 1973) leaves some without, neither
a way of pairing nor a tie excuses them. It is a lower bound of what a tolerance must see.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Placement
from parity.choosing import BEST_CLASS
from parity.detections import Side, Suppression
from parity.suite.tolerance import Tolerance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SLACK = 1e-9  # what is at a limit is not beyond it
_AREAS = (32.0**2, 96.0**2)  # COCO's three sizes


@dataclass(frozen=True, eq=False)
class Seen:
    """One side of one image: proposals in pixels of the reference's input, and what is deployed.

    ``rows``: where each stands in the heads, -1 where nobody knows. ``kept``: what NMS leaves.
    ``hidden``: whether only what NMS leaves is shown.
    """

    boxes: Floats
    scores: Floats
    classes: Any
    rows: Any
    kept: Any
    threshold: float
    hidden: bool

    @property
    def deployed(self) -> Any:
        """Positions of the deployed ones."""
        return self.kept[self.scores[self.kept] >= self.threshold]


def seen(side: Side, into: Placement) -> Seen:
    """A side as it is judged here, with an NMS of its own where it shows its proposals."""
    shown = side.proposals
    if shown is None:
        found = side.seen
        rows, kept = np.full(len(found), -1), np.arange(len(found))
    else:
        found, rows = shown.found, shown.rows
        kept = nms(found.boxes, found.scores, found.classes, rows, side.suppression)
    boxes = into.to_network(found.boxes)
    return Seen(boxes, found.scores, found.classes, rows, kept, side.threshold, shown is None)


def nms(boxes: Floats, scores: Floats, classes: Any, rows: Any, how: Suppression) -> Any:
    """Positions that are kept, the surest first: greedy, by the book.

    Of the classes of one row only the best takes part where the settings say so.
    """
    order = np.argsort(-scores, kind="stable")
    if how.choice == BEST_CLASS:
        order = order[np.sort(np.unique(rows[order], return_index=True)[1])]
    if how.mode == "none":
        return order[: how.most]
    removes = overlap(boxes, boxes) > how.iou
    if how.mode == "class":
        removes &= classes[:, None] == classes
    kept: list[int] = []
    gone = np.zeros(len(scores), dtype=np.bool_)
    for one in order.tolist():
        if how.most is not None and len(kept) == how.most:
            break
        if not gone[one]:
            kept.append(one)
            gone |= removes[one]
    return np.array(kept, dtype=np.int64)


def overlap(a: Floats, b: Floats) -> Floats:
    """IoU of each of ``a`` (N, 4) with each of ``b`` (M, 4): (N, M)."""
    shared = np.ones((len(a), len(b)))
    for axis in (0, 1):
        low = np.maximum(a[:, axis, None], b[:, axis])
        shared *= np.maximum(np.minimum(a[:, axis + 2, None], b[:, axis + 2]) - low, 0)
    union = area(a)[:, None] + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def area(boxes: Floats) -> Floats:
    """Of boxes (N, 4)."""
    found: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found


@dataclass(eq=False)
class Missing:
    """Of one side's deployed detections, how many are without a partner, by what is asked of it.

    ``gone``: a proposal near enough to be the same object at all. ``box``, ``score``, ``class``:
    one that meets that limit too. ``any``: one that meets every limit.
    """

    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Missing) -> None:
        """Add another image's."""
        self.total += other.total
        self.counts.update(other.counts)


@dataclass(frozen=True, eq=False)
class Object:
    """One deployed detection of one side: whether it is gone from the other, sure or not.

    ``place`` (4,): its box in pixels of the input; ``room`` (4,): how far each side may move.
    ``moved`` (4,): how far the box of its own row is off on the other side, in pixels, and ``rise``
    its score; None where that row is beyond a limit there.
    """

    label: int
    size: int
    sure: bool
    gone: bool
    place: Floats
    room: Floats
    moved: Floats | None = None
    rise: float = 0.0


@dataclass(frozen=True, eq=False)
class Image:
    """What must be found in one image. ``risen``: pairs that only the candidate may deploy."""

    lost: Missing
    extra: Missing
    risen: int
    changed: int
    hidden: bool
    ours: tuple[Object, ...]
    theirs: tuple[Object, ...]

    @property
    def effect(self) -> bool:
        """Whether a strict tolerance must notice something."""
        return bool(self.lost.counts["any"] or self.extra.counts["any"] or self.changed)


def look(reference: Side, candidate: Side, tolerance: Tolerance, into: Placement) -> Image:
    """What must be found in one image; ``into``: of the image in the reference's input."""
    ours, theirs = seen(reference, into), seen(candidate, into)
    hidden = ours.hidden or theirs.hidden
    changed = 0
    if not hidden and _rules(reference) != _rules(candidate):
        how = candidate.suppression
        other = nms(ours.boxes, ours.scores, ours.classes, ours.rows, how)
        other = other[ours.scores[other] >= candidate.threshold]
        changed = len(set(other.tolist()) ^ set(ours.deployed.tolist()))
    lost, alike = _missing(ours, theirs, tolerance)
    extra, turned = _missing(theirs, ours, tolerance)
    if tolerance.strict:  # needs no more than that
        return Image(lost, extra, 0, changed, hidden, (), ())
    below = np.setdiff1d(ours.kept, ours.deployed)
    return Image(
        lost=lost,
        extra=extra,
        risen=int(turned.near[:, below].any(axis=1).sum()),
        changed=changed,
        hidden=hidden,
        ours=_objects(ours, theirs, alike, tolerance, into),
        theirs=_objects(theirs, ours, turned, tolerance, into),
    )


def _rules(side: Side) -> tuple[float, Suppression]:
    return side.threshold, side.suppression


@dataclass(frozen=True, eq=False)
class _Alike:
    """Deployed ones of one side and proposals of the other, (N, M): of one class and near enough to
    be one object at all, and within every limit."""

    near: Bools
    within: Bools


def _missing(here: Seen, there: Seen, tolerance: Tolerance) -> tuple[Missing, _Alike]:
    """Who is without a partner, and which pairs there may be."""
    at = here.deployed
    boxes = here.boxes[at], there.boxes
    iou = overlap(*boxes)
    corner = np.zeros_like(iou)
    for side in range(4):
        np.maximum(corner, np.abs(boxes[0][:, side, None] - boxes[1][:, side]), out=corner)
    apart = np.abs(here.scores[at][:, None] - there.scores)
    box = (iou >= tolerance.min_box_iou - _SLACK) | (corner <= tolerance.max_corner_px + _SLACK)
    score = apart <= tolerance.max_score_diff + _SLACK
    label = here.classes[at][:, None] == there.classes
    near = (iou >= tolerance.match_iou - _SLACK) | (corner <= tolerance.max_corner_px + _SLACK)
    found = Missing(len(at))
    within = box & score & label
    if missing := len(at) - _matched(within):
        found.counts["any"] = missing
    if missing and not tolerance.strict:
        asked = {"gone": near, "box": box, "score": near & score, "class": near & label}
        for name, allowed in asked.items():
            found.counts[name] = len(at) - _matched(allowed)
    return found, _Alike(near & label, within)


def _matched(allowed: Bools) -> int:
    """How many rows of a boolean matrix can have a column each, each its own."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    wanted_once = allowed[:, allowed.sum(axis=0) == 1]
    free = wanted_once.any(axis=1)  # has a column that nobody else can have
    rest = allowed[~free]
    if not rest.any():
        return int(free.sum())
    partner = maximum_bipartite_matching(csr_array(rest), perm_type="column")
    return int(free.sum() + (partner >= 0).sum())


def _objects(
    here: Seen, there: Seen, alike: _Alike, tolerance: Tolerance, into: Placement
) -> tuple[Object, ...]:
    """The deployed detections of one side and their own rows on the other."""
    at = here.deployed
    sides = here.boxes[at, 2:] - here.boxes[at, :2]
    areas = area(here.boxes[at]) / (into.scale_x * into.scale_y)
    least = tolerance.min_box_iou
    room = np.maximum(tolerance.max_corner_px, np.tile(sides, 2) * (1 - least) / (1 + least))
    keys = zip(there.rows.tolist(), there.classes.tolist(), strict=True)
    own = {key: place for place, key in enumerate(keys) if key[0] >= 0}
    deployable = alike.near & (there.scores >= there.threshold)
    gone = ~(deployable | alike.within).any(axis=1)
    found = []
    for place, one in enumerate(at.tolist()):
        basic = Object(
            label=int(here.classes[one]),
            size=sum(areas[place] >= limit for limit in _AREAS),
            sure=bool(here.scores[one] >= here.threshold + tolerance.max_score_diff),
            gone=bool(gone[place]),
            place=here.boxes[one],
            room=room[place],
        )
        twin = own.get((int(here.rows[one]), int(here.classes[one])))
        if twin is not None and alike.within[place, twin]:
            rise = float(there.scores[twin] - here.scores[one])
            basic = replace(basic, moved=there.boxes[twin] - here.boxes[one], rise=rise)
        found.append(basic)
    return tuple(found)
