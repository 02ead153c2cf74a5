"""What must hold of verdicts whatever was found, beside the rows (see ``test_symmetry.py``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from agreeing import FLOAT32, INT8, agree, codes, limits, suppressed, total
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_pairing import crowd
from test_symmetry import kept, proposals, shuffled

from parity.agreement import ImageAgreement
from parity.detections import Detections, Side
from parity.suite.tolerance import BUILT_IN

SWAPPED = {"lost": "extra", "extra": "lost"}
SCORES = ("score", "risen")
EACH = st.lists(st.tuples(kept(), kept()), min_size=1, max_size=4)


def judged(pairs: list[tuple[Side, Side]], name: str = "int8") -> list[ImageAgreement]:
    return [agree(first, second, BUILT_IN[name]) for first, second in pairs]


@settings(max_examples=100, deadline=None)
@given(st.lists(crowd(10), min_size=1, max_size=4), st.sampled_from(sorted(BUILT_IN)))
def test_a_suite_agrees_with_itself(sides: list[Side], name: str) -> None:
    """Over several images: no share of any budget is used."""
    images = judged([(one, one) for one in sides], name)
    found = total(images, BUILT_IN[name])
    assert all(share.count == 0 for share in found.shares)
    assert codes(found) == ["nothing-detected"] * (not any(image.rows for image in images))


@settings(max_examples=100, deadline=None)
@given(st.lists(proposals(), min_size=1, max_size=3), st.integers(0, 99))
def test_what_nms_left_agrees_with_nms_of_the_same_in_another_order(
    found: list[list[tuple[float, ...]]], seed: int
) -> None:
    """A runtime may hand over its proposals in any order."""
    rng = np.random.default_rng(seed)
    for rows in found:
        mixed = [rows[place] for place in rng.permutation(len(rows))]
        assert agree(suppressed(*rows), suppressed(*mixed), FLOAT32).findings == ()


@settings(max_examples=100, deadline=None)
@given(EACH, st.integers(0, 99))
def test_a_verdict_does_not_depend_on_the_order_of_detections(
    pairs: list[tuple[Side, Side]], seed: int
) -> None:
    """Nor do the budget's shares."""
    mixed = [(shuffled(one, seed), shuffled(two, seed + 1)) for one, two in pairs]
    assert total(judged(mixed)) == total(judged(pairs))


@settings(max_examples=100, deadline=None)
@given(EACH)
def test_a_verdict_does_not_depend_on_the_order_of_images(pairs: list[tuple[Side, Side]]) -> None:
    """The shares are those of the whole suite."""
    there, back = total(judged(pairs)), total(judged(pairs[::-1]))
    assert back.shares == there.shares
    assert sorted(codes(back)) == sorted(codes(there))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(crowd(8), crowd(8)), min_size=1, max_size=4))
def test_swapping_the_sides_swaps_the_shares_of_lost_and_extra(
    pairs: list[tuple[Side, Side]],
) -> None:
    """Every other share stays, but for scores, which are those of what the reference deploys."""
    there = total(judged(pairs))
    back = total(judged([(two, one) for one, two in pairs]))
    counts = {s.code: (s.count, s.total) for s in there.shares if s.code not in SCORES}
    turned = {s.code: (s.count, s.total) for s in back.shares if s.code not in SCORES}
    assert {SWAPPED.get(code, code): found for code, found in turned.items()} == counts


def moved(one: Side, shift: float, lower: float) -> Side:
    """The same detections, every corner and score off by so much: each has one natural partner."""

    assert one.proposals is not None
    found = one.proposals.found
    boxes, scores = found.boxes + shift, np.maximum(found.scores - lower, 0)
    proposals = replace(one.proposals, found=Detections(boxes, scores, found.classes), boxes=boxes)
    return Side.of(proposals, one.threshold, one.floor, one.suppression)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.45, 0.5, 0.6, 0.9])), max_size=9),
    st.floats(-2, 2),
    st.floats(0, 0.09),
    st.lists(
        st.tuples(
            st.sampled_from(["min_box_iou", "max_corner_px", "max_score_diff"]), st.floats(0, 1)
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_wider_limits_of_a_pair_never_fail_what_passed(
    objects: list[tuple[int, float]],
    shift: float,
    lower: float,
    changes: list[tuple[str, float]],
) -> None:
    """Several at once, by any amount; far apart, so that the pairing stays."""
    rows = [
        (99.0 * i, 0, 99.0 * i + 20, 20, score, label) for i, (label, score) in enumerate(objects)
    ]
    narrow = limits(min_within=1, max_lost=0, max_extra=0, max_class_flips=0, max_excused=0)
    widest = {"min_box_iou": 0.5, "max_corner_px": 4.0, "max_score_diff": narrow.band}
    wider = {
        name: getattr(narrow, name) + part * (widest[name] - getattr(narrow, name))
        for name, part in changes
    }
    reference = suppressed(*rows)
    candidate = moved(reference, shift, lower)
    before = agree(reference, candidate, narrow)
    assume(not before.findings and not total([before], narrow).findings)
    wide = limits(narrow, **wider)
    after = agree(reference, candidate, wide)
    assert (codes(after), codes(total([after], wide))) == ([], [])


@settings(max_examples=200, deadline=None)
@given(crowd(8), crowd(8), st.floats(0, 1))
def test_wider_limits_of_a_budget_never_fail_what_passed(
    first: Side, second: Side, part: float
) -> None:
    """What is paired does not depend on how much of it may miss, so nothing need be far apart."""
    shares = {"max_lost": 1.0, "max_extra": 1.0, "max_class_flips": 1.0, "max_excused": 1.0}
    narrow = limits(min_within=0.5, **dict.fromkeys(shares, 0.25))
    wider = {name: 0.25 + part * (most - 0.25) for name, most in shares.items()}
    wide = limits(narrow, min_within=0.5 * (1 - part), **wider)
    before = set(codes(total([agree(first, second, narrow)], narrow)))
    after = set(codes(total([agree(first, second, wide)], wide)))
    assert after <= before


def test_a_narrower_limit_does_fail() -> None:
    """The properties above speak of verdicts that can turn: two of four are lost."""
    rows = [(50.0 * i, 0, 50.0 * i + 9, 9, 0.9) for i in range(4)]
    first, second = suppressed(*rows), suppressed(*rows[:2])
    for allowed, expected in ((0.5, []), (0.4, ["lost"])):
        tolerance = limits(INT8, max_lost=allowed)
        assert codes(total([agree(first, second, tolerance)], tolerance)) == expected
