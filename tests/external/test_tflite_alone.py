"""A suite whose only installed runtime is TFLite, judged against the recorded golden."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert")
HIDDEN = ("tensorflow", "keras", "torch", "onnxruntime", "onnx", "tf2onnx")
ALONE = f"""
import sys
from importlib.machinery import PathFinder

class Others(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {HIDDEN} else super().find_spec(name, path, target)

sys.meta_path = [Others if one is PathFinder else one for one in sys.meta_path]
from parity.cli import main
code = main(sys.argv[1:])
assert not set(sys.modules) & set({HIDDEN})
raise SystemExit(code)
"""


def check(suite: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """``parity check SUITE --json`` where nothing but LiteRT is installed."""
    command = [sys.executable, "-c", ALONE, "check", str(suite), "--json", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def suite(tmp_path: Path, golden_suites: Path) -> Path:
    """The bundled SSD with its golden, without its Keras model, as a release has it."""
    folder = shutil.copytree(golden_suites / "parts_ssd", tmp_path / "parts_ssd")
    (folder / "detector.keras").unlink()
    return folder


def test_float_and_int8_agree_with_the_golden(suite: Path) -> None:
    """The native reference is neither installed nor there."""
    done = check(suite, "--runtimes", "tflite,tflite_int8")
    found = {one["name"]: one["verdict"] for one in json.loads(done.stdout)["runtimes"]}
    assert (done.returncode, found["tflite"], found["tflite_int8"]) == (0, "pass", "pass")


def test_a_damaged_export_fails(suite: Path) -> None:
    """The golden is as good a judge as the framework."""
    shutil.copy(suite / "detector_int8.tflite", suite / "detector.tflite")
    done = check(suite, "--runtimes", "tflite")
    assert done.returncode == 1


def test_other_runtimes_are_missing_by_name(suite: Path) -> None:
    """Each with what to install; they are errors unless they may be missing."""
    done = check(suite)
    found = {one["name"]: one for one in json.loads(done.stdout)["runtimes"]}
    assert done.returncode == 3
    assert found["tflite"]["verdict"] == "pass"
    assert "onnxruntime is not installed" in found["onnx"]["failure"]["message"]
    assert check(suite, "--allow-missing").returncode == 0
