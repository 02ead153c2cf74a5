"""Strict tolerances: noise within every limit never fails, a fault in what is deployed always does.

Whatever NMS, max_detections and the threshold make of it, and whether or not the rows of the two
sides stand in one order.
"""

from __future__ import annotations

import numpy as np
from agreeing import FLOAT32, agree, limits, suppressed
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parity.agreement.pairing import closeness
from parity.detections import Side
from parity.suite.tolerance import Tolerance

Rows = list[tuple[float, ...]]

TOLERANCES = (
    FLOAT32,
    limits(FLOAT32, max_corner_px=1.0, max_score_diff=0.01, band=0.01),  # small boxes may overlap
    limits(FLOAT32, min_box_iou=0.9, max_score_diff=0.01, band=0.05),
)
CHOICES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["class", "agnostic", "none"]),
        "most": st.sampled_from([1, 2, 3, 8, 100, None]),
        "nms_iou": st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.55, 0.7]),
    }
)


@st.composite
def crowds(draw: st.DrawFn, tolerance: Tolerance) -> Rows:
    """Proposals of which every choice is close: equal ones, near scores, near the threshold."""
    size = draw(st.sampled_from([2.0, 20.0, 100.0]))
    place, step = st.integers(0, draw(st.sampled_from([0, 3, 12]))), st.integers(-2, 6)
    rows = []
    for _ in range(draw(st.integers(1, 14))):
        x, y = (size * draw(st.sampled_from([0.0, 0.04, 0.09, 0.3])) * draw(place) for _ in "xy")
        score = 0.5 + 0.4 * tolerance.max_score_diff * draw(step)
        rows.append((x, y, x + size, y + size, score, draw(st.integers(0, 1))))
    return rows


def jittered(rows: Rows, tolerance: Tolerance, seed: int) -> Rows:
    """Noise within every limit, up to its very end."""
    rng = np.random.default_rng(seed)
    most = rng.choice([0.0, 0.3, 0.999]) * np.array(
        [tolerance.max_corner_px, tolerance.max_score_diff]
    )
    moved = []
    for x1, y1, x2, y2, score, label in rows:
        by = rng.choice([-1, 1], 3) if rng.random() < 0.5 else rng.uniform(-1, 1, 3)
        dx, dy, lower = by * [most[0], most[0], most[1]]
        moved.append((x1 + dx, y1 + dy, x2 + dx, y2 + dy, score + lower, label))
    return moved


def both(
    rows: Rows, others: Rows, tolerance: Tolerance, choice: dict[str, float], mixed: int | None
) -> tuple[Side, Side]:
    """Both sides, down to the band; the candidate's rows in another order where ``mixed`` is."""
    floor = 0.5 - tolerance.band
    order = np.arange(len(others))
    if mixed is not None:
        order = np.random.default_rng(mixed).permutation(len(others))
    return (
        suppressed(*rows, floor=floor, **choice),
        suppressed(*(others[i] for i in order), floor=floor, **choice),
    )


ORDERS = st.one_of(st.none(), st.integers(0, 99))


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from(TOLERANCES), st.integers(0, 9999), CHOICES, ORDERS)
def test_noise_within_every_limit_never_fails(data, tolerance, seed, choice, mixed) -> None:
    """Every row agrees or is a tie, whatever was chosen."""
    rows = data.draw(crowds(tolerance))
    noisy = jittered(rows, tolerance, seed)
    reference, candidate = both(rows, noisy, tolerance, choice, mixed)
    judged = agree(reference, candidate, tolerance)
    assert [one for one in judged.findings if one.code != "below-a-pixel"] == []
    assert all(row.within or row.tie for row in judged.rows)


def spoiled(rows: Rows, tolerance: Tolerance, which: int, how: str) -> Rows:
    """One proposal taken out, moved or rescored, just beyond a limit or far."""
    x1, y1, x2, y2, score, label = rows[which]
    near, far = 1.01 * tolerance.max_corner_px + (x2 - x1) * (1 - tolerance.min_box_iou), 3 * x2
    changed = {
        "gone": (x1, y1, x2, y2, 0.01, label),
        "moved a little": (x1, y1 + near, x2, y2 + near, score, label),
        "moved far": (x1, y1 + far, x2, y2 + far, score, label),
        "lower": (x1, y1, x2, y2, score - 1.01 * tolerance.max_score_diff, label),
        "higher": (x1, y1, x2, y2, score + 1.01 * tolerance.max_score_diff, label),
        "sure": (x1, y1, x2, y2, 0.99, label),
        "other class": (x1, y1, x2, y2, score, label + 5),
    }[how]
    return [*rows[:which], changed, *rows[which + 1 :]]


HOW = st.sampled_from(
    ["gone", "moved a little", "moved far", "lower", "higher", "sure", "other class"]
)


def answered(here: Side, there: Side, tolerance: Tolerance) -> bool:
    """Whether all that one side deploys is proposed on the other, within every limit."""
    assert there.proposals is not None
    found = there.proposals.found
    within = closeness(here.seen.take(here.deployed), found, tolerance, (1.0, 1.0)).within
    return bool(within.any(axis=1).all())


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from(TOLERANCES), st.integers(0, 9999), CHOICES, ORDERS, HOW)
def test_what_is_deployed_without_a_proposal_on_the_other_side_always_fails(
    data, tolerance, seed, choice, mixed, how
) -> None:
    """A proposal that is changed beyond a limit, beside noise, in a crowd.

    Where what is deployed has a proposal within every limit on the other side all the same, be it
    another one, nothing that is deployed changed by more than noise.
    """
    rows = data.draw(crowds(tolerance))
    which = data.draw(st.integers(0, len(rows) - 1))
    noisy = spoiled(jittered(rows, tolerance, seed), tolerance, which, how)
    reference, candidate = both(rows, noisy, tolerance, choice, mixed)
    assume(
        not answered(reference, candidate, tolerance)
        or not answered(candidate, reference, tolerance)
    )
    assert agree(reference, candidate, tolerance).findings


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 9),
    st.data(),
    st.sampled_from(TOLERANCES),
    st.sampled_from(["class", "agnostic", "none"]),
    ORDERS,
    HOW,
)
def test_a_deployed_object_that_stands_alone_and_is_changed_always_fails(
    count, data, tolerance, mode, mixed, how
) -> None:
    """Nothing else can take its place, and nothing is a tie."""
    rows = [
        (500.0 * i, 0, 500.0 * i + 50, 50, data.draw(st.sampled_from([0.5, 0.53, 0.9])), i % 2)
        for i in range(count)
    ]
    which = data.draw(st.integers(0, count - 1))
    changed = spoiled(rows, tolerance, which, how)
    reference, candidate = both(rows, changed, tolerance, {"mode": mode, "most": None}, mixed)
    judged = agree(reference, candidate, tolerance)
    assert judged.findings
    assert not any(row.tie for row in judged.rows)
