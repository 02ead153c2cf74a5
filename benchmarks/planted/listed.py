"""What parity once passed falsely, and what it once called a fault: made to measure, in any suite.

Each maker is given the number of images and spreads its objects, apart from each other, over them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.planted.draft import Draft
from benchmarks.planted.scenes import Heads, Rng, Settings, healthy
from parity.boxes import Placement
from parity.detections import Suppression
from parity.suite.tolerance import Tolerance

SETTINGS = Settings(0.5, Suppression("class", 0.45, 300))
Maker = Callable[[Rng, int, Tolerance], Draft]
Objects = tuple[Any, Any, Any]  # classes, scores, sides in pixels of the input


def _spread(
    rng: Rng,
    images: int,
    objects: Objects,
    *,
    classes: int = 6,
    size: int = 1024,
    image: int = 1024,
) -> list[Heads]:
    """Objects dealt to images, one in each field of a grid, somewhere in it."""
    labels, scores, sides = (np.asarray(one) for one in objects)
    dealt = rng.permutation(len(labels))
    found = []
    for at in range(images):
        mine = dealt[at::images]
        fields = int(np.ceil(np.sqrt(max(len(mine), 1))))
        pitch = size / fields
        place = rng.permutation(fields * fields)[: len(mine)]
        side = np.minimum(sides[mine], 0.8 * pitch)
        loose = rng.uniform(0, 1, (len(mine), 2)) * (pitch - side)[:, None]
        corner = np.stack([place % fields, place // fields], axis=1) * pitch + loose
        boxes = np.concatenate([corner, corner + side[:, None]], axis=1)
        table = rng.uniform(0, 0.02, (len(mine), classes))
        table[np.arange(len(mine)), labels[mine]] = scores[mine]
        scale = Placement(size / image, size / image)
        owner = np.arange(len(mine))
        found.append(Heads(boxes, table, scale, (image, image), (size, size), owner))
    return found


def _draft(
    rng: Rng, reference: list[Heads], tolerance: Tolerance, settings: Settings = SETTINGS
) -> Draft:
    """The candidate is healthy so far."""
    level = float(rng.uniform(0, 0.5))
    candidate = [healthy(rng, heads, tolerance, level).copy() for heads in reference]
    return Draft(reference, candidate, settings, settings, tolerance)


def _plain(rng: Rng, count: int, low: float = 30, high: float = 200) -> Objects:
    """Sure objects of classes 1 to 5."""
    return rng.integers(1, 6, count), rng.uniform(0.75, 0.99, count), rng.uniform(low, high, count)


def _with(some: Objects, more: Objects) -> Objects:
    one, two, three = (np.concatenate(both) for both in zip(some, more, strict=True))
    return one, two, three


def _of(label: int, score: Any, side: Any, count: int) -> Objects:
    return np.full(count, label), np.broadcast_to(score, count), np.broadcast_to(side, count)


def all_lower(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Every score .049 lower, and nothing deployed."""
    count = 6 * images + 20
    labels, _, sides = _plain(rng, count)
    reference = _spread(rng, images, (labels, rng.uniform(0.5, 0.545, count), sides))
    draft = _draft(rng, reference, tolerance)
    for heads, ours in zip(draft.candidate, reference, strict=True):
        heads.scores[:] = np.maximum(ours.scores - 0.049, 0)
    return draft


def class_never_deployed(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """One class of 40 objects, beside 1,000 others, always a little below the threshold."""
    fall = float(rng.choice([0.06, 0.08, 0.6]))
    scores = rng.uniform(0.5, 0.5 + fall - 0.005, 40)
    objects = _with(_plain(rng, 1000), _of(0, scores, rng.uniform(30, 200, 40), 40))
    draft = _draft(rng, _spread(rng, images, objects), tolerance)
    for heads in draft.candidate:
        heads.scores[:, 0] = np.maximum(heads.scores[:, 0] - fall, 0)
    return draft


def some_fall(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """20 of 400 objects from .99 to .401."""
    objects = _with(_plain(rng, 380), _of(0, 0.99, 80, 20))
    draft = _draft(rng, _spread(rng, images, objects), tolerance)
    for heads, ours in zip(draft.candidate, draft.reference, strict=True):
        heads.scores[ours.scores[:, 0] == 0.99, 0] = 0.401
    return draft


def one_image_blind(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """One image of 8 loses all of them beside a junk box, among 900 objects."""
    reference = _spread(rng, images, _plain(rng, 900))
    labels, scores, sides = _plain(rng, 9)
    scores[0], labels[0] = 0.6, 0
    reference[0] = _spread(rng, 1, (labels, scores, sides))[0]
    draft = _draft(rng, reference, tolerance)
    draft.candidate[0].scores[:, 1:] *= 0.1
    return draft


def class_to_the_right(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """One class of 40, beside 1,000 others, always 12 px to the right."""
    sides = rng.uniform(90, 200, 40)
    draft = _draft(
        rng, _spread(rng, images, _with(_plain(rng, 1000), _of(0, 0.9, sides, 40))), tolerance
    )
    for heads, ours in zip(draft.candidate, draft.reference, strict=True):
        heads.boxes[ours.scores[:, 0] == 0.9, ::2] += 12
    return draft


def scaled_about_the_centre(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Every box 1.02 as far from the centre, and as large."""
    draft = _draft(rng, _spread(rng, images, _plain(rng, 8 * images + 60, 100, 300)), tolerance)
    for heads in draft.candidate:
        heads.boxes[:] = 512 + (heads.boxes - 512) * 1.02
    return draft


def shifted_in_turn(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Every image by 3.5 px, one to the right and the next to the left."""
    draft = _draft(rng, _spread(rng, images, _plain(rng, 10 * images, 60, 200)), tolerance)
    for turn, heads in enumerate(draft.candidate):
        heads.boxes[:, ::2] += 3.5 * (-1) ** turn
    return draft


def vanished_and_phantom(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """A class of 4 in 480 objects is never found, and another one that is not there, 4 times."""
    labels, scores, sides = _plain(rng, 472)
    objects = _with((np.maximum(labels, 2), scores, sides), _of(0, 0.9, 80, 4))
    draft = _draft(
        rng, _spread(rng, images, _with(objects, _of(1, 0.1, 80, 4))), tolerance
    )  # what is not there has rows all the same
    phantoms = bool(rng.integers(2))
    for heads, ours in zip(draft.candidate, draft.reference, strict=True):
        if phantoms:
            heads.scores[ours.scores[:, 1] == 0.1, 1] = 0.9
        else:
            heads.scores[:, 0] = 0.01
    return draft


def small_ones_off(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Half of the 80 boxes of 12 px at IoU .5, among 1,000 objects."""
    objects = _with(_plain(rng, 920, 40), _of(0, 0.9, 12.0, 80))
    draft = _draft(rng, _spread(rng, images, objects), tolerance)
    turn = 0
    for heads, ours in zip(draft.candidate, draft.reference, strict=True):
        for row in np.flatnonzero(ours.scores[:, 0] == 0.9):
            turn += 1
            if turn % 2:
                heads.boxes[row] = ours.boxes[row]
                heads.boxes[row, ::2] += 3.95 * (-1) ** (turn // 2)
    return draft


def shifted_large_images(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Every box 12.7 px of the image off, in images of 4,096 px with boxes of 200."""
    count = 12 * images + 8
    sides = rng.uniform(200, 300, count)
    objects = (rng.integers(1, 6, count), rng.uniform(0.75, 0.99, count), sides)
    reference = _spread(rng, images, objects, size=4096, image=4096)
    draft = _draft(rng, reference, tolerance)
    for heads in draft.candidate:
        heads.boxes[:, ::2] += 12.7
    return draft


MUST_FAIL: dict[str, Maker] = {
    "listed: every score .049 lower": all_lower,
    "listed: a class never deployed": class_never_deployed,
    "listed: 20 of 400 from .99 to .401": some_fall,
    "listed: one image loses all 8": one_image_blind,
    "listed: a class 12 px to the right": class_to_the_right,
    "listed: scaled about the centre": scaled_about_the_centre,
    "listed: images by 3.5 px in turn": shifted_in_turn,
    "listed: a class of 4 gone or phantom": vanished_and_phantom,
    "listed: half of the 12-px objects": small_ones_off,
    "listed: 12.7 px on 4,096-px images": shifted_large_images,
}


def winners_swap(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """NMS chooses between proposals of .4108 and .4096, whose boxes are not the same."""
    settings = Settings(0.4, Suppression("class", 0.45, 300))
    labels, _, sides = _plain(rng, 8 * images)
    reference = _spread(rng, images, (labels, np.full(len(labels), 0.4108), sides))
    reference = [_doubled(rng, heads, 0.4096 - 0.4108, 0.7) for heads in reference]
    return _draft(rng, reference, tolerance, settings)


def _doubled(rng: Rng, heads: Heads, lead: float, shared: float) -> Heads:
    """Each box once more, ``lead`` surer, to the right so that the two share an IoU."""
    boxes, scores = heads.boxes.copy(), heads.scores.copy()
    boxes[:, ::2] += ((boxes[:, 2] - boxes[:, 0]) * (1 - shared) / (1 + shared))[:, None]
    best = scores.argmax(axis=1)
    scores[np.arange(len(scores)), best] += lead
    return replace(
        heads,
        boxes=np.concatenate([heads.boxes, boxes]),
        scores=np.concatenate([heads.scores, scores]),
        owner=np.tile(heads.owner, 2),
    )


def more_than_are_kept(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """150 objects of .999 ± 1e-6 in an image, of which 100 are kept."""
    settings = Settings(0.5, Suppression("class", 0.45, 100))
    few = min(images, 8)  # they are large, and all alike
    count = 150 * few
    scores = 0.999 + rng.uniform(-1e-6, 1e-6, count)
    reference = _spread(rng, few, (rng.integers(1, 6, count), scores, np.full(count, 40.0)))
    return _draft(rng, reference, tolerance, settings)


def at_the_limit(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """Two boxes of one class whose overlap is within 1e-6 of the NMS limit."""
    reference = _spread(rng, images, _plain(rng, 5 * images))
    return _draft(
        rng,
        [_doubled(rng, heads, -0.05, 0.45 + rng.uniform(-1e-6, 1e-6)) for heads in reference],
        tolerance,
    )


def one_excused(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """One overlap at the NMS limit among 25 objects; the candidate hides what it removed."""
    reference = _spread(rng, images, _plain(rng, 25, 60))
    draft = _draft(rng, reference, tolerance)
    for at, heads in enumerate(reference):
        if len(heads.boxes):
            other = _doubled(rng, heads, -0.05, 0.45 + 1e-4)
            rows = np.r_[: len(heads.boxes) + 1]
            reference[at] = _rows(other, rows)
            other = _doubled(rng, heads, -0.05, 0.45 - 1e-4)
            draft.candidate[at] = _rows(other, rows)
            break
    draft.hidden = "candidate"
    return draft


def _rows(heads: Heads, rows: Any) -> Heads:
    return replace(
        heads, boxes=heads.boxes[rows], scores=heads.scores[rows], owner=heads.owner[rows]
    )


def borderline(rng: Rng, images: int, tolerance: Tolerance) -> Draft:
    """16 of 27 that only the candidate deploys rose beyond the limit, and 19 of 620 others."""
    labels, _, sides = _plain(rng, 620)
    scores = rng.uniform(0.6, 0.9, 620)
    low = rng.uniform(0.46, 0.498, 27)
    objects = _with((labels, scores, sides), (rng.integers(1, 6, 27), low, np.full(27, 80.0)))
    draft = _draft(rng, _spread(rng, images, objects), tolerance)
    moves: dict[float, float] = dict(
        zip(scores[:19].tolist(), rng.choice([-0.06, 0.06], 19).tolist(), strict=True)
    )
    moves |= {score: 0.504 - score for score in low[:11].tolist()}
    moves |= {score: 0.06 + rng.uniform(0, 0.03) for score in low[11:].tolist()}
    for heads, ours in zip(draft.candidate, draft.reference, strict=True):
        for score, move in moves.items():
            heads.scores[ours.scores == score] = score + move
    return draft


MUST_HOLD: dict[str, tuple[Maker, Sequence[str]]] = {
    "listed: winners swap": (winners_swap, ("float16", "int8")),
    "listed: more than are kept": (more_than_are_kept, ("exact", "float32", "float16", "int8")),
    "listed: at the NMS limit": (at_the_limit, ("exact", "float32", "float16", "int8")),
    "listed: 1 excused of 51": (one_excused, ("int8",)),
    "listed: risen among borderline": (borderline, ("int8",)),
}
