"""The sentence of every finding, word by word."""

import pytest
from report_records import CLASSES, extra, image, lost, pair, runtime

from parity.agreement import Finding
from parity.report.messages.scene import of_image, of_runtime
from parity.report.messages.wording import advice, sentence

SETTINGS = {
    "count": 5,
    "total": 40,
    "reference": "NMS class at IoU 0.45, at most 100, from a score of 0.5",
    "candidate": "NMS class at IoU 0.6, at most 100, from a score of 0.5",
}


def said(finding: Finding, *rows, **changes) -> str:  # type: ignore[no-untyped-def]
    """What is said of a finding on one image with these rows."""
    one = image("images/003.png", *rows, findings=(finding,), **changes)
    return sentence(finding, of_image(one, runtime("onnx", one), CLASSES))


AT = "[10.0,20.0,50.0,60.0]"


@pytest.mark.parametrize(
    ("finding", "rows", "text"),
    [
        (
            Finding("lost", {"count": 1}),
            [pair(), lost()],
            "lost: 1 of 2 detections of the reference without a partner in the candidate, none "
            f"allowed; the surest scores 0.830: nut at {AT}",
        ),
        (
            Finding("lost", {"count": 1}),
            [lost(reason="threshold")],
            "lost: 1 of 1 detection of the reference without a partner in the candidate, none "
            "allowed; 1 of them the candidate sees below its own score threshold (0.5, the "
            f"reference's is 0.5); the surest scores 0.830: nut at {AT}",
        ),
        (
            Finding("lost", {"count": 1}),
            [lost(reason="beyond-band")],
            "lost: 1 of 1 detection of the reference without a partner in the candidate, none "
            "allowed; 1 of them the candidate sees with a score lower by more than the band "
            f"(0.001); the surest scores 0.830: nut at {AT}",
        ),
        (
            Finding("extra", {"count": 1}),
            [extra()],
            "extra: 1 of 1 detection of the candidate without a partner in the reference, none "
            f"allowed; the surest scores 0.710: washer at {AT}",
        ),
        (
            Finding("box", {"count": 1}),
            [pair(iou=0.981, corner=1.25, box_within=False)],
            "box: 1 of 1 pair beyond the box limit, none allowed: expected IoU at least 0.999 or "
            "every corner within 0.1 px of the network's input; the worst has IoU 0.981 and "
            f"1.25 px: bolt at {AT}",
        ),
        (
            Finding("score", {"count": 1}),
            [pair(candidate_score=0.898999999, score_within=False)],
            "score: 1 of 1 pair whose scores differ by more than 0.001, none allowed; the worst "
            f"by 0.001000001: bolt at {AT}",
        ),
        (
            Finding("class", {"count": 1}),
            [pair(candidate_class=7)],
            "class: 1 of 1 pair with another class, none allowed; the surest scores 0.900: bolt "
            f"at {AT} became class 7",
        ),
        (
            Finding("excused", {"count": 1}),
            [pair(), lost(reason="excused")],
            "excused: 1 of 3 detections of both sides were found by the other side too, but likely "
            f"removed there on a tie of NMS, none allowed; the surest scores 0.830: nut at {AT}",
        ),
        (
            Finding("unjudgeable", {"count": 1}),
            [lost(score=0.503, reason="unjudgeable")],
            "unjudgeable: 1 of 1 detection of both sides cannot be judged, none allowed: the "
            "candidate shows nothing below a score of 0.4995, expected down to 0.499 (threshold "
            f"minus band); the surest scores 0.503: nut at {AT}",
        ),
        (
            Finding("empty", {"empty": "candidate", "count": 4, "best": 0.93}),
            [],
            "empty: the candidate sees nothing at all where the reference has 4 detections, the "
            "surest scores 0.930",
        ),
        (
            Finding("empty", {"empty": "reference", "count": 1, "best": 0.93}),
            [],
            "empty: the reference sees nothing at all where the candidate has 1 detection, the "
            "surest scores 0.930",
        ),
        (
            Finding("settings", SETTINGS),
            [],
            "settings: 5 detections come or go where the candidate's settings choose among the "
            "reference's own proposals: expected NMS class at IoU 0.45, at most 100, from a score "
            "of 0.5, found NMS class at IoU 0.6, at most 100, from a score of 0.5; no budget "
            "covers other settings",
        ),
        (
            Finding("settings", SETTINGS | {"count": 1}),
            [],
            "settings: 1 detection comes or goes where the candidate's settings choose among the "
            "reference's own proposals: expected NMS class at IoU 0.45, at most 100, from a score "
            "of 0.5, found NMS class at IoU 0.6, at most 100, from a score of 0.5; no budget "
            "covers other settings",
        ),
        (
            Finding("vanished", {"group": "class", "value": 1, "count": 5, "total": 8}),
            [],
            "vanished: class nut: the candidate does not deploy 5 of 8 detections of the "
            "reference, or not as that class; no budget covers more than half of a group",
        ),
        (
            Finding("vanished", {"group": "all", "value": None, "count": 9, "total": 9}),
            [],
            "vanished: all objects: the candidate does not deploy 9 of 9 detections of the "
            "reference, or not as that class; no budget covers more than half of a group",
        ),
        (
            Finding(
                "appeared",
                {"group": "image", "value": "images/3.png", "count": 8, "total": 9, "more": 2},
            ),
            [],
            "appeared: images/3.png: the reference does not deploy 8 of 9 detections of the "
            "candidate, or not as that class; no budget covers more than half of a group; the "
            "same of 2 more images",
        ),
        (
            Finding(
                "concentrated",
                {"group": "size", "value": "small", "count": 20, "total": 40, "limit": "box"},
            ),
            [],
            "concentrated: small objects: 20 of 40 pairs miss the box limit (50 %), allowed 0 % of "
            "any class or size (min_within = 1), and chance does not explain it",
        ),
        (
            Finding("bias", {"side": "x1", "median": -1.0004, "pairs": 40, "allowed": 1.0}),
            [],
            "bias: x1 of the boxes is off by -1.0004 px of the network's input in the median of 40 "
            "pairs, allowed 1.00 px either way; no budget covers a shift that boxes share",
        ),
        (
            Finding(
                "bias",
                {"side": "y2", "at": 612.4, "shift": 12.7, "pairs": 93, "allowed": 1.914},
            ),
            [],
            "bias: y2 of the boxes is off by +12.7 px of the network's input at y2 = 612 px on a "
            "line through 93 pairs, allowed 1.91 px either way; no budget covers a shift that "
            "boxes share",
        ),
        (
            Finding(
                "bias",
                {"side": "x1", "class": 1, "median": 12, "pairs": 9, "allowed": 2, "more": 1},
            ),
            [],
            "bias: x1 of the boxes of class nut is off by +12.0 px of the network's input in the "
            "median of 9 pairs, allowed 2.00 px either way; no budget covers a shift that boxes "
            "share; the same of 1 more class",
        ),
        (
            Finding(
                "bias",
                {"side": "x1", "image": "a.png", "median": -3.5, "pairs": 6, "allowed": 1.0},
            ),
            [],
            "bias: x1 of the boxes in a.png is off by -3.50 px of the network's input in the "
            "median of 6 pairs, allowed 1.00 px either way; no budget covers a shift that boxes "
            "share",
        ),
        (
            Finding("score-bias", {"median": -0.049, "pairs": 30, "allowed": 0.0125}),
            [],
            "score-bias: scores are off by -0.0490 in the median of 30 pairs, allowed 0.0125 "
            "either way; no budget covers a difference that scores share",
        ),
        (
            Finding("score-bias", {"at": 0.912, "shift": 0.031, "pairs": 60, "allowed": 0.0125}),
            [],
            "score-bias: scores are off by +0.0310 at a score of 0.912 on a line through 60 "
            "pairs, allowed 0.0125 either way; no budget covers a difference that scores share",
        ),
        (
            Finding("nothing-detected", {"images": 31}),
            [],
            "nothing-detected: expected a detection in at least one of 31 images, found none on "
            "either side: nothing was compared",
        ),
        (
            Finding("no-image"),
            [],
            "no-image: expected at least one image that can be compared, found none",
        ),
        (
            Finding(
                "nonfinite",
                {"head": "scores", "side": "candidate", "count": 12, "total": 400, "nan": 5},
            ),
            [],
            "nonfinite: head scores of the candidate: expected finite numbers, found 5 NaN and 7 "
            "infinite among 400",
        ),
        (
            Finding("shape", {"head": "boxes", "reference": [1, 9, 4], "candidate": [1, 4, 9]}),
            [],
            "shape: head boxes: expected (1, 9, 4) as in the reference, found (1, 4, 9); unequal "
            "shapes are never compared",
        ),
        (
            Finding(
                "constant-head", {"head": "scores", "value": 0.0, "variation": 0.93, "step": 0.0039}
            ),
            [],
            "constant-head: head scores: expected values that vary by 0.930 as in the reference, "
            "more than the 0.0039 that may be flattened, found 0 everywhere, on all images",
        ),
        (
            Finding(
                "constant-head", {"head": "boxes", "value": 0.5, "variation": 0.93, "step": 1e-38}
            ),
            [],
            "constant-head: head boxes: expected values that vary by 0.930 as in the reference, "
            "found 0.500 everywhere, on all images",
        ),
        (
            Finding("wrap-around", {"head": "boxes", "count": 40, "total": 1600}),
            [],
            "wrap-around: head boxes: 40 of 1600 values are off by 256 quantisation steps: int8 "
            "read as uint8 (or the reverse), or wrapped around",
        ),
        (
            Finding("one-sided", {"head": "masks", "side": "reference"}),
            [],
            "one-sided: head masks: expected on both sides, found only in the reference; the "
            "candidate has no output of that name",
        ),
        (
            Finding("from-the-future", {"count": 3, "where": "a\nb"}),
            [],
            "from-the-future: count = 3, where = a\\nb",
        ),
        (Finding("lost", {"amount": 3}), [], "lost: amount = 3"),
        (Finding("new"), [], "new: no further facts"),
    ],
    ids=lambda value: value.code if isinstance(value, Finding) else None,
)
def test_the_words_of_every_finding(finding: Finding, rows, text: str) -> None:  # type: ignore[no-untyped-def]
    """Each code says what was expected, what was found and where."""
    assert said(finding, *rows, candidate_floor=0.4995) == text


def test_scores_of_a_budget_are_those_of_what_the_reference_deploys() -> None:
    """And those that only the candidate deploys have a sentence of their own."""
    below = {"kind": "borderline", "reference_score": 0.45, "score_within": False}
    rows = [pair(), pair(candidate_score=0.8, score_within=False)]
    rows += [pair(**below, candidate_score=score) for score in (0.58, 0.61)]
    one = image("a.png", *rows, findings=())
    scene = of_runtime(runtime("x", one, tolerance="int8"), CLASSES)
    share = {"share": True, "allowed": 0.05}
    assert sentence(Finding("score", share | {"count": 1, "total": 2}), scene) == (
        "score: 1 of 2 pairs that the reference deploys (50 %, allowed 5 % (1 of 2)) whose scores "
        f"differ by more than 0.05; the worst by 0.100: bolt at {AT} in a.png"
    )
    assert sentence(Finding("risen", share | {"count": 2, "total": 4}), scene) == (
        "risen: 2 of 4 detections of the candidate (50 %, allowed 5 % (1 of 4)) have risen from "
        "below the reference's threshold by more than 0.05; the worst by 0.160: "
        f"bolt at {AT} in a.png"
    )


def test_ties_are_in_no_sentence() -> None:
    """The worst pair is one that is judged."""
    tied = pair(reason="tie", iou=0.6, corner=30.0, box_within=False)
    finding = Finding("box", {"count": 1})
    assert said(finding, tied, pair(iou=0.9, corner=3.0, box_within=False)).startswith(
        "box: 1 of 1 pair beyond the box limit, none allowed"
    )


def test_a_finding_over_all_images_says_its_share_and_the_image() -> None:
    """A budget's finding tells the share, what was allowed, and which image has the worst."""
    one = image("images/003.png", lost(), findings=())
    finding = Finding("lost", {"count": 1, "total": 99, "allowed": 0.01, "share": True})
    assert sentence(finding, of_runtime(runtime("x", one, tolerance="int8"), CLASSES)) == (
        "lost: 1 of 99 detections of the reference (1.01 %, allowed 1 % (1 of 99)) without a "
        f"partner in the candidate; the surest scores 0.830: nut at {AT} in images/003.png"
    )


def test_where_to_look_is_said_once() -> None:
    """Five findings of one code give one advice."""
    assert advice([Finding("no-image")] * 5) == ("see why each image could not be judged",)


def test_what_two_codes_advise_alike_is_said_once() -> None:
    """A group that is gone here has appeared there."""
    both = advice([Finding("vanished"), Finding("appeared")])
    assert both == advice([Finding("vanished")]) == advice([Finding("appeared")])
    assert len(advice([Finding("vanished"), Finding("no-image")])) == 2
