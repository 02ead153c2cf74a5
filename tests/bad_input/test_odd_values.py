"""Values of ``parity.toml`` that nobody means: each is refused in words, before anything runs."""

from pathlib import Path

import pytest
from spoiling import check, runtime, write_suite

from tests.support.suites import edit

Capture = pytest.CaptureFixture[str]
NUL = "expected text without NUL characters, found 'a\\x00b'"


def told(tmp_path: Path, capfd: Capture, before: str, after: str) -> str:
    """What the command says of a suite in which ``before`` became ``after``."""
    folder = write_suite(tmp_path / "s", runtime("other"))
    found = check(edit(folder, before, after), capfd)
    assert (found.code, found.out, found.results) == (2, "", {})
    assert "Errno" not in found.err
    return found.err


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ('classes = ["bolt", "nut"]', r'classes = "a\u0000b"', "detector.classes"),
        ('classes = ["bolt"', r'classes = ["a\u0000b"', "detector.classes.0"),
        ('"images/*.png"', r'"a\u0000b"', "detector.images.0"),
        ('name = "tiny"', 'name = "tiny"\nlabels = "a\\u0000b"', "detector.labels"),
        ('model = "networks:same"', r'model = "a\u0000b"', "runtimes.native.model"),
        ("[preprocess]", '[preprocess]\nfunction = "a\\u0000b"', "preprocess.function"),
        ("options = {", r'options = { "a\u0000b" = 1,', "runtimes.native.options (a key)"),
    ],
)
def test_a_nul_character_is_told_wherever_it_stands(
    tmp_path: Path, capfd: Capture, before: str, after: str, where: str
) -> None:
    """No file system and no library takes one."""
    assert f"{where}: {NUL}" in told(tmp_path, capfd, before, after)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            "[10, 10]",
            "[100000, 100000]",
            "size: expected [height, width] of at most 200 megapixels",
        ),
        ("[0, 1]", "[0, 1e308]", "become two finite numbers of float32 by range, mean and std"),
        ("[0, 1]", "[0, 1]\nstd = 1e-300", "found inf and inf"),
        ("[0, 1]", "[0, 1]\nstd = 1e308", "found 0 and 0"),
        ("[0, 1]", "[0, 1]\nmean = [0, 0, 1e30]", "found -1e+30 and -1e+30"),
        ('model = "networks:same"', 'model = ""', "model: expected a text that is not empty"),
        ('"bolt"', '""', "detector.classes: expected names that are not empty"),
        ('"images/*.png"', f'"{"x" * 100_000}"', "expected files that match 'xxx"),
        ('name = "tiny"', f'name = "tiny"\nlabels = "{"x" * 999}"', "expected a COCO JSON file"),
        ("[10, 10]", "[" * 5000, "expected valid TOML, found: maximum recursion depth exceeded"),
        ("[10, 10]", "9" * 5000, "expected valid TOML, found: Exceeds the limit"),
        ("classes = [", 'classes = "/dev/zero" # [', "found a pipe, a socket or a device"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(
    tmp_path: Path, capfd: Capture, before: str, after: str, sentence: str
) -> None:
    """Before a library meets it; and what is long is not repeated whole."""
    found = told(tmp_path, capfd, before, after)
    assert sentence in found
    assert len(found) < 4000


@pytest.mark.parametrize("more", ["mean = [-1e6, 0, 1e6]", "std = -1e-6", "std = [1e30, 1, 1]"])
def test_odd_numbers_that_leave_a_picture_are_taken(
    tmp_path: Path, capfd: Capture, more: str
) -> None:
    """The healthy twin: black and white are still two numbers."""
    folder = write_suite(tmp_path / "s", preprocess=f"range = [0, 1]\n{more}")
    assert check(folder, capfd).code == 0


def test_a_mark_before_the_text_is_no_part_of_it(tmp_path: Path, capfd: Capture) -> None:
    """Neither of the suite nor of the list of classes, whose first would be another one."""
    folder = write_suite(tmp_path / "s", classes="classes.txt")
    toml = (folder / "parity.toml").read_text()
    (folder / "parity.toml").write_text(toml, encoding="utf-8-sig")
    (folder / "classes.txt").write_text("bolt\r\nnut\r\n", encoding="utf-8-sig")
    found = check(folder, capfd)
    assert (found.code, found.results["classes"]) == (0, ["bolt", "nut"])


def test_another_coding_is_named(tmp_path: Path, capfd: Capture) -> None:
    """UTF-16 and Latin-1, with what to do."""
    folder = write_suite(tmp_path / "s")
    toml = (folder / "parity.toml").read_text()
    (folder / "parity.toml").write_text(toml, encoding="utf-16")
    found = check(folder, capfd)
    assert "expected a suite file (TOML), found text in UTF-16; save it as UTF-8" in found.err
    (folder / "parity.toml").write_text(f"# Größe\n{toml}", encoding="latin-1")
    assert "found the byte 0xf6 in line 1, which is no UTF-8" in check(folder, capfd).err


CANNOT_FAIL = {
    "max_corner_px = 1e308": "max_corner_px: expected less than 10, the longer side of the",
    "max_corner_px = 10": "input of 10 x 10, found 10: any two boxes would agree",
    "max_lost = 1": "max_lost: expected at most 0.999999, found 1",
    "max_extra = 0.9999999": "max_extra: expected at most 0.999999, found 0.9999999",
    "max_class_flips = 1": "max_class_flips: expected at most 0.999999, found 1",
    "max_excused = 1": "max_excused: expected at most 0.999999, found 1",
    "min_within = 0": "min_within: expected at least 1e-06, found 0",
    "min_within = 5e-324": "min_within: expected at least 1e-06, found 5e-324",
    "max_score_diff = 1\nband = 1": "max_score_diff: expected less than 1, found 1",
}
JUST_CAN = (
    "max_corner_px = 9.9\nmax_lost = 0.99\nmax_score_diff = 0.99\nband = 1\nmin_within = 0.01"
)
OURS = 'tolerance = "ours"\n[tolerance.ours]\nbase = "int8"\n'


@pytest.mark.parametrize("limit", CANNOT_FAIL)
def test_a_limit_that_cannot_fail_is_refused(tmp_path: Path, capfd: Capture, limit: str) -> None:
    """It would pass whatever is found; the message says what makes it so."""
    folder = write_suite(tmp_path / "s", runtime("wide") + OURS + limit)
    found = check(folder, capfd)
    assert (found.code, found.results) == (2, {})
    assert f"tolerance.ours.{limit.split(' ')[0]}: expected" in found.err
    assert CANNOT_FAIL[limit] in found.err


def test_a_limit_that_can_fail_is_taken(tmp_path: Path, capfd: Capture) -> None:
    """The healthy twin, however wide."""
    folder = write_suite(tmp_path / "s", runtime("wide") + OURS + JUST_CAN)
    assert check(folder, capfd).code == 0


@pytest.mark.parametrize(("limit", "code"), [("1e308", 2), ("20", 2), ("19.9", 0)])
def test_a_corner_limit_is_held_against_inputs_of_any_size(
    tmp_path: Path, capfd: Capture, limit: str, code: int
) -> None:
    """Where the recipe says no size the images do: here each is 20 x 20."""
    shape = (1, 20, 20, 3)
    table = runtime("wide", shape=shape) + OURS + f"max_corner_px = {limit}\n"
    recipe = 'resize = "none"\nrange = [0, 1]'
    folder = write_suite(tmp_path / "s", table, shape=shape, size=None, preprocess=recipe)
    found = check(folder, capfd)
    assert found.code == code
    assert ("tolerance.ours.max_corner_px: expected less than 20" in found.out) == (code == 2)
