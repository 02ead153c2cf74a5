"""Brackets in file patterns, and links that lead back: every image once, and none lost."""

from pathlib import Path

import pytest
from spoiling import check, write_suite

from parity.suite import Ambiguous, matching
from tests.support.suites import edit, flat

Capture = pytest.CaptureFixture[str]
FILES = (
    "run[1]/a.png",
    "x[1.png",
    "b]c.png",
    "img1.png",
    "img3.PNG",
    "in/[x]/no[0-9].png",
    "n[!a].png",
    "both[1]/q.png",
    "both1/q.png",
    ".hidden/a.png",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files as people name them."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("run[1]/*.png", ["run[1]/a.png"]),
        ("run[[]1]/*.png", ["run[1]/a.png"]),
        ("run[12]/*.png", []),
        ("x[1.png", ["x[1.png"]),
        ("b]c.png", ["b]c.png"]),
        ("n[!a].png", ["n[!a].png"]),
        ("in/[x]/no[0-9].png", ["in/[x]/no[0-9].png"]),
        ("img[0-9].png", ["img1.png", "img3.PNG"]),
        ("*[1]*.png", ["img1.png", "x[1.png"]),
        ("[*.png", []),
        ("**/q.png", ["both1/q.png", "both[1]/q.png"]),
        ("both[[]1]/*.png", ["both[1]/q.png"]),
        (".hidden/*", [".hidden/a.png"]),
    ],
)
def test_brackets_are_a_set_or_part_of_a_name(folder: Path, pattern: str, found: list[str]) -> None:
    """Whichever there is; a bracket that nothing closes is one."""
    assert matching(pattern, folder) == found


def test_brackets_that_could_be_either_are_an_error(folder: Path) -> None:
    """Never a guess that leaves images out."""
    with pytest.raises(Ambiguous) as caught:
        matching("both[1]/*.png", folder)
    assert str(caught.value) == (
        "expected one meaning of the brackets in 'both[1]', found 'both[1]' and 'both1'; write [[] "
        "for a bracket that stands in a name, or list the names"
    )


def test_links_that_lead_back_are_not_followed(folder: Path) -> None:
    """Other links are; two that lead back to each other end, too."""
    before = matching("**/*.png", folder)
    (folder / "in" / "back").symlink_to(folder)
    (folder / "in" / "again").symlink_to(folder / "in")
    (folder / "itself").symlink_to("itself")
    assert matching("**/*.png", folder) == before
    (folder / "linked").symlink_to(folder / "run[1]")
    assert set(matching("**/*.png", folder)) - set(before) == {"linked/a.png"}


def test_a_suite_in_odd_folders_is_judged(tmp_path: Path, capfd: Capture) -> None:
    """Spaces, brackets, line breaks and letters of any script, in the suite's path and below it."""
    odd = "ein Ordner [1]\nü"
    pictures = flat(10, 50, 90, size=(20, 20), names=odd + "/{}.png")
    pictures[f"{odd}/a\nb.png"] = pictures[f"{odd}/2.png"]
    folder = write_suite(tmp_path / odd, images=pictures)
    found = check(folder, capfd)
    assert found.code == 0
    assert found.results["images"][-1] == f"{odd}/a\nb.png"
    assert len(found.results["images"]) == 4


def test_an_ambiguous_pattern_of_a_suite_is_told(tmp_path: Path, capfd: Capture) -> None:
    """With its key."""
    folder = edit(write_suite(tmp_path / "s"), "images/*", "images[1]/*")
    (folder / "images").rename(folder / "images1")
    (folder / "images[1]").mkdir()
    found = check(folder, capfd)
    assert found.code == 2
    assert "detector.images: expected one meaning of the brackets in 'images[1]'" in found.err
