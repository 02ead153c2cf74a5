"""Which records are partial, and in which words: decided once, for every report."""

from __future__ import annotations

from typing import Any

import pytest
from report_records import image, lost, pair, reference, runtime, suite

from parity.errors import LostTest, UsageError
from parity.record import Failure, RuntimeRecord, SuiteRecord, document, document_data
from parity.record.completeness import Gap, Scope
from parity.report.suite.overview import closing, headline
from parity.report.suite.summary import summary_md

IMAGES = ("a.png", "b.png", "c.png", "d.png", "e.png")
NONE: dict[str, Any] = {"images": (), "budget": None, "statistics": None}
MISSING = Failure("RuntimeMissing", "phone: not installed", 3)
LOST = Failure.of(LostTest("onnx", "b.png ended without a verdict: worker 'gw0' crashed"))


def judged(name: str = "onnx", images: tuple[str, ...] = IMAGES, **changes: Any) -> RuntimeRecord:
    """A candidate that agrees on these images."""
    return runtime(name, *[image(one, pair()) for one in images], **changes)


def record(*runtimes: RuntimeRecord, scope: Scope | None = None, **changes: Any) -> Any:
    """A run of a suite of five images and the runtimes onnx and phone."""
    asked = Scope(("onnx", "phone")) if scope is None else scope
    return suite(*runtimes, **({"images": list(IMAGES), "scope": asked} | changes))


WHOLE = (judged(), judged("phone"))
SKIPPED = runtime("phone", verdict="skipped", failure=MISSING, **NONE)


def test_every_runtime_on_every_image_is_complete() -> None:
    """The healthy twin: a pass of the whole."""
    found = record(*WHOLE)
    assert (found.verdict, found.partial, found.not_judged, closing(found)) == (
        *("pass", False, ()),
        "",
    )


CASES: dict[str, tuple[tuple[RuntimeRecord, ...], Gap, str]] = {
    "a runtime": ((judged(),), Gap("phone", IMAGES, "left out"), "phone"),
    "not installed": (
        (judged(), SKIPPED),
        Gap("phone", IMAGES, "not installed"),
        "phone (not installed)",
    ),
    "an image": (
        (judged(images=IMAGES[1:], budget=None), WHOLE[1]),
        Gap("onnx", IMAGES[:1], "left out"),
        "onnx on a.png",
    ),
    "some images": (
        (judged(images=IMAGES[:1], budget=None), WHOLE[1]),
        Gap("onnx", IMAGES[1:], "left out"),
        "onnx on 4 of 5 images",
    ),
    "all together": (
        (judged(budget=None), WHOLE[1]),
        Gap("onnx", (), "left out"),
        "onnx over all images together",
    ),
    "lost": (
        (judged(images=IMAGES[:3], budget=None, verdict="error", failure=LOST), WHOLE[1]),
        Gap("onnx", IMAGES[3:], "lost"),
        "onnx on d.png, e.png (test lost)",
    ),
    "lost whole": (
        (runtime("onnx", verdict="error", failure=LOST, **NONE), WHOLE[1]),
        Gap("onnx", IMAGES, "lost"),
        "onnx (test lost)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_has_no_verdict_is_a_gap(name: str) -> None:
    """Named with what is missing and why, and the suite has no pass."""
    runtimes, gap, words = CASES[name]
    found = record(*runtimes)
    assert found.not_judged == (gap,)
    assert found.partial
    assert found.verdict in ("partial", "error")
    assert closing(found).endswith(f": not judged: {words}")


def test_a_runtime_that_could_not_be_run_was_asked_for_and_is_no_gap() -> None:
    """Its verdict, error, is one of the whole."""
    broken = runtime("onnx", verdict="error", failure=Failure("RunError", "onnx: x", 3), **NONE)
    found = record(broken, WHOLE[1])
    assert (found.verdict, found.partial) == ("error", False)


def test_the_drift_of_a_reference_is_a_part_of_the_whole() -> None:
    """Unless its golden stood in for it: then there is nothing that could drift."""
    scope = Scope(("keras", "onnx"))
    found = record(reference(), judged(), scope=scope)
    native = record(judged(), scope=scope)
    golden = record(judged(against="golden"), scope=scope, reference_source="golden")
    assert native.not_judged == (Gap("keras", IMAGES, "left out"),)
    assert closing(native) == "parts-ssd: partial: not judged: keras (its drift)"
    assert not golden.partial
    assert found.partial


def test_a_failure_in_part_is_a_failure() -> None:
    """What was left out makes nothing better, and nothing worse."""
    failed = runtime("onnx", *[image(one, lost()) for one in IMAGES])
    found = record(failed)
    assert (found.verdict, found.exit_code) == ("fail", 1)
    assert headline(found).startswith("parts-ssd: fail, partial (1 fail) against keras")
    assert closing(found) == "parts-ssd: fail, partial: not judged: phone"


@pytest.mark.parametrize(("stopped", "code"), [("", 0), ("interrupted", 3)])
def test_a_part_that_was_asked_for_holds_and_one_that_was_stopped_decides_nothing(
    stopped: str, code: int
) -> None:
    """The exit code says whether all that was asked for holds."""
    found = record(judged(), scope=Scope(("onnx", "phone"), (), stopped))
    assert (found.verdict, found.exit_code) == ("partial", code)


def test_a_run_that_was_stopped_after_the_suite_was_done_is_complete() -> None:
    """What else was to come is not this suite's."""
    found = record(*WHOLE, scope=Scope(("onnx", "phone"), (), "interrupted"))
    assert (found.verdict, found.exit_code) == ("pass", 0)


def test_the_last_line_says_by_which_selection() -> None:
    """Selections first, then what stopped the run."""
    scope = Scope(("onnx", "phone"), ("only onnx asked for", "-k fast"), "interrupted")
    assert closing(record(judged(), scope=scope)) == (
        "parts-ssd: partial (only onnx asked for, -k fast, interrupted): not judged: phone"
    )


def test_the_summary_says_it_below_its_first_line() -> None:
    """Where whoever reads the page of a CI job looks first."""
    lines = summary_md(record(judged(), scope=Scope(("onnx", "phone"), ("-k onnx",)))).splitlines()
    assert lines[0] == "# parts-ssd: partial (1 pass) against keras (native), 5 images"
    assert lines[2].replace("&#58;", ":") == ("parts-ssd: partial (-k onnx): not judged: phone")


def test_many_runtimes_stay_one_line() -> None:
    """results.json has all of them."""
    scope = Scope(tuple(f"r{i}" for i in range(20)))
    found = record(judged("r0"), scope=scope)
    assert closing(found).endswith("; r7; r8; and 11 more")
    assert len(found.not_judged) == 19


def test_names_from_files_cannot_break_the_line() -> None:
    """A selection and an image may hold anything."""
    scope = Scope(("onnx", "phone"), ("-k 'a\nb\x1b'",))
    assert closing(record(judged(), scope=scope)) == (
        "parts-ssd: partial (-k 'a\\nb\\x1b'): not judged: phone"
    )


def test_results_say_it_first_and_read_back() -> None:
    """A script reads verdict, exit code and what is missing before anything else."""
    found = record(judged(), scope=Scope(("onnx", "phone"), ("-k onnx",)))
    data = document_data(found)
    assert list(data)[:5] == ["format", "verdict", "exit_code", "partial", "not_judged"]
    assert data["not_judged"] == [{"runtime": "phone", "images": list(IMAGES), "why": "left out"}]
    assert document_data(document(SuiteRecord, data)) == data


def test_results_of_the_format_before_are_refused_by_their_number() -> None:
    """They called a part a pass: nobody reads them as if they did not."""
    old = document_data(record(*WHOLE)) | {"format": 1}
    with pytest.raises(UsageError, match="expected results of format 2, found 1: read them with"):
        document(SuiteRecord, old)
