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
from parity.report.messages.message import budget_lines, codes, image_message, runtime_message


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


def test_ties_are_counted_and_come_last() -> None:
    """They are no pairs that are judged, and a row says what it is."""
    tied = pair(reason="tie", iou=0.7, corner=20.0, box_within=False)
    one = image("a.png", pair(), lost(reason="tie"), tied, extra())
    told = image_message(one, runtime("onnx", one), CLASSES)
    assert (
        "3 detections of the reference, 3 of the candidate: 1 pair, 1 within every limit; 2 ties "
        "of NMS, top-k or threshold"
    ) in " ".join(told.split())
    table = [line.split("  ")[1] for line in told.splitlines()[-3:]]
    assert table == ["extra", "pair: tie", "lost: tie"]


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
        image("images/009.png", *[pair()] * 20, *(lost(s, 0) for s in (0.7, 0.8, 0.6)), findings=())
    )
    record = runtime("phone", *images, tolerance="int8", hints=("a hint",))
    assert runtime_message(record, CLASSES) == dedent("""\
        phone disagrees with the native reference over 10 images (tolerance int8)
          box differs    0 of 200 (0 %), allowed 5 % → 0 % of the budget
          score differs  0 of 200 (0 %), allowed 5 % → 0 % of the budget
          score risen    0 of 200 (0 %), allowed 5 % → 0 % of the budget
          lost           3 of 203 (1.5 %), allowed 1 % → 148 % of the budget  << too many
          extra          0 of 200 (0 %), allowed 1 % → 0 % of the budget
          other class    0 of 200 (0 %), allowed 1 % → 0 % of the budget
          excused        0 of 403 (0 %), allowed 1 % → 0 % of the budget
          unjudgeable    0 of 403 (0 %), allowed 1 % → 0 % of the budget

          lost: 3 of 203 detections of the reference (1.5 %, allowed 1 %) without a partner in the candidate; the surest
              scores 0.800: bolt at [10.0,20.0,50.0,60.0] in images/009.png

          what  class  score       Δscore  IoU  1-IoU  corner px  box (x1 y1 x2 y2)    image
          lost  bolt   0.8000 → -                                 10.0 20.0 50.0 60.0  images/009.png
          lost  bolt   0.7000 → -                                 10.0 20.0 50.0 60.0  images/009.png
          lost  bolt   0.6000 → -                                 10.0 20.0 50.0 60.0  images/009.png

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


def test_thresholds_are_those_of_the_image_that_is_spoken_of() -> None:
    """A candidate that deploys from a higher score is told with both thresholds."""
    one = image("a.png", lost(reason="threshold"), candidate_threshold=0.7)
    text = image_message(one, runtime("onnx", one), CLASSES)
    assert "1 of them the\n      candidate sees below its own score threshold (0.7," in text


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
