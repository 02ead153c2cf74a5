"""What holds for any two sets: order, swapped sides, a set against itself, wider limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from agreeing import INT8, agree, hidden, limits, side, suppressed, total
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_pairing import crowd

from parity.agreement import ImageAgreement, Row, budget
from parity.detections import Side
from parity.suite.tolerance import BUILT_IN

MIRROR = {"lost": "extra", "extra": "lost"}


def turned(row: Row) -> Row:
    """The same row with the sides swapped."""
    shift = row.shift and tuple(0.0 - one for one in row.shift)
    return replace(
        row,
        kind=MIRROR.get(row.kind, row.kind),
        shift=shift,
        reference_class=row.candidate_class,
        candidate_class=row.reference_class,
        reference_score=row.candidate_score,
        candidate_score=row.reference_score,
        reference_box=row.candidate_box,
        candidate_box=row.reference_box,
    )


def as_bag(rows: tuple[Row, ...]) -> list[str]:
    """Rows without their order."""
    return sorted(
        map(
            repr,
            (replace(one, shift=one.shift and tuple(0.0 + s for s in one.shift)) for one in rows),
        )
    )


def shuffled(one: Side, seed: int) -> Side:
    """The same side with its detections, or its proposals, in another order."""
    rng = np.random.default_rng(seed)
    if one.proposals is None:
        return replace(one, seen=one.seen.take(rng.permutation(len(one.seen))))
    order = rng.permutation(len(one.proposals.rows))
    return Side.of(one.proposals.take(order), one.threshold, one.floor, one.suppression)


@st.composite
def proposals(draw: st.DrawFn, most: int = 12) -> list[tuple[float, ...]]:
    """Boxes of one size in a crowd, with scores that are near to one another."""
    count = draw(st.integers(0, most))
    numbers = st.integers(0, 12)
    return [
        (x, y, x + 10, y + 10, 0.45 + 0.02 * draw(numbers), draw(st.integers(0, 1)))
        for x, y in ((draw(numbers), draw(numbers)) for _ in range(count))
    ]


@st.composite
def kept(draw: st.DrawFn, **options: float) -> Side:
    """What NMS leaves of a crowd, at most four."""
    return suppressed(*draw(proposals()), most=4, **options)


@settings(max_examples=200, deadline=None)
@given(crowd(12), st.sampled_from(sorted(BUILT_IN)))
def test_a_set_agrees_with_itself(same: Side, name: str) -> None:
    """Also with duplicates, boxes without area, equal scores and crowds."""
    judged = agree(same, same, BUILT_IN[name])
    assert judged.findings == ()
    for row in judged.rows:
        assert row.within
        assert (row.reference_box, row.reference_class) == (row.candidate_box, row.candidate_class)
        assert row.score_diff == 0
    expected = ["nothing-detected"] * (not judged.rows)
    assert [one.code for one in total([judged], BUILT_IN[name]).findings] == expected


@settings(max_examples=200, deadline=None)
@given(kept(), kept(), st.integers(0, 99))
def test_the_order_of_detections_does_not_matter(first: Side, second: Side, seed: int) -> None:
    """Shuffled sides give the same rows in the same order."""
    judged = agree(first, second, INT8)
    assert agree(shuffled(first, seed), shuffled(second, seed + 1), INT8) == judged


@settings(max_examples=200, deadline=None)
@given(crowd(8), crowd(8))
def test_swapping_the_sides_swaps_lost_and_extra_and_nothing_else(
    first: Side, second: Side
) -> None:
    """Every row comes back mirrored, its reason included."""
    there, back = agree(first, second, INT8), agree(second, first, INT8)
    assert as_bag(back.rows) == as_bag(tuple(map(turned, there.rows)))


def test_swapping_the_sides_does_not_settle_a_tie_in_another_way() -> None:
    """Three lines a side, each one within a pixel of the two others' partners, in a circle."""
    first = side((0.6, 0, 20, 0, 0.9), (0, 0.6, 20, 0.6, 0.9), (0, 0, 20.6, 0, 0.89))
    second = side((-0.6, 0, 20, 0, 0.89), (0, -0.6, 20, -0.6, 0.9), (0, 0, 19.4, 0, 0.89))
    there, back = agree(first, second, INT8), agree(second, first, INT8)
    assert [row.kind for row in there.rows] == ["pair"] * 3
    assert as_bag(back.rows) == as_bag(tuple(map(turned, there.rows)))


@settings(max_examples=200, deadline=None)
@given(kept(), kept())
def test_swapping_the_sides_swaps_excuses(first: Side, second: Side) -> None:
    """Likely ties of NMS are told alike from either side."""
    inside = hidden(second)
    there, back = agree(first, inside, INT8), agree(inside, first, INT8)
    assert as_bag(back.rows) == as_bag(tuple(map(turned, there.rows)))


@settings(max_examples=200, deadline=None)
@given(crowd(10), crowd(10))
def test_every_deployed_detection_is_in_exactly_one_row(first: Side, second: Side) -> None:
    """None is dropped and none is counted twice."""
    judged = agree(first, second, INT8)
    for one, name, leftover in ((first, "reference", "lost"), (second, "candidate", "extra")):
        listed = [
            (*getattr(row, f"{name}_box"), getattr(row, f"{name}_score"))
            for row in judged.rows
            if (row.paired or row.kind == leftover) and getattr(row, f"{name}_score") >= 0.5
        ]
        boxes, scores = one.seen.boxes.tolist(), one.seen.scores.tolist()
        deployed = [(*b, s) for b, s in zip(boxes, scores, strict=True) if s >= 0.5]
        assert sorted(listed) == sorted(deployed)


def failures(judged: ImageAgreement, tolerance) -> int:
    """How many findings the image and the budget of this one image have."""
    return len(judged.findings) + len(budget({"": judged}, tolerance).findings)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_wider_limits_never_fail_what_passed(data: st.DataObject) -> None:
    """With objects far apart, so that the pairing stays, no wider limit turns pass into fail."""
    small = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0])
    rows, moved = [], []
    for i in range(data.draw(st.integers(1, 12))):
        x, score = 1000.0 * i, data.draw(st.sampled_from([0.5, 0.6, 0.9]))
        label = data.draw(st.integers(0, 2))
        rows.append((x, 0, x + 20, 20, score, label))
        if data.draw(st.integers(0, 9)) < 9:
            shift, other = data.draw(small), data.draw(st.sampled_from([0, 0, 0, 1]))
            lower = score - data.draw(st.sampled_from([0.0, 0.03, 0.09]))
            moved.append((x + shift, 0, x + 20 + shift, 20, lower, label + other))
    narrow = limits(min_within=0.3, max_lost=0.5, max_extra=0.5, max_class_flips=0.7)
    name, wider = data.draw(
        st.sampled_from(
            [
                ("min_box_iou", 0.7),
                ("max_corner_px", 2.0),
                ("max_score_diff", 0.1),
                ("min_within", 0.1),
                ("max_lost", 0.9),
                ("max_extra", 0.9),
                ("max_class_flips", 0.9),
                ("max_excused", 0.3),
            ]
        )
    )
    wide = limits(narrow, **{name: wider})
    reference, candidate = suppressed(*rows), suppressed(*moved)
    assume(failures(agree(reference, candidate, narrow), narrow) == 0)
    assert failures(agree(reference, candidate, wide), wide) == 0
