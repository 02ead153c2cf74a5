"""The pages for engineers say what is there."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import pages

ROOT = pages.ROOT
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def rooms() -> ModuleType:
    """The program that draws the rooms."""
    pytest.importorskip("grimp", reason="import-linter is not installed")
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_rooms_is_that_of_the_code(rooms: ModuleType) -> None:
    """Whoever moves a room draws it anew: python docs/rooms.py."""
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture()


def test_an_arrow_that_a_longer_way_implies_is_left_out(rooms: ModuleType) -> None:
    """The reduction keeps what can be reached, and nothing more than that needs."""
    assert rooms.shortest({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {
        "a": {"b"},
        "b": {"c"},
        "c": set(),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file of the project."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!\w+:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_places_that_the_pages_name_are_there() -> None:
    """Folders and files in the table of the architecture, and in how to extend parity itself."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ")]
    named = [name for cell in table for name in re.findall(r"`([\w/]+(?:/|\.py))`", cell)]
    extending = pages.EXTENDING.read_text(encoding="utf-8")
    named += re.findall(r"`parity/([\w/]+(?:/|\.py))`", extending)
    assert len(named) > 20
    folders = [ROOT / "parity", ROOT / "parity" / "runtimes", ROOT / "parity" / "agreement"]
    assert [one for one in named if not any((folder / one).exists() for folder in folders)] == []


def test_the_family_of_the_page_is_registered_as_its_tests_install_it() -> None:
    """The entry point that the page shows is the one that the tests of guests install."""
    text = pages.shown(pages.EXTENDING, "toml", 'entry-points."parity.families"')
    about = tomllib.loads(text)["project"]
    assert about["entry-points"]["parity.families"] == {"centred": "toy_families:FAMILY"}
    assert about["name"] == "toy-family"
