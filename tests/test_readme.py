"""The README's blocks do what it says they do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity import suite

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
LONGEST = 600  # seconds


def blocks(language: str) -> list[str]:
    """The contents of the README's blocks in one language."""
    return [content for name, content in BLOCKS if name == language]


def matches(shown: str, printed: str) -> bool:
    """Whether a program printed what is shown; "..." stands for anything."""
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
    # Between the words of a table there may be any number of blanks.
    return re.fullmatch(re.sub(r"(\\ )+", r"\\s+", pattern), text, re.DOTALL) is not None


@pytest.mark.parametrize("block", blocks("console"))
def test_a_command_prints_what_is_shown(block: str) -> None:
    """Every console block is run in the project's folder."""
    command, _, shown = block.removeprefix("$ ").partition("\n")
    bin_folder = ROOT / ".venv" / "bin"
    needs_venv = ".venv" in command or command.startswith("make")
    if needs_venv and Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("these tests do not run in .venv, which the command would set up")
    done = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        env=os.environ
        | {"PATH": f"{bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    printed = done.stdout or done.stderr  # frameworks chatter on stderr beside what is shown
    assert matches(shown, printed), printed


def test_the_suite_is_valid(tmp_path: Path) -> None:
    """The parity.toml that people copy loads as it stands."""
    text, *_ = blocks("toml")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(b"")
    (tmp_path / "parity.toml").write_text(text)
    loaded = suite.load(tmp_path)
    assert loaded.candidates == ("onnx", "phone")
    assert loaded.runtimes["phone"].tolerance.name == "int8"


def test_parts_of_a_suite_fit_it(tmp_path: Path) -> None:
    """What is shown on its own, as [[matrix]], can be put behind the parity.toml that is shown."""
    text, *rest = blocks("toml")
    parts = [part for part in rest if "[[matrix]]" in part]
    assert parts
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(b"")
    for part in parts:
        (tmp_path / "parity.toml").write_text(f"{text}\n{part}")
        assert suite.load(tmp_path).candidates == ("onnx", "phone")


def test_the_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library example holds."""
    monkeypatch.chdir(ROOT)
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a ... b", "a x\ny b", True),
        ("a   b", "a b", True),
        ("a", "b", False),
        ("pass (1 pass)...", "fail (1 fail) now", False),
    ],
)
def test_the_comparison_can_fail(shown: str, printed: str, expected: bool) -> None:
    """Output that differs is seen."""
    assert matches(shown, printed) is expected
