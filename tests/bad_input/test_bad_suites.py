"""The suite file is wrong: exit code 2, every key path named, nothing run."""

from pathlib import Path

import pytest
from spoiling import check, runtime, write_suite

from tests.support.suites import edit

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("[preprocess]", 'colour = "x"\n[preprocess]', "detector.colour: unknown key; expected"),
        ("range =", "rnage =", "preprocess.rnage: unknown key; expected one of base"),
        ("score_threshold", "score_treshold", "did you mean 'score_threshold'?"),
        ("box_format", "format", "decode.boxes-scores.format: unknown key"),
        ("[decode]", "[tolerance.ours]\nmax_los = 1\n[decode]", "tolerance.ours.max_los: unknown"),
        ("[decode]", "[suite]\n[decode]", "suite: unknown key; expected one of decode, detector"),
    ],
)
def test_an_unknown_key_is_named_where_it_stands(
    tmp_path: Path, capfd: Capture, before: str, after: str, sentence: str
) -> None:
    """With the keys that are known there."""
    found = check(edit(write_suite(tmp_path / "s"), before, after), capfd)
    assert (found.code, found.out, found.results) == (2, "", {})
    assert sentence in found.err


def test_an_unknown_key_of_a_runtime_is_named_with_the_runtime(
    tmp_path: Path, capfd: Capture
) -> None:
    """So are the keys of what it does otherwise than the suite."""
    more = 'modle = 1\npreprocess = { colr = "BGR" }\n'
    found = check(write_suite(tmp_path / "s", runtime("bad") + more), capfd)
    assert found.code == 2
    assert "runtimes.bad.modle: unknown key; expected one of" in found.err
    assert "did you mean 'model'?" in found.err


def test_no_image_that_matches_names_pattern_and_folder(tmp_path: Path, capfd: Capture) -> None:
    """A suite that would compare nothing does not start."""
    folder = write_suite(tmp_path / "s")
    edit(folder, '["images/*.png"]', '["images/*.png", "photos/*.jpg"]')
    found = check(folder, capfd)
    assert found.code == 2
    assert (
        f"detector.images: expected files that match 'photos/*.jpg', found none in {folder}"
        in found.err
    )


def test_a_file_that_is_no_toml_says_where(tmp_path: Path, capfd: Capture) -> None:
    """The line and column of the slip."""
    found = check(write_suite(tmp_path / "s", "\n[runtimes.bad]\nkind = \n"), capfd)
    assert found.code == 2
    assert "expected valid TOML, found:" in found.err
    assert "line " in found.err
