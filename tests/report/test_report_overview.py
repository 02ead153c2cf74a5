"""The table of a suite, for a terminal and for a pipe."""

from textwrap import dedent

import pytest
from report_records import extra, image, lost, pair, reference, runtime, suite

from parity.record import Failure, ImageRecord
from parity.report.suite import terminal
from parity.report.text import width

MISSING = Failure("RuntimeMissing", "phone: onnxruntime is not installed", 3)


def passing(name: str = "onnx"):  # type: ignore[no-untyped-def]
    """A candidate that agrees."""
    return runtime(name, image("a.png", pair(candidate_score=0.9000031, iou=1 - 3.1e-06)))


def test_a_suite_that_holds() -> None:
    """Verdict first, then one row a runtime, small numbers readable."""
    assert terminal.overview(suite(reference(), passing()), 160) == dedent("""\
        parts-ssd: pass (1 pass) against keras (native), 1 image

        runtime            verdict  tolerance  images  pairs  lost  extra  border  flips  1-IoU    p50     p95     max  |Δscore| p50     p95     max  ms/image
        keras (reference)  -
        onnx               pass     float32         1      1     0      0       0      0       3.1e-06 3.1e-06 3.1e-06       3.1e-06 3.1e-06 3.1e-06      12.5
        """)  # noqa: E501


def test_a_narrow_terminal_gets_the_columns_in_blocks() -> None:
    """No line of the table is wider than the terminal, and each block names the runtimes."""
    record = suite(reference(), passing(), passing("tflite_int8"))
    text = terminal.overview(record, 80)
    assert max(width(line) for line in text.splitlines()) <= 80
    assert text.count("\ntflite_int8") == text.count("\nruntime") == 3


@pytest.mark.parametrize("wide", [10, 60, 80, 120, 400])
def test_every_width_shows_every_column(wide: int) -> None:
    """A column is moved, never dropped."""
    text = terminal.overview(suite(reference(), passing()), wide)
    for header in ("verdict", "tolerance", "lost", "flips", "1-IoU", "|Δscore|", "ms/image"):
        assert header in text


def test_the_same_record_always_gives_the_same_text() -> None:
    """Plain text has no colours and does not depend on the terminal."""
    record = suite(reference(), passing())
    assert terminal.overview(record) == terminal.overview(record)
    assert "\x1b" not in terminal.overview(record)


def test_colours_change_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal rich colours what plain text says too."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = suite(reference(), runtime("onnx", image("a.png", lost())))
    text = terminal.overview(record, 120, color=True)
    assert "\x1b[1;31mfail" in text


def test_names_are_not_taken_for_markup() -> None:
    """[red] in a name is printed as it is."""
    record = suite(reference(), passing("[red]x"), detector="[bold]d")
    text = terminal.overview(record, 200, color=True)
    assert "[red]x" in text
    assert "[bold]d" in text


def test_skipped_and_broken_runtimes_say_why_below() -> None:
    """Neither is hidden: the row has the verdict, the reason follows."""
    broken = Failure("ArtifactError", "torch: expected a model file, found nothing.\nExport it.", 3)
    none = {"images": (), "budget": None, "statistics": None}
    record = suite(
        reference(),
        passing(),
        runtime("torch", verdict="error", failure=broken, **none),
        runtime("phone", verdict="skipped", failure=MISSING, **none),
    )
    text = terminal.overview(record)
    assert text.startswith(
        "parts-ssd: error, partial (1 pass, 1 error, 1 skipped) against keras (native)"
    )
    assert "\nphone              skipped  float32\n" in text
    assert text.endswith(
        "\n\nerror: torch: expected a model file, found nothing.\n  Export it.\n"
        "skipped: phone: onnxruntime is not installed\n"
    )


def test_images_that_could_not_be_judged_say_why_once() -> None:
    """The first image's reason, and how many more there are."""
    failure = Failure("RunError", "onnx: raised while it ran: x", 3)
    images = [ImageRecord(f"{name}.png", "error", failure=failure) for name in "abc"]
    text = terminal.overview(suite(reference(), runtime("onnx", *images)))
    assert text.endswith("\nerror on a.png (and 2 more images): onnx: raised while it ran: x\n")


def test_a_suite_in_which_nothing_was_judged() -> None:
    """The suite's own failure is told."""
    failure = Failure("RuntimeFailure", "parts-ssd: expected a candidate to judge, found none", 3)
    none = {"images": (), "budget": None, "statistics": None}
    skipped = runtime("phone", verdict="skipped", failure=MISSING, **none)
    text = terminal.overview(suite(reference(), skipped, failure=failure))
    assert text.startswith(
        "parts-ssd: error, partial (1 skipped) against keras (native), 0 images\n"
    )
    assert "\nerror: parts-ssd: expected a candidate to judge, found none\n" in text


def test_a_golden_in_the_place_of_the_reference() -> None:
    """The reference's row and the headline say that recorded results stood in."""
    text = terminal.overview(suite(reference(), passing(), reference_source="golden"))
    assert "against keras (golden: recorded results stand in for it), 1 image" in text
    assert "\nkeras (reference)  golden\n" in text


def test_a_reference_that_was_judged_against_its_golden() -> None:
    """Its verdict is its own, and what it was judged by is said."""
    ours = runtime("keras", image("a.png", pair()), role="reference", against="golden")
    text = terminal.overview(suite(ours, passing()))
    assert "\nkeras (reference)  pass     float32 " in text
    assert text.endswith("\nkeras was judged against its own golden\n")


def test_excused_and_unjudgeable_have_columns_only_where_there_are_any() -> None:
    """A column of nothing but 0 that is rarely otherwise is left out."""
    assert "unjudgeable" not in terminal.overview(suite(reference(), passing()))
    hidden = runtime("onnx", image("a.png", lost(reason="unjudgeable"), extra(reason="excused")))
    text = terminal.overview(suite(reference(), hidden))
    assert "excused" in text
    assert "unjudgeable" in text


def test_ties_have_a_column_and_are_no_pairs() -> None:
    """They are counted where there are any, and are neither lost nor within."""
    tied = runtime("onnx", image("a.png", pair(), lost(reason="tie"), extra(reason="tie")))
    assert " ties " in terminal.overview(suite(reference(), tied))
    assert tied.statistics is not None
    assert (tied.verdict, tied.statistics.pairs, tied.statistics.ties) == ("pass", 1, 2)
    assert "ties" not in terminal.overview(suite(reference(), passing()))


def test_a_budget_that_is_not_proven_says_how_many_images_would_prove_it() -> None:
    """No miss in 20 detections says little of 1 %; in 400 it is proven, and nothing is said."""
    few = runtime("phone", image("a.png", *[pair()] * 20), tolerance="int8")
    assert terminal.overview(suite(reference(), few)).endswith(
        "\nphone passes, not proven: 14 more images like these, without another miss, would prove "
        "the budget of int8 with 95 % confidence\n"
    )
    many = runtime("phone", image("a.png", *[pair()] * 400), tolerance="int8")
    assert "proven" not in terminal.overview(suite(reference(), many))
    strict = runtime("onnx", image("a.png", *[pair()] * 20))
    assert "proven" not in terminal.overview(suite(reference(), strict))


def test_precision_is_shown_where_there_are_labels() -> None:
    """mAP of the reference and of the candidate, beside the agreement."""
    record = runtime("onnx", average_precision={"reference": 0.9123, "candidate": 0.8812})
    assert "0.9123 → 0.8812" in terminal.overview(suite(reference(), record))


def test_a_spread_never_crosses_its_limit() -> None:
    """A score difference of 0.001004 is not shown as 0.0010 where 0.001 is the limit."""
    rows = [pair(candidate_score=0.9 - 0.001004, score_within=False)]
    record = suite(reference(), runtime("onnx", image("a.png", *rows)))
    assert "0.001004 0.001004 0.001004" in terminal.overview(record, 160)


def test_failures_tell_the_runtime_and_its_first_images() -> None:
    """Below the table: each failed runtime's message, then the rows of two failed images."""
    failed = runtime("onnx", *[image(f"{name}.png", lost()) for name in "abc"])
    text = terminal.failures(suite(reference(), failed, passing("tflite")))
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [
        "onnx disagrees with the native reference over 3 images (tolerance float32)",
        "onnx on a.png disagrees with the native reference (tolerance float32)",
        "onnx on b.png disagrees with the native reference (tolerance float32)",
    ]


def test_no_failures_no_text() -> None:
    """A suite that holds prints its table alone."""
    assert terminal.failures(suite(reference(), passing())) == ""


def test_wide_characters_keep_the_columns_aligned() -> None:
    """A name in Chinese takes two columns a character."""
    text = terminal.overview(suite(reference(), passing("螺栓"), passing("onnx")), 120)
    starts = {width(line[: line.index("pass")]) for line in text.splitlines()[2:] if "pass" in line}
    assert len(starts) == 1
