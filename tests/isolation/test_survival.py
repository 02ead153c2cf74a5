"""Whatever a runtime does to its process is that runtime's error and nobody else's."""

from __future__ import annotations

from pathlib import Path

import apart_suites
import pytest

import parity
from parity.record import RuntimeRecord, SuiteRecord

FAULTS = {
    "segfault": ("segfault", "crashed with signal 11 (SIGSEGV) while it ran an image."),
    "killed": ("killed", "was killed (SIGKILL: by hand, or by a system that was out of memory)"),
    "hangs": ("hangs; timeout = 0.5", "expected an image within 0.5 s, found none"),
    "native": ("hangs_in_native_code; timeout = 0.5", "expected an image within 0.5 s, found none"),
    "memory": ('allocates; memory_limit = "256MiB"', "expected at most memory_limit = 256 MiB"),
    "exits": ("exits", "ended by itself with exit code 3 while it ran an image."),
    "leaves": ("leaves", "raised while it ran: SystemExit: 4"),
    "pipe": ("breaks_the_pipe", "expected an answer, found that its process"),
    "garbage": ("writes_garbage", "sent something that is no answer"),
    "child": ("leaves_a_child", "ended by itself with exit code 5 while it ran an image."),
}
TIMES = [1, pytest.param(20, marks=pytest.mark.slow)]


def judged(folder: Path, **runtimes: str) -> SuiteRecord:
    """The record of a suite whose reference, and one candidate before and behind, are healthy."""
    more = {"first": "healthy", **runtimes, "last": "healthy; isolated = true"}
    return parity.check(apart_suites.write(folder, **more))


def one(record: SuiteRecord, name: str) -> RuntimeRecord:
    return next(runtime for runtime in record.runtimes if runtime.name == name)


def results(record: SuiteRecord, name: str) -> list[tuple[object, ...]]:
    """What was found of a runtime, without what differs from run to run."""
    return [
        (image.image, image.verdict, image.findings, image.heads, image.failure)
        for image in one(record, name).images
    ]


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_runtimes_error(tmp_path: Path, fault: str, times: int) -> None:
    """It says what happened; the results of the others equal those of a run without it."""
    table, says = FAULTS[fault]
    table = table if ";" in table else f"{table}; isolated = true"
    clean = judged(tmp_path / "clean")
    for number in range(times):
        record = judged(tmp_path / str(number), faulty=table)
        faulty = one(record, "faulty")
        assert faulty.verdict == "error"
        messages = {image.failure.message for image in faulty.images if image.failure is not None}
        assert len(faulty.images) == 2
        assert len(messages) == 1, "the second image fails for the same reason"
        assert says in messages.pop()
        for name in ("first", "last"):
            assert one(record, name).verdict == "pass"
            assert results(record, name) == results(clean, name)


def test_the_last_lines_are_shown(tmp_path: Path) -> None:
    """What it wrote to stdout or stderr before it died stands below the message."""
    record = judged(
        tmp_path,
        exits="exits; isolated = true",
        hangs="hangs; timeout = 0.5",
        segfault="segfault; isolated = true",
    )
    failure = one(record, "exits").images[0].failure
    assert failure is not None
    assert failure.message == (
        "exits: expected an answer, found that its process ended by itself with exit code 3 while "
        "it ran an image. The last lines that it wrote:\n  licence expired"
    )
    failure = one(record, "hangs").images[0].failure
    assert failure is not None
    assert failure.message == (
        "hangs: expected an image within 0.5 s, found none: its process was stopped while it ran "
        "an image. The last lines that it wrote:\n  waiting for the accelerator"
    )
    failure = one(record, "segfault").images[0].failure
    assert failure is not None
    assert "\n  about to read where nothing is\n" in failure.message
    assert "in segfault\n" in failure.message, "the stack of the crash"


def test_noise_is_no_fault(tmp_path: Path) -> None:
    """Megabytes on stdout and stderr, lines that look like answers too, change nothing."""
    record = judged(tmp_path, noisy="noisy; isolated = true")
    assert one(record, "noisy").verdict == "pass"
    assert results(record, "noisy") == results(record, "first")


def test_an_image_before_the_crash_keeps_its_verdict(tmp_path: Path) -> None:
    """Only what was not judged is an error."""
    record = judged(tmp_path, later="later; isolated = true")
    assert [image.verdict for image in one(record, "later").images] == ["pass", "error"]


def test_what_it_raises_is_worded_as_in_process(tmp_path: Path) -> None:
    """An exception is no crash: the same words, and the next image is tried."""
    record = judged(tmp_path, here="raises", apart="raises; isolated = true")
    for name in ("here", "apart"):
        failures = [image.failure for image in one(record, name).images]
        assert [failure.message for failure in failures if failure is not None] == [
            f"{name}: raised while it ran: RuntimeError: the accelerator fell off"
        ] * 2


def test_a_limit_that_is_kept_changes_nothing(tmp_path: Path) -> None:
    """A healthy runtime within its time and memory passes."""
    record = judged(tmp_path, fine='healthy; timeout = 30\nmemory_limit = "1GiB"')
    assert one(record, "fine").verdict == "pass"
    assert results(record, "fine") == results(record, "first")


def test_memory_that_processes_share_counts_once(tmp_path: Path) -> None:
    """A child that was forked has little of its own, and one between fork and exec nothing."""
    record = judged(tmp_path, fine='starts_many; memory_limit = "300MiB"')
    assert one(record, "fine").verdict == "pass"


def test_a_copy_that_was_forked_answers_nothing(tmp_path: Path) -> None:
    """One process is asked, so one answers; what else runs is a copy by mistake."""
    record = judged(tmp_path, twice="doubles; isolated = true")
    assert one(record, "twice").verdict == "pass"
    assert results(record, "twice") == results(record, "first")


def test_what_one_runtime_does_to_its_input_reaches_no_other(tmp_path: Path) -> None:
    """The same image is fed to all; each may write over its own."""
    record = judged(tmp_path, bad="overwrites", behind="sees; isolated = true")
    alone = judged(tmp_path / "alone", behind="sees; isolated = true")
    assert one(record, "bad").verdict == "pass"
    assert results(record, "behind") == results(alone, "behind")


@pytest.mark.parametrize(("more", "dtype"), [("", "object"), ("; isolated = true", "<U18")])
def test_heads_that_are_no_numbers(tmp_path: Path, more: str, dtype: str) -> None:
    """They are named with what they are bound to."""
    record = judged(tmp_path, words=f"texts{more}")
    failure = one(record, "words").images[0].failure
    assert failure is not None
    assert failure.message == (
        f"words: expected numbers in the output 'scores', which is bound to scores, found {dtype}"
    )


def test_an_exit_in_this_process_is_that_runtimes_error(tmp_path: Path) -> None:
    """A factory or network that calls sys.exit ends nobody else's run."""
    record = judged(tmp_path, here="leaves")
    assert [image.failure.message for image in one(record, "here").images if image.failure] == [
        "here: raised while it ran: SystemExit: 4"
    ] * 2
    assert one(record, "last").verdict == "pass"


def test_a_limit_below_what_opening_takes_is_said(tmp_path: Path) -> None:
    """Python and numpy alone do not fit; the runtime is an error, not the run."""
    record = judged(tmp_path, small='healthy; memory_limit = "1MiB"')
    failure = one(record, "small").failure
    assert failure is not None
    assert "expected at most memory_limit = 1 MiB, found" in failure.message
    assert one(record, "last").verdict == "pass"


def test_a_reference_that_crashes_is_named(tmp_path: Path) -> None:
    """Nothing can be judged against it, and every candidate says so."""
    folder = apart_suites.write(tmp_path, onnx="healthy")
    path = folder / "parity.toml"
    path.write_text(path.read_text().replace("faulty:healthy", "faulty:segfault", 1))
    path.write_text(path.read_text().replace("[runtimes.onnx]", "isolated = true\n[runtimes.onnx]"))
    record = parity.check(folder)
    failure = one(record, "onnx").images[0].failure
    assert failure is not None
    assert failure.kind == "NotJudged"
    assert "native: expected an answer, found that its process crashed with" in failure.message
