"""Images that a suite declares and nobody can read: counted, named, and never left out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from parity.errors import SuiteError
from parity.suite import load, matching
from tests.support.suites import runtime, small_suite


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A suite with two images."""
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "images" / name).write_bytes(b"")
    return tmp_path


def problems(home: Path, *images: str) -> list[str]:
    """What is wrong with the suite; nothing where it loads."""
    small_suite(
        home, {"native": runtime("keras", "detector.keras")}, images=images or ["images/*.jpg"]
    )
    try:
        load(home)
    except SuiteError as error:
        return list(error.problems)
    return []


def _dangling(path: Path) -> None:
    path.symlink_to("/data/c.jpg")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_dangling, "a link to /data/c.jpg, which is not there"),
        (_loop, "a link to c.jpg, which is not there"),
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a pipe, a socket or a device"),
    ],
)
def test_a_match_that_is_no_file_is_counted_and_named(
    home: Path, make: Callable[[Path], None], why: str
) -> None:
    """It was left out, and the suite passed on the others."""
    assert problems(home) == []
    make(home / "images" / "c.jpg")
    assert problems(home) == [
        "detector.images: expected files that can be read, found 1 of 3 matches of 'images/*.jpg' "
        f"that cannot: images/c.jpg ({why})"
    ]


def test_an_image_named_alone_may_not_dangle_either(home: Path) -> None:
    """A path is a pattern of one file."""
    _dangling(home / "images" / "c.jpg")
    assert problems(home, "images/a.jpg", "images/c.jpg") == [
        "detector.images: expected files that can be read, found 1 of 1 matches of 'images/c.jpg' "
        "that cannot: images/c.jpg (a link to /data/c.jpg, which is not there)"
    ]


@pytest.mark.parametrize(
    ("forbidden", "why"),
    [("images/b.jpg", "a file that may not be read"), ("images", "a folder that may not be read")],
)
def test_what_may_not_be_read_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, forbidden: str, why: str
) -> None:
    """An administrator may read everything, so rights are played."""
    monkeypatch.setattr(os, "access", lambda path, mode: path != home / forbidden)
    (problem,) = problems(home)
    assert problem.endswith(f"that cannot: {forbidden} ({why})")


def test_many_are_counted_and_the_first_named(home: Path) -> None:
    """A folder of links whose disk is not mounted."""
    for i in range(7):
        (home / "images" / f"x{i}.jpg").symlink_to("/data/x.jpg")
    (problem,) = problems(home)
    assert problem.startswith(
        "detector.images: expected files that can be read, found 7 of 9 matches of"
    )
    assert problem.endswith("images/x4.jpg (a link to /data/x.jpg, which is not there) and 2 more")


def test_links_to_files_and_folders_on_the_way_are_no_problem(home: Path) -> None:
    """A pattern without a suffix matches folders, too, and asks for none of them."""
    (home / "images" / "more").mkdir()
    (home / "images" / "c.jpg").symlink_to("a.jpg")
    assert problems(home, "images/*") == []
    assert problems(home, "**/*.jpg") == []
    assert matching("images/*", home) == ["images/a.jpg", "images/b.jpg", "images/c.jpg"]


def test_an_image_that_is_reached_in_several_ways_counts_once(home: Path) -> None:
    """A budget over images is one over different ones, whatever patterns find them."""
    patterns = ["images/*.jpg", "./images/a.jpg", "images/../images/b.jpg"]
    patterns.append(f"../{home.name}/images/*.jpg")
    assert problems(home, *patterns) == []
    assert load(home).images == ("images/a.jpg", "images/b.jpg")


def test_a_way_back_from_a_link_is_the_way_that_the_link_goes(home: Path) -> None:
    """Behind a link ".." is another folder: both images count, each under its own name."""
    elsewhere = home.parent / "elsewhere"
    (elsewhere / "there").mkdir(parents=True)
    (elsewhere / "a.jpg").write_bytes(b"")
    (home / "link").symlink_to(elsewhere / "there")
    (home / "a.jpg").write_bytes(b"")
    assert matching("link/../a.jpg", home) == ["link/../a.jpg"]
    assert matching("images/../a.jpg", home) == ["a.jpg"]
