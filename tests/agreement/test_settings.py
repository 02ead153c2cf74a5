"""Other settings than the reference's: a finding of their own, whatever else agrees."""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, codes, hidden, kinds, suppressed, total

from parity.agreement import changed_by_settings, judge, under_settings
from parity.suite.tolerance import Tolerance

NEAR = [(0, 0, 100, 100, 0.9), (30, 0, 130, 100, 0.8)]  # IoU 0.54
FAR = [(500.0 * i, 0, 500.0 * i + 50, 50, 0.9 - 0.01 * i) for i in range(6)]

OTHER = {
    "a higher NMS limit": (NEAR, {"nms_iou": 0.6}, 1),
    "no NMS": (NEAR, {"mode": "none"}, 1),
    "NMS across classes": (
        [NEAR[0], (*NEAR[1][:4], 0.8, 1)],
        {"mode": "agnostic"},
        1,
    ),
    "fewer detections": (FAR, {"most": 4}, 2),
    "a higher threshold": (FAR, {"threshold": 0.86, "floor": 0.76}, 1),
}


@pytest.mark.parametrize("tolerance", [FLOAT32, INT8], ids=lambda one: one.name)
@pytest.mark.parametrize("name", OTHER)
def test_settings_that_change_what_is_deployed_fail_every_tolerance(
    name: str, tolerance: Tolerance
) -> None:
    """The same proposals on both sides, so that nothing else can be the reason."""
    rows, other, changes = OTHER[name]
    judged = agree(suppressed(*rows), suppressed(*rows, **other), tolerance)
    (finding,) = [one for one in judged.findings if one.code == "settings"]
    assert finding.facts["count"] == changes
    assert finding.facts["reference"] != finding.facts["candidate"]


def test_settings_that_change_nothing_here_are_no_finding() -> None:
    """Another limit that no two boxes come near to."""
    judged = agree(suppressed(*FAR), suppressed(*FAR, nms_iou=0.6, most=50))
    assert judged.findings == ()


def test_without_nms_its_limit_is_no_setting() -> None:
    """A number that nobody reads."""
    sides = [suppressed(*NEAR, mode="none", nms_iou=limit) for limit in (0.3, 0.6)]
    assert changed_by_settings(*sides) == 0


def test_settings_are_not_asked_of_a_side_that_hides_its_proposals() -> None:
    """Its settings are unknown: what differs is lost or extra."""
    inside = hidden(suppressed(*NEAR, nms_iou=0.6))
    judged = agree(suppressed(*NEAR), inside, INT8)
    assert "settings" not in codes(judged)
    assert ("extra", "") in kinds(judged)


@pytest.mark.parametrize("hide", [(False, True), (True, False), (True, True)])
def test_the_threshold_of_a_side_that_hides_its_proposals_is_known(hide) -> None:
    """Of a dump or a network with NMS inside too, what it deploys begins somewhere."""
    sides = suppressed(*FAR), suppressed(*FAR, threshold=0.86, floor=0.76)
    sides = tuple(hidden(one) if away else one for one, away in zip(sides, hide, strict=True))
    judged = agree(*sides, INT8)
    (finding,) = judged.findings
    assert (finding.code, finding.facts["count"]) == ("settings", 1)
    assert agree(under_settings(*sides), sides[1], INT8).findings == ()


def test_no_budget_covers_other_settings() -> None:
    """One detection in sixty: the image fails, and with it the suite."""
    rows = [(100.0 * i, 0, 100.0 * i + 50, 50, 0.9) for i in range(60)]
    near = (3.0, 0, 53.0, 50, 0.8)
    judged = agree(suppressed(*rows, near), suppressed(*rows, near, nms_iou=0.95), INT8)
    assert codes(judged) == ["settings"]
    assert codes(total([judged])) == []


def test_other_settings_on_purpose_are_judged_as_they_are_deployed() -> None:
    """The reference chooses by the candidate's settings, and then all agrees."""
    reference, candidate = suppressed(*FAR), suppressed(*FAR, threshold=0.86, floor=0.76, most=3)
    assert changed_by_settings(reference, candidate) == 3
    judged = judge(under_settings(reference, candidate), candidate, FLOAT32, (1.0, 1.0))
    assert judged.findings == ()
    assert judged.reference_deployed == 3
