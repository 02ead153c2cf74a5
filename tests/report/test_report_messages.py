"""The messages, word by word."""

from textwrap import dedent

import pytest
from report_records import (
    BOX,
    CLASSES,
    agreement,
    extra,
    image,
    lost,
    pair,
    reference,
    runtime,
    shares,
)

from parity.agreement import Finding
from parity.record import Failure, ImageRecord
from parity.report.messages import budget_lines, codes, image_message, runtime_message
from parity.report.scene import of_image, of_runtime
from parity.report.wording import advice, sentence


def said(finding: Finding, *rows, **changes) -> str:  # type: ignore[no-untyped-def]
    """What is said of a finding on one image with these rows."""
    one = image("images/003.png", *rows, findings=(finding,), **changes)
    return sentence(finding, of_image(one, runtime("onnx", one), CLASSES))


def test_a_strict_failure_tells_counts_findings_rows_and_hints() -> None:
    """Headline, counts, one line a finding, the worst rows aligned, notes, hints."""
    one = image(
        "images/003.png",
        pair(),
        lost(),
        pair(candidate_score=0.8123, score_within=False),
        pair(iou=0.99899999, corner=0.10004, box_within=False, candidate_class=2),
    )
    record = runtime(
        "onnx",
        one,
        notes=("decode.nms_iou is declared as 0.5, the reference keras has 0.45",),
        hints=("fed BGR in the place of RGB: then 1 of the worst images agree",),
    )
    assert image_message(one, record, CLASSES) == dedent("""\
        onnx on images/003.png disagrees with the native reference (tolerance float32)
          4 detections of the reference, 3 of the candidate: 3 pairs, 1 within every limit
          lost: 1 of 4 detections of the reference without a partner in the candidate, none allowed; the surest scores
              0.830: nut at [10.0,20.0,50.0,60.0]
          class: 1 of 3 pairs with another class, none allowed; the surest scores 0.900: bolt at [10.0,20.0,50.0,60.0]
              became washer
          box: 1 of 3 pairs beyond the box limit, none allowed: expected IoU at least 0.999 or every corner within 0.1
              px of the network's input; the worst has IoU 0.99899999 and 0.10004 px: bolt at [10.0,20.0,50.0,60.0]
          score: 1 of 3 pairs whose scores differ by more than 0.001, none allowed; the worst by 0.0877: bolt at
              [10.0,20.0,50.0,60.0]

          what       class          score             Δscore         IoU       1-IoU  corner px  box (x1 y1 x2 y2)
          lost       nut            0.8300 → -                                                   10.0 20.0 50.0 60.0
          class+box  bolt → washer  0.9000 → 0.9000        0  0.99899999  0.00100001    0.10004  10.0 20.0 50.0 60.0
          score      bolt           0.9000 → 0.8123  -0.0877       1.000           0          0  10.0 20.0 50.0 60.0

          notes:
            decode.nms_iou is declared as 0.5, the reference keras has 0.45

          hints:
            fed BGR in the place of RGB: then 1 of the worst images agree""")  # noqa: E501


def test_the_worst_ten_rows_are_told_and_how_many_more() -> None:
    """A crowded image does not fill the screen."""
    one = image("images/003.png", *[lost(score=0.6 + i / 100) for i in range(13)])
    text = image_message(one, runtime("onnx", one), CLASSES)
    rows = [line for line in text.splitlines() if line.startswith("  lost  ")]
    assert [line.split()[2] for line in rows][:2] == ["0.7200", "0.7100"]
    assert len(rows) == 10
    assert text.splitlines()[-1] == "  and 3 more"


def test_rows_come_in_the_order_leftover_class_limits_excused() -> None:
    """What no limit can measure comes before what exceeds one; excused rows come last."""
    one = image(
        "images/003.png",
        lost(reason="excused"),
        pair(candidate_score=0.85, score_within=False),
        pair(candidate_score=0.80, score_within=False),
        pair(candidate_class=1),
        extra(reason="threshold"),
    )
    text = image_message(one, runtime("onnx", one), CLASSES)
    table = text[text.index("  what") :].splitlines()[1:6]
    assert [line[2:20].strip() for line in table] == [
        "extra: threshold",
        "class",
        "score",
        "score",
        "lost: excused",
    ]
    assert "-0.100" in table[2]


def test_an_image_that_could_not_be_judged() -> None:
    """The failure's own message, whole."""
    one = ImageRecord("images/003.png", "error", failure=Failure("RunError", "onnx: raised x", 3))
    assert image_message(one, runtime("onnx", one), CLASSES) == (
        "onnx on images/003.png could not be judged\n  onnx: raised x"
    )


def test_an_image_that_agrees() -> None:
    """A pass is one line."""
    one = image("images/003.png", pair())
    assert image_message(one, runtime("onnx", one), CLASSES) == (
        "onnx on images/003.png agrees with the native reference (tolerance float32)"
    )


@pytest.mark.parametrize(
    ("role", "against", "words"),
    [
        ("candidate", "native", "the native reference"),
        ("candidate", "golden", "the golden"),
        ("reference", "golden", "its own golden"),
    ],
)
def test_what_a_runtime_was_judged_against(role: str, against: str, words: str) -> None:
    """The headline says whether the reference ran or its golden stood in."""
    one = image("images/003.png", pair())
    record = runtime("onnx", one, role=role, against=against)
    assert f"agrees with {words} (" in image_message(one, record, CLASSES)


def test_one_pair_is_no_pairs() -> None:
    """Counts are words that fit: one detection, one pair."""
    one = image("a.png", pair(candidate_score=0.8, score_within=False))
    told = image_message(one, runtime("onnx", one), CLASSES).splitlines()
    assert told[1] == (
        "  1 detection of the reference, 1 of the candidate: 1 pair, 0 within every limit"
    )
    assert told[2].startswith("  score: 1 of 1 pair whose scores differ by more than 0.001, none")


@pytest.mark.parametrize("wide", [60, 80, 100])
def test_a_message_fits_where_it_is_shown(wide: int) -> None:
    """Sentences wrap between words, rows go on in a further line; figures stay whole."""
    one = image("a.png", lost(), pair(iou=0.99899999, corner=0.10004, box_within=False))
    record = runtime("onnx", one, notes=("so " * 60,), hints=("why " * 60,))
    for told in (
        image_message(one, record, CLASSES, wide=wide),
        runtime_message(record, CLASSES, wide=wide),
    ):
        assert max(map(len, told.splitlines())) <= wide
    told = image_message(one, record, CLASSES, wide=wide)
    for figure in ("0.99899999", "0.10004", "0.8300 → -", "10.0 20.0 50.0 60.0"):
        assert figure in told


def test_a_broken_budget_tells_every_limit_and_the_worst_rows() -> None:
    """`all-images` says for each limit how much was used, then what was found where."""
    images = [image(f"images/{i:03}.png", *[pair()] * 20, findings=()) for i in range(9)]
    images.append(
        image("images/009.png", *[pair()] * 20, lost(0.7), lost(0.8), lost(0.6), findings=())
    )
    record = runtime("phone", *images, tolerance="int8", hints=("a hint",))
    assert runtime_message(record, CLASSES) == dedent("""\
        phone disagrees with the native reference over 10 images (tolerance int8)
          box differs    0 of 200 (0 %), allowed 5 % → 0 % of the budget
          score differs  0 of 200 (0 %), allowed 5 % → 0 % of the budget
          lost           3 of 203 (1.5 %), allowed 1 % → 148 % of the budget  << too many
          extra          0 of 200 (0 %), allowed 1 % → 0 % of the budget
          other class    0 of 200 (0 %), allowed 1 % → 0 % of the budget
          excused        0 of 403 (0 %), allowed 1 % → 0 % of the budget
          unjudgeable    0 of 403 (0 %), allowed 1 % → 0 % of the budget

          lost: 3 of 203 detections of the reference (1.5 %, allowed 1 %) without a partner in the candidate; the surest
              scores 0.800: nut at [10.0,20.0,50.0,60.0] in images/009.png

          what  class  score       Δscore  IoU  1-IoU  corner px  box (x1 y1 x2 y2)    image
          lost  nut    0.8000 → -                                 10.0 20.0 50.0 60.0  images/009.png
          lost  nut    0.7000 → -                                 10.0 20.0 50.0 60.0  images/009.png
          lost  nut    0.6000 → -                                 10.0 20.0 50.0 60.0  images/009.png

          hints:
            a hint""")  # noqa: E501


def test_a_runtime_lists_the_images_that_did_not_pass() -> None:
    """Each failed image with its findings in short, at most ten of them."""
    images = [image(f"images/{i:03}.png", lost(), lost(), extra()) for i in range(11)]
    broken = ImageRecord("images/011.png", "error", failure=Failure("RunError", "onnx: no", 3))
    text = runtime_message(runtime("onnx", broken, *images), CLASSES)
    assert (
        "\n\n  on the 11 of 12 images that could be judged, which decide nothing alone:\n" in text
    )
    assert text.startswith("onnx could not be judged on every image against the native reference")
    assert (
        "  12 of 12 images did not pass:\n"
        "    images/011.png: could not be judged: onnx: no\n"
        "    images/000.png: lost 2, extra 1\n"
    ) in text
    assert "    and 2 more" in text


def test_one_reason_for_many_images_is_told_once() -> None:
    """Messages that differ only in what was seen on their image are one reason."""
    broken = [
        ImageRecord(
            f"images/{n:03d}.png",
            "error",
            failure=Failure("HeadsError", f"onnx: expected 1 output\nseen: {n}", 3),
        )
        for n in range(3)
    ]
    failed = image("images/009.png", lost())
    text = runtime_message(runtime("onnx", *broken, failed, verdict="error"), CLASSES)
    assert (
        "    images/000.png (and 2 more): could not be judged: onnx: expected 1 output\n"
        "      seen: 0\n"
        "    images/009.png: lost 1"
    ) in text


@pytest.mark.parametrize(
    ("verdict", "words"), [("skipped", "was skipped"), ("error", "could not be judged")]
)
def test_a_runtime_without_a_verdict(verdict: str, words: str) -> None:
    """The reason is the failure's message, each of its lines."""
    failure = Failure("RuntimeMissing", "onnx: not installed\n  pip install onnxruntime", 3)
    record = runtime("onnx", verdict=verdict, failure=failure)
    assert runtime_message(record, CLASSES) == (
        f"onnx {words}\n  onnx: not installed\n    pip install onnxruntime"
    )


def test_a_reference_without_a_golden() -> None:
    """It is not called a pass."""
    assert runtime_message(reference(), CLASSES) == "keras is the reference and was not judged"


def test_budget_lines_of_a_strict_tolerance() -> None:
    """Where nothing is allowed there is no budget to use."""
    found = shares(("lost", 3, 412, 0.0), ("extra", 0, 409, 0.0), ("new-limit", 0, 0, 0.0))
    assert budget_lines(found.shares) == [
        "lost       3 of 412 (0.73 %), none allowed  << too many",
        "extra      0 of 409 (0 %), none allowed",
        "new-limit  0 of 0, none allowed",
    ]


def test_findings_in_short() -> None:
    """Counts of one code add up; a code without a count stands alone."""
    found = [Finding("lost", {"count": 2}), Finding("bias"), Finding("lost", {"count": 1})]
    assert codes(found) == "lost 3, bias"


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
            "excused: 1 of 3 detections of both sides were found by the other side too, but "
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
            Finding("class-vanished", {"class": 1, "lost": 5, "total": 8}),
            [],
            "class-vanished: nut: 5 of 8 detections of the reference lost, well below the "
            "threshold or of another class; no budget covers half of a class",
        ),
        (
            Finding("bias", {"side": "x1", "median": -1.0004, "pairs": 40, "allowed": 1.0}),
            [],
            "bias: x1 of the boxes is off by -1.0004 px of the network's input in the median of 40 "
            "pairs, allowed 1 px either way; no budget covers a shift that the boxes share",
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
            "more than one quantisation step (0.0039), found 0 everywhere",
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


def test_a_finding_over_all_images_says_its_share_and_the_image() -> None:
    """A budget's finding tells the share, what was allowed, and which image has the worst."""
    one = image("images/003.png", lost(), findings=())
    finding = Finding("lost", {"count": 1, "total": 99, "allowed": 0.01, "share": True})
    assert sentence(finding, of_runtime(runtime("x", one, tolerance="int8"), CLASSES)) == (
        "lost: 1 of 99 detections of the reference (1.01 %, allowed 1 % (0 of 99)) without a "
        f"partner in the candidate; the surest scores 0.830: nut at {AT} in images/003.png"
    )


def test_thresholds_are_those_of_the_image_that_is_spoken_of() -> None:
    """A candidate that deploys from a higher score is told with both thresholds."""
    one = image("a.png", lost(reason="threshold"), candidate_threshold=0.7)
    text = image_message(one, runtime("onnx", one), CLASSES)
    assert "1 of them the\n      candidate sees below its own score threshold (0.7," in text


def test_where_to_look_is_said_once() -> None:
    """Five findings of one code give one advice."""
    assert advice([Finding("no-image")] * 5) == ("see why each image could not be judged",)


def test_names_from_files_cannot_break_a_message() -> None:
    """Newlines, escape sequences and invisible characters of names are shown as escapes."""
    one = image("a\n\x1b[31mb\u202e.png", lost())
    text = image_message(one, runtime("onnx", one), ("x", "nut\nPASSED", "y"))
    assert "\x1b" not in text
    assert text.splitlines()[0].startswith("onnx on a\\n\\x1b[31mb\\u202e.png disagrees")
    assert "nut\\nPASSED" in text


def test_boxes_never_print_a_negative_zero() -> None:
    """-0.04 px is 0.0, not -0.0."""
    one = image("a.png", pair(candidate_class=1, reference_box=(-0.04, *BOX[1:])))
    assert " 0.0 20.0 50.0 60.0" in image_message(one, runtime("onnx", one), CLASSES)


def test_an_image_without_detections_to_compare() -> None:
    """Where the heads are not finite, nothing is said of detections."""
    finding = Finding(
        "nonfinite", {"head": "s", "side": "candidate", "count": 1, "total": 2, "nan": 1}
    )
    one = ImageRecord("a.png", "fail", (finding,))
    assert "  no detections were compared\n" in image_message(one, runtime("o", one), CLASSES)


def test_the_factories_agree_with_the_judge() -> None:
    """The records of these tests carry the findings that the judge would make of their rows."""
    found = agreement(pair(), lost()).findings
    assert found == (Finding("lost", {"count": 1}),)
