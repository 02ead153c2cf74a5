"""One small suite of real runtimes and what its matrix finds, run once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from parity.harness.matrix import matrix
from parity.record.matrix import CellRecord, MatrixRecord
from tests.support import suites

FILES = ("classes.txt", "priors.npy", "detector.onnx", "detector.tflite", "detector_torch.onnx")
IMAGES = ("003.jpg", "009.png")
SSD = {"priors": "priors.npy", "variances": [0.1, 0.2], "background": 0}
ROWS = """
[[matrix]]
name = "onnxruntime"
runtime = "onnx"
cells = [
    { name = "all" },
    { name = "extended", options = { optimization = "extended" } },
    { name = "basic", options = { optimization = "basic" } },
    { name = "disabled", options = { optimization = "disabled" } },
    { name = "threads 2", options = { threads = 2 } },
    { name = "same file", model = "copy.onnx" },
    { name = "other exporter", model = "detector_torch.onnx" },
    { name = "other checkpoint", model = "damaged.onnx" },
    { name = "not there", model = "none.onnx" },
    { name = "no such level", options = { optimization = "most" } },
    { name = "BGR", preprocess = { color = "BGR" } },
]

[[matrix]]
name = "tflite kernels"
runtime = "litert"
cells = [
    { name = "xnnpack", options = { delegate = "xnnpack" } },
    { name = "none", options = { delegate = "none" } },
    { name = "threads 2", options = { threads = 2 } },
]

[[matrix]]
name = "broken export"
runtime = "broken_export"
cells = [
    { name = "as it is" },
    { name = "threads 2", options = { threads = 2 } },
]

[[matrix]]
name = "first cell fails"
runtime = "onnx"
cells = [
    { name = "gone", model = "none.onnx" },
    { name = "here" },
    { name = "gone too", model = "neither.onnx" },
]
"""


def damage(model: Path, target: Path) -> None:
    """Another checkpoint: one convolution in the middle has lost a third of its weights' size."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(model)).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    chosen = convolutions[len(convolutions) // 2].input[1]
    loaded = onnx.load(str(model))
    for tensor in loaded.graph.initializer:
        if tensor.name == chosen:
            smaller = (numpy_helper.to_array(tensor) * np.float32(0.6)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(smaller, chosen))
    onnx.save(loaded, str(target))


@pytest.fixture(scope="session")
def small_suite(tmp_path_factory: pytest.TempPathFactory, golden_suites: Path) -> Path:
    """Two images of the bundled SSD, judged against its TFLite export: no slow framework."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("matrix")
    for name in FILES:
        shutil.copy(golden_suites / "parts_ssd" / name, folder)
    shutil.copy(folder / "detector.onnx", folder / "copy.onnx")
    damage(folder / "detector.onnx", folder / "damaged.onnx")
    (folder / "images").mkdir()
    for name in IMAGES:
        shutil.copy(golden_suites / "parts_ssd" / "images" / name, folder / "images")
    return suites.small_suite(
        folder,
        {
            "litert": suites.runtime("tflite", "detector.tflite"),
            "onnx": suites.runtime("onnxruntime", "detector.onnx"),
            "broken_export": suites.runtime("onnxruntime", "damaged.onnx"),
        },
        name="parts",
        classes="classes.txt",
        images=["images/*"],
        size=(240, 320),
        preprocess={"mean": 127, "std": 128},
        decode={"family": "ssd", "score_threshold": 0.5, "ssd": SSD},
        more=ROWS,
    )


@pytest.fixture(scope="session")
def found(small_suite: Path) -> MatrixRecord:
    """The whole matrix of the small suite."""
    return matrix(small_suite)


@pytest.fixture(scope="session")
def cells(found: MatrixRecord) -> dict[tuple[str, str], CellRecord]:
    """Its cells by row and name."""
    return {(row.name, cell.name): cell for row in found.rows for cell in row.cells}
