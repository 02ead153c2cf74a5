"""Recording, drift, and goldens in the place of the reference."""

from __future__ import annotations

import json
import sys

import pytest
from PIL import Image

from parity.golden import sources
from parity.suite import load
from tests.plugin.conftest import WriteSuite


def forget_modules() -> None:
    """pytester runs in this process, where a suite's modules are imported once."""
    for name in [one for one in sys.modules if one.startswith("_parity_suite_")]:
        del sys.modules[name]


def test_recording_writes_and_never_passes(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Nothing is written and passed in one run."""
    home = write_suite(onnx="healthy")
    result = pytester.runpytest("--parity-record")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["parts: recorded the goldens of 2 images in golden/. *"])
    names = {path.name for path in (home / "golden").iterdir()}
    assert names == {"manifest.json", "images__0.png.npz", "images__1.png.npz"}


def test_a_recorded_reference_is_judged_for_drift(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """With goldens the reference has tests of its own."""
    write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    pytester.runpytest().assert_outcomes(passed=6)


def test_a_reference_that_drifted_fails(
    pytester: pytest.Pytester, write_suite: WriteSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Native against its own golden, and the candidate against native."""
    write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    monkeypatch.setenv("ANOTHER_LIBRARY", "2")
    forget_modules()
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*native on images/0.png disagrees with*golden*"])


def test_the_golden_can_be_the_reference(
    pytester: pytest.Pytester, write_suite: WriteSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--parity-reference golden judges against what was recorded."""
    write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    monkeypatch.setenv("ANOTHER_LIBRARY", "2")
    forget_modules()
    result = pytester.runpytest("--parity-reference", "golden")
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines(["*onnx on images/0.png disagrees with*golden*"])


def test_an_edited_network_is_refused_by_name(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """What was recorded is another network's: that is no drift of a library."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    network = home / "network.py"
    network.write_text(network.read_text().replace("[2, 2, 12, 12]", "[2, 2, 14, 12]"))
    result = pytester.runpytest("--parity-reference", "golden")
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines(["*the module network.py changed since it was recorded*"])


def test_a_missing_golden_says_how_to_record(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Asking for goldens that do not exist fails."""
    write_suite(onnx="healthy")
    result = pytester.runpytest("--parity-reference", "golden")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*expected recorded results, found none: *parity record SUITE*"])


def test_a_changed_image_is_named(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """A stale golden is never compared with."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    Image.new("RGB", (64, 48), (41, 40, 40)).save(home / "images" / "0.png")
    result = pytester.runpytest("--parity-reference", "golden")
    result.assert_outcomes(failed=6)
    result.stdout.fnmatch_lines(["*the image images/0.png changed since it was recorded*"])


def test_a_changed_recipe_is_named(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """Which key, what it was, what it is."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    file = home / "parity.toml"
    file.write_text(file.read_text().replace("size = [32, 32]", "size = [32, 32]\nmean = 3"))
    result = pytester.runpytest("--parity-reference", "golden")
    result.stdout.fnmatch_lines(["*preprocess.mean was *0.0* when recorded, now it is *3.0*"])


def test_a_golden_stands_in_where_the_framework_is_missing(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The candidate is judged against the golden and the report says so."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    file = home / "parity.toml"
    native, _, rest = file.read_text().partition("[runtimes.native]")
    _, _, onnx = rest.partition("[runtimes.onnx]")
    missing = '[runtimes.native]\nkind = "tflite"\ninterpreter = "tflite-runtime"\nmodel = "n"\n'
    missing += 'outputs = { boxes = "boxes", scores = "scores" }\n'
    file.write_text(f"{native}{missing}\n[runtimes.onnx]{onnx}")
    path = home / "golden" / "manifest.json"
    manifest = json.loads(path.read_text()) | {"reference": sources.reference(load(home))}
    path.write_text(json.dumps(manifest))
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, skipped=3)
    result.stdout.fnmatch_lines(["*against native (golden*"])
