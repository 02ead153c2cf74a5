"""Goldens of recipes whose library gives floats, and where that library is not installed."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from parity import check
from parity.harness import record
from parity.pipeline import Images
from parity.suite import load
from tests.support.suites import boxes_scores, fake, noise, small_suite

torch = pytest.importorskip("torch")

NETWORK = '''
import numpy as np


def native(feeds):
    """A box whose score is the mean of what was fed, to the last bit."""
    mean = np.float32(feeds["image"].mean(dtype=np.float64))
    boxes = np.array([[[2, 2, 12, 12]]], dtype=np.float32)
    return {"boxes": boxes, "scores": np.array([[[mean / 255]]], dtype=np.float32)}


other = native
'''

SIZE = (24, 32)
RECIPE = 'resize = "letterbox"\nkernel = "torch:bicubic-antialias"'


def write_suite(folder: Path, recipe: str = RECIPE) -> Path:
    """A suite of one noisy image."""
    shape = (1, *SIZE, 3)
    return small_suite(
        folder,
        {
            "native": fake("network:native", shape, tolerance="exact"),
            "onnx": fake("network:other", shape, tolerance="exact"),
        },
        name="parts",
        classes=["bolt"],
        images={"a.png": noise(41, 57)},
        size=SIZE,
        preprocess=recipe,
        decode=boxes_scores(threshold=0.1),
        files={"network.py": NETWORK},
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The suite in a folder of its own."""
    return write_suite(tmp_path)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Call ``.undo()`` to have it back."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "torch" else real(name, *rest),
    )
    return monkeypatch


REMEDY = "torch is not installed; install it with: pip install 'detector-parity[torch]'"
SETTING = "preprocess.kernel = 'torch:bicubic-antialias'"


def test_a_golden_holds_the_floats_that_were_fed(home: Path) -> None:
    """Every bit, padding included; nothing is rounded into pixels."""
    folder = record(home)
    suite = load(home)
    canvas = Images(suite).prepared("a.png", suite.runtimes["native"].recipe).canvas
    with np.load(folder / "a.png.npz") as file:
        stored = file["pixels"]
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, canvas)
    assert (stored % 1).any()


def test_the_manifest_tells_the_resolved_recipe(home: Path) -> None:
    """What the names stood for when it was recorded."""
    manifest = json.loads((record(home) / "manifest.json").read_text())
    assert manifest["recipe"]["kernel"] == "torch:bicubic-antialias"
    assert (manifest["recipe"]["pad"], manifest["recipe"]["pad_value"]) == ("center", 114.0)


def test_a_suite_is_judged_by_its_golden_without_the_library(home: Path, request: Any) -> None:
    """The recorded inputs are fed to every runtime of that recipe, and the record says so."""
    record(home)
    request.getfixturevalue("without_torch")
    for reference in ("auto", "golden"):
        found = check(home, ("onnx",), reference=reference)
        assert found.runtimes[0].verdict == "pass"
        assert found.runtimes[0].notes == (
            f"it is fed the inputs of the golden: {SETTING}: {REMEDY}",
        )
        pairs = [row for row in found.runtimes[0].images[0].agreement.rows if row.paired]  # type: ignore[union-attr]
        assert [row.score_diff for row in pairs] == [0.0]


def test_without_library_and_golden_a_runtime_is_missing(
    home: Path, without_torch: pytest.MonkeyPatch
) -> None:
    """As if the runtime itself were: an error with the remedy, or skipped if that is allowed."""
    found = check(home, ("onnx",))
    assert (found.runtimes[0].verdict, found.exit_code) == ("error", 3)
    assert found.runtimes[0].reason == f"onnx: {SETTING}: {REMEDY}"
    skipped = check(home, ("onnx",), allow_missing=True)
    assert skipped.runtimes[0].verdict == "skipped"


def test_another_recipe_is_not_fed_the_golden(home: Path, request: Any) -> None:
    """A runtime whose own recipe needs the library stays missing."""
    path = home / "parity.toml"
    path.write_text(path.read_text() + 'preprocess = { kernel = "torch:bilinear" }\n')
    record(home)
    request.getfixturevalue("without_torch")
    found = check(home, ("onnx",))
    assert found.runtimes[0].reason == f"onnx: preprocess.kernel = 'torch:bilinear': {REMEDY}"


def test_a_stale_golden_feeds_nobody(home: Path, request: Any) -> None:
    """The image changed since: the library is needed."""
    record(home)
    Image.new("RGB", (57, 41)).save(home / "a.png")
    request.getfixturevalue("without_torch")
    found = check(home, ("onnx",))
    assert found.runtimes[0].reason == f"onnx: {SETTING}: {REMEDY}"


def test_recording_without_the_library_is_refused(
    home: Path, without_torch: pytest.MonkeyPatch
) -> None:
    """With the remedy, and nothing is written."""
    from parity.errors import RuntimeMissing

    with pytest.raises(RuntimeMissing) as caught:
        record(home)
    assert str(caught.value) == f"native: {SETTING}: {REMEDY}"
    assert not (home / "golden").exists()


def test_pytest_skips_a_runtime_whose_recipe_needs_the_library(
    home: Path, pytester: pytest.Pytester
) -> None:
    """With the reason, as for a runtime that is not installed; required, it fails."""
    path = home / "parity.toml"
    text = path.read_text().replace('kernel = "torch:bicubic-antialias"', "")
    own = text[text.index("[runtimes.onnx]") :].replace("[runtimes.onnx]", "[runtimes.other]")
    path.write_text(text + own + 'preprocess = { kernel = "torch:area" }\n')
    (home / "conftest.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
    )
    found = pytester.runpytest_subprocess(str(home), "-rs")
    found.assert_outcomes(passed=2, skipped=2)
    found.stdout.fnmatch_lines(["*preprocess.kernel = 'torch:area': torch is not installed; *"])
    found = pytester.runpytest_subprocess(str(home), "--parity-require", "all")
    found.assert_outcomes(passed=2, failed=2)


FUNCTION = """
from pathlib import Path

import numpy as np


def prepared(image):
    # half of the picture, as large as the network wants it, and as bright as a file says
    brighter = float((Path(__file__).parent / "brighter.txt").read_text())
    return image[:24, :32].astype(np.float32) + np.float32(brighter)
"""


def test_a_golden_of_other_inputs_is_named_where_its_comparison_fails(home: Path) -> None:
    """A function's code is not in the manifest, but what it made of the images is."""
    write_suite(home, 'function = "golden_recipe:prepared"')
    (home / "golden_recipe.py").write_text(FUNCTION)
    (home / "brighter.txt").write_text("0")
    record(home)
    assert check(home, ("onnx",), reference="golden").verdict == "pass"
    (home / "brighter.txt").write_text("60")
    (judged,) = check(home, ("onnx",), reference="golden").runtimes
    assert judged.verdict == "fail"
    assert judged.hints[0] == (
        "the golden was recorded from another input: a.png: 2304 of 2304 values of the prepared "
        "image differ from the recorded ones, the largest by 60; record it anew: parity record "
        "SUITE"
    )
