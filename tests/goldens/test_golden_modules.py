"""A golden stands for the code that it was recorded from: edited modules are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity import check
from parity.errors import GoldenError
from parity.golden import load as load_golden
from parity.golden.modules import modules_of
from parity.harness import record
from parity.suite import load
from tests.support.suites import Table, boxes_scores, fake, flat, small_suite

NETWORK = """
import numpy as np
from blocks import scores

def heads(feeds):
    boxes = np.array([[[1, 1, 6, 6], [9, 9, 15, 14]]], np.float32)
    return {"boxes": boxes, "scores": scores()}
"""
BLOCKS = """
import numpy as np

def scores():
    from layers import last
    return np.array([[[0.9], [0.8]]], np.float32) * last.GAIN
"""
SHAPE = (1, 16, 16, 3)
POST = """
import numpy as np

def decode(heads, size):
    return heads["boxes"][0], heads["scores"][0]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A suite whose network is three modules deep, with its golden."""
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "__init__.py").write_text("")
    (tmp_path / "layers" / "last.py").write_text("GAIN = 1\n")
    (tmp_path / "blocks.py").write_text(BLOCKS)
    (tmp_path / "network.py").write_text(NETWORK)
    (tmp_path / "other.py").write_text("from network import heads\n")
    (tmp_path / "training.py").write_text("import network\n")
    write_suite(tmp_path, boxes_scores(threshold=0.3))
    record(tmp_path)
    return tmp_path


def write_suite(folder: Path, decode: Table) -> Path:
    """A suite around the modules that are there."""
    return small_suite(
        folder,
        {"native": fake("network:heads", SHAPE), "other": fake("other:heads", SHAPE)},
        name="parts",
        classes=["bolt"],
        images=flat(90, names="{}.png"),
        size=SHAPE[1:3],
        decode=decode,
    )


def problems(home: Path) -> list[str]:
    """Why the golden no longer stands for the suite; nothing where it does."""
    try:
        load_golden(load(home))
    except GoldenError as error:
        return list(error.problems)
    return []


def edit(file: Path, old: str, new: str) -> None:
    """One change of a file."""
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    "name", ["network.py", "blocks.py", "layers/last.py", "layers/__init__.py"]
)
def test_an_edited_module_is_refused_by_name(home: Path, name: str) -> None:
    """The one that is named, those it imports, in functions too, and the packages around them."""
    (home / name).write_text((home / name).read_text() + "\n# halved\n")
    assert problems(home) == [f"the module {name} changed since it was recorded"]
    found = check(home, ("other",), reference="golden")
    assert (found.verdict, found.exit_code) == ("error", 2)


def test_modules_that_the_reference_does_not_import_may_change(home: Path) -> None:
    """A candidate's, and the training script."""
    for name in ("other.py", "training.py"):
        (home / name).write_text((home / name).read_text() + "\n# changed\n")
    assert problems(home) == []
    (other,) = check(home, ("other",), reference="golden").runtimes
    assert other.verdict == "pass"


def test_another_function_is_refused_by_name(home: Path) -> None:
    """Of the same module, which is not edited."""
    (home / "network.py").write_text(NETWORK + "\nhalved = heads\n")
    record(home)
    edit(home / "parity.toml", "network:heads", "network:halved")
    assert problems(home) == [
        "runtimes.native.model was 'network:heads' when recorded, now it is 'network:halved'"
    ]


def test_a_function_that_decodes_is_part_of_the_golden(home: Path) -> None:
    """Other detections of the same heads."""
    (home / "post.py").write_text(POST)
    write_suite(home, 'function = "post:decode"\nscore_threshold = 0.3')
    record(home)
    assert problems(home) == []
    edit(home / "post.py", 'heads["scores"][0]', 'heads["scores"][0] / 2')
    assert problems(home) == ["the module post.py changed since it was recorded"]


def test_a_module_that_an_import_finds_first_since_is_named(home: Path) -> None:
    """It hides the one that was imported when the golden was recorded."""
    (home / "layers.py").write_text("last = None\n")
    assert problems(home) == [
        "the module layers.py is imported now, and was not when it was recorded",
        "the module layers/__init__.py was imported when it was recorded, and is not now",
    ]


def test_a_module_that_is_gone_is_named_and_the_whole_network_may_be(home: Path) -> None:
    """Without the module itself nothing of it can run: the code was left out of the release."""
    (home / "layers" / "last.py").unlink()
    assert problems(home) == [
        "the module layers/last.py was imported when it was recorded, and is not now"
    ]
    for name in ("network.py", "blocks.py"):
        (home / name).unlink()
    assert problems(home) == []


def test_other_ends_of_lines_are_no_change(home: Path) -> None:
    """As git writes them on another system."""
    content = (home / "network.py").read_bytes()
    (home / "network.py").write_bytes(content.replace(b"\n", b"\r\n"))
    assert problems(home) == []


def test_what_only_a_run_can_tell_is_said(home: Path) -> None:
    """A golden cannot answer for code that it does not see; other code needs no note."""
    (found,) = check(home, ("other",), reference="golden").runtimes
    assert found.notes == ()
    (home / "network.py").write_text("import sys\nsys.path.append('..')\n" + NETWORK)
    record(home)
    (found,) = check(home, ("other",), reference="golden").runtimes
    assert found.notes == (
        "network.py imports code that can only be told as it runs (sys.path, exec, a name made "
        "up): whether that changed since the golden was recorded is not seen",
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a", {"a.py"}),
        ("import p.q as q", {"p/__init__.py", "p/q.py"}),
        ("from p import q, nothing", {"p/__init__.py", "p/q.py"}),
        ("from . import a", {"a.py"}),
        ("from .p.q import f", {"p/__init__.py", "p/q.py"}),
        ("from p.r import f", {"p/__init__.py", "p/r.py", "p/q.py", "a.py"}),
        ("try:\n    import a\nexcept ImportError:\n    a = None", {"a.py"}),
        ("import importlib\nimportlib.import_module('p.q')", {"p/__init__.py", "p/q.py"}),
        ("__import__('a')", {"a.py"}),
        ("import torch, json, elsewhere", set()),
        ("from .torch import build", {"torch.py"}),
        ("from .. import a", set()),
        ("'import a'", set()),
    ],
)
def test_imports_are_found_wherever_and_however_they_are_written(
    tmp_path: Path, source: str, found: set[str]
) -> None:
    """As the suite's modules are looked up when they run: a plain torch is the installed one."""
    (tmp_path / "p").mkdir()
    for name in ("a.py", "torch.py", "json.py", "p/__init__.py", "p/q.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "p" / "r.py").write_text("from .q import f\nfrom ..a import g\n")
    (tmp_path / "root.py").write_text(source)
    modules = modules_of("root:build", tmp_path)
    assert set(modules.digests) == {"root.py", *found}
    assert modules.unread == ()


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(f'nets.{1}')",
        "exec(open('a.py').read())",
        "import sys\nsys.path.insert(0, '..')",
        "import runpy\nrunpy.run_path('a.py')",
        "print 'of Python 2'",
    ],
)
def test_imports_that_cannot_be_read_are_said(tmp_path: Path, source: str) -> None:
    """The module itself is hashed all the same."""
    (tmp_path / "a.py").write_text("")
    (tmp_path / "root.py").write_text(source)
    modules = modules_of("root:build", tmp_path)
    assert (list(modules.digests), modules.unread) == (["root.py"], ("root.py",))
