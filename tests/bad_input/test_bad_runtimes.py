"""A runtime misbehaves while it runs: its own verdict, and every other result kept."""

from pathlib import Path

import pytest
from spoiling import bound, check, check_in_a_process, runtime, write_suite

Capture = pytest.CaptureFixture[str]

INPUTS = {
    "another size": (
        [1, 12, 12, 3],
        "input image: expected (1, 12, 12, 3), found (1, 10, 10, 3)",
    ),
    "four channels": (
        [1, 10, 10, 4],
        "input image: expected an input of 3 channels, (1, 3, H, W) or",
    ),
    "one channel": (
        [1, 1, 10, 10],
        "input image: expected an input of 3 channels, (1, 3, H, W) or",
    ),
    "three dimensions": ([10, 10, 3], "input image: expected an input of 4 dimensions, found"),
    "a batch of 8": (
        [8, 10, 10, 3],
        "input image: expected (8, 10, 10, 3), found (1, 10, 10, 3); images are run one at",
    ),
}


@pytest.mark.parametrize("case", INPUTS)
def test_an_input_that_the_image_does_not_fit(tmp_path: Path, capfd: Capture, case: str) -> None:
    """Exit code 3 with both shapes; nothing is resized, padded or broadcast."""
    shape, sentence = INPUTS[case]
    found = check(write_suite(tmp_path / "s", runtime("bad", shape=shape)), capfd)
    assert found.code == 3
    assert f"bad: {sentence}" in found.out
    assert (found.verdict("good"), found.images("bad")) == ("pass", ["error"] * 3)


HEADS = {
    "ambiguous": "bad: no output fits the shapes of the heads the outputs are 0: 'a' (1, 3, 2)",
    "nothing": "bad: expected 2 outputs (boxes, scores), found 0",
    "text": "bad: ",
}


@pytest.mark.parametrize("function", HEADS)
def test_heads_that_cannot_be_bound_are_listed(
    tmp_path: Path, capfd: Capture, function: str
) -> None:
    """Exit code 3, and the line that would say which is which."""
    found = check(write_suite(tmp_path / "s", runtime("bad", function)), capfd)
    assert found.code == 3
    assert HEADS[function] in found.out
    assert 'outputs = { boxes = "...", scores = "..." }' in found.out
    assert found.verdict("good") == "pass"


def test_heads_of_one_shape_are_ambiguous(tmp_path: Path, capfd: Capture) -> None:
    """Four classes look like four coordinates: both choices are listed, neither is taken."""
    tables = bound("said", "four"), bound("also", "four"), runtime("bad", "four")
    classes = ["bolt", "nut", "gear", "washer"]
    folder = write_suite(tmp_path / "s", *tables, reference="said", classes=classes)
    found = check(folder, capfd, "--runtimes", "also,bad")
    assert found.code == 3
    assert (
        "bad: more than one output fits the shapes of the heads the outputs are "
        "0: 'boxes' (1, 3, 4) 1: 'scores' (1, 3, 4)"
    ) in found.out
    assert found.verdict("also") == "pass"


def test_where_nothing_could_be_judged_every_reason_is_told(tmp_path: Path, capfd: Capture) -> None:
    """A suite without a verdict is an error that says why, for each runtime."""
    folder = write_suite(tmp_path / "s", runtime("bad", "nothing"))
    found = check(folder, capfd, "--runtimes", "native,bad")
    assert found.code == 3
    assert found.results["failure"]["message"].startswith(
        "tiny: expected a candidate to judge, found none: "
        "bad: expected 2 outputs (boxes, scores), found 0"
    )


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("not_a_number", "head boxes of the candidate: expected finite numbers, found 12 NaN"),
        ("constant", "constant-head: head scores: expected values that vary by"),
    ],
)
def test_heads_that_say_nothing_break_parity(
    tmp_path: Path, capfd: Capture, function: str, sentence: str
) -> None:
    """NaN and constants are a verdict, exit code 1: the runtime ran, and is wrong."""
    found = check(write_suite(tmp_path / "s", runtime("bad", function)), capfd)
    assert found.code == 1
    assert sentence in found.out
    assert (found.verdict("good"), found.images("bad")) == ("pass", ["fail"] * 3)


def test_a_runtime_that_raises_in_the_middle_keeps_what_it_did(
    tmp_path: Path, capfd: Capture
) -> None:
    """The image on which it raised is an error, those before and after it are judged."""
    found = check(write_suite(tmp_path / "s", runtime("bad", "broken_on_the_second")), capfd)
    assert found.code == 3
    assert (
        "error on images/1.png: bad: raised while it ran: RuntimeError: the accelerator fell off"
        in found.out
    )
    assert found.images("bad") == ["pass", "error", "pass"]
    assert (found.verdict("good"), found.verdict("bad")) == ("pass", "error")


def test_a_reference_that_raises_in_the_middle_is_named_as_the_reference(
    tmp_path: Path, capfd: Capture
) -> None:
    """No candidate can be judged on that image; on the others every one is."""
    bad = runtime("bad", "broken_on_the_second")
    found = check(write_suite(tmp_path / "s", bad, reference="bad"), capfd)
    assert found.code == 3
    assert "bad: raised while it ran: RuntimeError: the accelerator fell off" in found.out
    assert found.images("good") == ["pass", "error", "pass"]


KILLED_BETWEEN_TWO_FILES = """
import os, signal
replace, done = os.replace, []
def killed(source, target):
    if done:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(target)
    replace(source, target)
"""


def _report(folder: Path) -> dict[str, bytes]:
    files = [path for path in (folder / "report" / "tiny").iterdir() if path.is_file()]
    return {path.name: path.read_bytes() for path in files}


def test_a_killed_run_leaves_the_report_of_the_run_before(tmp_path: Path, capfd: Capture) -> None:
    """SIGKILL in the middle of the second image: the old files are there, whole, and no others."""
    folder = write_suite(tmp_path / "s", runtime("bad"))
    assert check(folder, capfd).code == 0
    before = _report(folder)
    networks = folder / "networks.py"
    networks.write_text(
        networks.read_text().replace("def same(", "def _same(")
        + "\n\ndef same(feeds):\n    return killed_on_the_second(feeds)\n"
    )
    text = networks.read_text().replace("        return same(feeds)", "        return _same(feeds)")
    networks.write_text(text)
    assert check_in_a_process(folder) == -9
    assert _report(folder) == before


@pytest.mark.parametrize("when", ["os.fsync", "os.replace"])
def test_a_run_killed_while_it_writes_leaves_whole_files(
    tmp_path: Path, capfd: Capture, when: str
) -> None:
    """Each file is the old one or the new one, never half of one."""
    folder = write_suite(tmp_path / "s")
    assert check(folder, capfd).code == 0
    before = _report(folder)
    prelude = f"import os, signal\n{when} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    assert check_in_a_process(folder, prelude) == -9
    after = _report(folder)
    assert {name: after[name] for name in before} == before
