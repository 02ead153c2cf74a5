"""A quantised candidate judged by a tolerance of floats: the int8 one is named, never applied."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from parity.diagnosis import quantised_hint
from parity.harness import check
from parity.suite import load
from parity.suite.tolerance import BUILT_IN

GOLDEN = Path(__file__).parents[2] / "golden"
HINT = (
    "{model} computes in integers ({layers} layers with weights) and is judged by the tolerance "
    '{tolerance}: tolerance = "int8" exists for quantised candidates (a budget over all images), '
    "and is used only where [runtimes.{name}] says so"
)


def hinted(suite: str, name: str, tolerance: str = "float32") -> tuple[str, ...]:
    """What is said of a runtime of a bundled suite under a tolerance."""
    found = load(GOLDEN / suite)
    runtime = replace(found.runtimes[name], tolerance=BUILT_IN[tolerance])
    return quantised_hint(runtime, found.folder)


@pytest.mark.parametrize(
    ("suite", "name", "model", "layers", "library"),
    [
        ("parts_ssd", "tflite_int8", "detector_int8.tflite", "73 of 73", "ai_edge_litert"),
        ("parts_free", "onnx_int8", "detector_int8.onnx", "52 of 58", "onnx"),
    ],
)
@pytest.mark.parametrize("tolerance", ["exact", "float32", "float16"])
def test_a_quantised_file_is_told_of_its_tolerance(
    suite: str, name: str, model: str, layers: str, library: str, tolerance: str
) -> None:
    """The file itself says that it is quantised, whatever its name."""
    pytest.importorskip(library)
    expected = HINT.format(model=model, layers=layers, tolerance=tolerance, name=name)
    assert hinted(suite, name, tolerance) == (expected,)


@pytest.mark.parametrize(
    ("suite", "name", "tolerance"),
    [
        ("parts_ssd", "tflite_int8", "int8"),
        ("parts_ssd", "tflite_float16", "float32"),
        ("parts_ssd", "tflite", "float32"),
        ("parts_free", "onnx", "float32"),
        ("parts_free", "torchscript", "float32"),
    ],
)
def test_nothing_is_said_of_floats_or_where_int8_is_asked_for(
    suite: str, name: str, tolerance: str
) -> None:
    """Weights stored in half precision are no integers."""
    assert hinted(suite, name, tolerance) == ()


def test_a_failure_carries_the_hint_and_stays_a_failure(tmp_path: Path) -> None:
    """The verdict is that of the tolerance that the suite declares."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "suite"
    ignore = shutil.ignore_patterns("golden", "*.pt2", "*.torchscript.pt", "labels.json")
    shutil.copytree(GOLDEN / "parts_free", folder, ignore=ignore)
    file = folder / "parity.toml"
    text = file.read_text().replace('tolerance = "int8"', 'tolerance = "float32"')
    kept = [line for line in text.splitlines() if not line.startswith(("images", "labels"))]
    kept.insert(kept.index("[detector]") + 1, 'images = ["images/001.jpg"]')
    file.write_text("\n".join(kept).replace('reference = "torch"', 'reference = "onnx"'))
    record = check(folder, ("onnx_int8",))
    (runtime,) = [one for one in record.runtimes if one.name == "onnx_int8"]
    assert runtime.verdict == "fail"
    assert "detector_int8.onnx computes in integers (52 of 58 layers with weights)" in (
        " ".join(runtime.hints)
    )
