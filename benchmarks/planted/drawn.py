"""Trials with made-up pairs: drawn from a seed and the trial's own number, damaged, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.planted import scenes
from benchmarks.planted.claims import claims
from benchmarks.planted.draft import Draft
from benchmarks.planted.faults import FAULTS, SETTINGS
from benchmarks.planted.listed import MUST_FAIL, MUST_HOLD
from benchmarks.planted.scenes import Heads, Rng
from benchmarks.planted.truth import look
from parity.agreement import ImageAgreement, budget, judge
from parity.boxes import Placement
from parity.detections import Side
from parity.suite.tolerance import BUILT_IN, Tolerance

SIZES = (4, 16, 64)
MADE_UP = "simulated healthy"
STRICT = ("exact", "float32", "float16")

REDRAWN = 6  # times that a fault without effect is drawn again, before another one is
LEVELS = (0.1, 0.5, 0.9, 1.0)  # of the limits that healthy noise takes

Pair = tuple[Side, Side, Placement]


@dataclass(frozen=True)
class Trial:
    """One suite: what was done to it, the rules that it breaks, and the findings of parity."""

    source: str
    number: int
    name: str
    tolerance: str
    images: int
    rules: frozenset[str]
    codes: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        """Whether the verdict is not the one that the rules ask for."""
        return bool(self.rules) != bool(self.codes)


def verdict(pairs: Sequence[Pair], tolerance: Tolerance) -> tuple[str, ...]:
    """The codes of parity's findings on a suite; none is a pass."""
    images = {
        str(at): judge(ours, theirs, tolerance, into.scale)
        for at, (ours, theirs, into) in enumerate(pairs)
    }
    return codes(images, tolerance)


def codes(images: dict[str, ImageAgreement], tolerance: Tolerance) -> tuple[str, ...]:
    """The codes of all findings of judged images."""
    found = [one.code for image in images.values() for one in image.findings]
    found += [one.code for one in budget(images, tolerance).findings]
    return tuple(sorted(set(found)))


def broken(pairs: Sequence[Pair], tolerance: Tolerance) -> frozenset[str]:
    """The rules that a suite breaks."""
    return frozenset(claims([look(*pair[:2], tolerance, pair[2]) for pair in pairs], tolerance))


def pairs_of(draft: Draft) -> list[Pair]:
    """Both sides of each image, and where it stands in the reference's input."""
    places = [heads.placement for heads in draft.reference]
    return [(*sides, place) for sides, place in zip(draft.sides(), places, strict=True)]


def healthy_trial(seed: int, only: str, number: int) -> Trial:
    """Noise inside the limits; one in five is a false alarm that there once was."""
    name, draft = healthy_draft(seed, only, number)
    found = verdict(pairs_of(draft), draft.tolerance)
    images = len(draft.reference)
    return Trial(MADE_UP, number, name, draft.tolerance.name, images, frozenset(), found)


def healthy_draft(seed: int, only: str, number: int) -> tuple[str, Draft]:
    """What ``healthy_trial`` judges; a suite that deploys nothing is drawn again."""
    rng = np.random.default_rng([seed, 0, number])
    size = SIZES[number % 3]
    makers = [name for name in MUST_HOLD if only in name]
    if makers and (number % 5 == 4 or "listed" in only):
        name = makers[number // 5 % len(makers)]
        maker, tolerances = MUST_HOLD[name]
        return name, maker(rng, size, BUILT_IN[str(rng.choice(list(tolerances)))])
    tolerance = list(BUILT_IN.values())[number // 3 % 4]
    while True:
        draft = _scenes(rng, size, tolerance)
        draft.candidate = _healthy(rng, draft)
        name = "noise" + _arranged(rng, draft)
        if any(side.deployed.any() for pair in draft.sides() for side in pair):
            return name, draft


def _arranged(rng: Rng, draft: Draft) -> str:
    """What differs in some candidates and is no fault."""
    turn = rng.uniform()
    if turn < 0.15:
        draft.candidate = [_shuffled(rng, heads) for heads in draft.candidate]
        return ", rows in another order"
    if turn < 0.25:
        draft.candidate = [_elsewhere(heads) for heads in draft.candidate]
        return ", another placement"
    if turn < 0.35:
        SETTINGS[str(rng.choice(list(SETTINGS)))](rng, draft)
        draft.deliberate = True
        return ", deliberate settings"
    return ""


def _scenes(rng: Rng, size: int, tolerance: Tolerance) -> Draft:
    """Images of one kind of detector; the candidate is the reference so far."""
    kind = scenes.kind(rng)
    images = [scenes.scene(rng, kind) for _ in range(size)]
    return Draft(images, images, kind.settings, kind.settings, tolerance)


def _healthy(rng: Rng, draft: Draft) -> list[Heads]:
    level = float(rng.choice(LEVELS))
    return [scenes.healthy(rng, heads, draft.tolerance, level).copy() for heads in draft.reference]


def _shuffled(rng: Rng, heads: Heads) -> Heads:
    order = rng.permutation(len(heads.boxes))
    boxes, scores, owner = heads.boxes[order], heads.scores[order], heads.owner[order]
    return replace(heads, boxes=boxes, scores=scores, owner=owner)


def _elsewhere(heads: Heads) -> Heads:
    """The same image fed by the other way of resizing."""
    alike = heads.placement.scale_x == heads.placement.scale_y
    resize = "stretch" if alike else "letterbox"
    return heads.placed(scenes.place(heads.image, heads.size, resize))


def strict_trial(seed: int, only: str, number: int) -> Trial:
    """A fault that a strict tolerance must see; one in five hides proposals of a side."""
    tolerance = BUILT_IN[STRICT[number // 3 % 3]]
    return _faulty("simulated faults, strict", [seed, 1, number], only, number, tolerance)


def int8_trial(seed: int, only: str, number: int) -> Trial:
    """A fault beyond what int8's budget declares."""
    return _faulty("simulated faults, int8", [seed, 2, number], only, number, BUILT_IN["int8"])


def _faulty(source: str, seed: list[int], only: str, number: int, tolerance: Tolerance) -> Trial:
    name, draft, rules = faulty_draft(seed, only, number, tolerance)
    found = verdict(pairs_of(draft), tolerance)
    if draft.hidden:
        name += ", hidden"
    return Trial(source, number, name, tolerance.name, len(draft.reference), rules, found)


def faulty_draft(
    seed: list[int], only: str, number: int, tolerance: Tolerance
) -> tuple[str, Draft, frozenset[str]]:
    """What is judged, and the rules that it breaks, one at least."""
    rng = np.random.default_rng(seed)
    menu = [name for name in (*FAULTS, *MUST_FAIL) if only in name]
    size = SIZES[number % 3]
    name = menu[number // 3 * 7 % len(menu)]  # those of one sort do not follow each other
    while True:
        if name in MUST_FAIL:
            draft = MUST_FAIL[name](rng, size, tolerance)
            rules = broken(pairs_of(draft), tolerance)
            # What is listed must fail, whatever the margins of the statistical rules.
            return name, draft, rules or frozenset({"as listed"})
        for _ in range(REDRAWN):
            draft = _scenes(rng, size, tolerance)
            draft.candidate = _healthy(rng, draft)
            if rng.uniform() < 0.2:
                draft.hidden = str(rng.choice(["reference", "candidate", "both"]))
            if not FAULTS[name](rng, draft):
                continue
            how = _arranged(rng, draft)
            if rules := broken(pairs_of(draft), tolerance):
                return name + how, draft, rules
        name = str(rng.choice(menu))
