"""The README's formats and programs, taken from it as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from external_suites import judged, runtime, write_suite

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
IMAGES = ("images/a.png", "images/b.png")
NETWORK = """
import numpy as np


def network(feeds):
    quarters = feeds["image"].astype(np.float64).reshape(2, 16, 2, 16, 3).mean(axis=(1, 3))
    red, green, blue = quarters.reshape(4, 3).T
    scores = np.stack([0.002 * red + 0.001 * green, 0.003 * blue], axis=1)
    corners = [[x, y, x + 16, y + 16] for y in (0, 16) for x in (0, 16)]
    return {"boxes": np.float32([corners]), "scores": np.float32([scores])}
"""


def block(language: str, word: str) -> str:
    """The README's one block in a language that holds a word."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (one,) = (text for text in found if word in text)
    return one


def run(code: str) -> dict[str, Any]:
    """The names that Python code defines."""
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The README's runtimes beside their twin in numpy; the recording is there, the program not."""
    record = run(block("python", "def record"))["record"]
    network = run(NETWORK)["network"]
    pictures = {}
    for seed, image in enumerate(IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        pixels[:16, :16, 2] |= 224  # a nut in the corner
        pictures[image] = pixels
        record(tmp_path / "phone", image, network({"image": pixels[None]}))
    write_suite(tmp_path, "\n" + block("toml", "[runtimes.board]"), pictures=pictures)
    (tmp_path / "network.py").write_text(NETWORK)
    return tmp_path


def test_the_python_example_records_what_agrees(suite: Path) -> None:
    """The folder that it writes is the recording of the suite's runtime."""
    found = runtime(judged(suite, "phone"), "phone")
    assert found.verdict == "pass"
    assert found.statistics is not None
    assert found.statistics.pairs > 1


def build(suite: Path, source: str) -> Path:
    """A program, compiled without a warning."""
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler (c++, g++, clang++) is installed")
    (suite / "detector.cpp").write_text(source)
    strict = ["-std=c++11", "-O1", "-Wall", "-Wextra", "-Werror"]
    command = [compiler, *strict, "-o", "detector", "detector.cpp"]
    subprocess.run(command, cwd=suite, check=True)
    return suite / "detector"


def test_the_cpp_example_agrees_with_its_twin(suite: Path) -> None:
    """It reads the input and finds what the same network in numpy finds."""
    build(suite, block("cpp", "int main"))
    found = runtime(judged(suite, "board"), "board")
    assert found.verdict == "pass"
    assert found.statistics is not None
    assert found.statistics.pairs > 1
    assert all(one.max_abs < 1e-6 for each in found.images for one in each.heads)


def test_the_cpp_example_writes_what_numpy_writes(suite: Path) -> None:
    """Byte by byte, header and alignment too."""
    program = build(suite, block("cpp", "int main"))
    np.save(suite / "input.npy", np.zeros((1, 32, 32, 3), np.float32))
    subprocess.run([program, "input.npy", "."], cwd=suite, check=True)
    written = (suite / "boxes.npy").read_bytes()
    np.save(suite / "again.npy", np.load(suite / "boxes.npy"))
    assert written == (suite / "again.npy").read_bytes()


def test_a_fault_in_the_program_is_found(suite: Path) -> None:
    """Blue and red exchanged, as a board's camera may give them: the fail is told its cause."""
    build(suite, block("cpp", "int main").replace("* 3 + c]", "* 3 + 2 - c]"))
    found = runtime(judged(suite, "board"), "board")
    assert found.verdict == "fail"
    assert "fed BGR in the place of RGB: then the 2 worst images agree" in found.hints
