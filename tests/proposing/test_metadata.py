"""What files say of themselves: ultralytics' metadata, label files, the types of weights."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from parity.proposing.metadata import Metadata, read
from parity.proposing.precision import precision


def onnx_file(path: Path, weights: np.ndarray, **metadata: str) -> Path:
    """A network of one multiplication."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    name = onnx.helper.np_dtype_to_tensor_dtype(weights.dtype)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", name, [None])],
        [helper.make_tensor_value_info("y", name, [None])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, metadata)
    onnx.save(model, str(path))
    return path


def test_names_and_size_of_an_onnx_file(tmp_path: Path) -> None:
    """As ultralytics writes them: Python literals in metadata_props."""
    path = onnx_file(
        tmp_path / "a.onnx", np.ones(3, np.float32), names="{0: 'nut', 1: 'bolt'}", imgsz="[64, 96]"
    )
    assert read(path, "onnx") == Metadata(("nut", "bolt"), (64, 96))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"names": "nonsense(", "imgsz": "big"},
        {"names": "{0: 'a', 2: 'b'}", "imgsz": "[64]"},
        {"names": "['a', 'a']", "imgsz": "[0, 64]"},
        {"names": "[]", "imgsz": "True"},
        {"names": "__import__('os').getcwd()"},
    ],
)
def test_what_is_no_list_of_names_and_no_size_is_not_there(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    """A gap, a repetition, no literal: nothing is guessed, and nothing is run."""
    path = onnx_file(tmp_path / "a.onnx", np.ones(3, np.float32), **metadata)
    assert read(path, "onnx") == Metadata()


def test_labels_that_a_tflite_file_carries(golden_suites: Path, tmp_path: Path) -> None:
    """An archive behind the flatbuffer, with a label file or with ultralytics' metadata."""
    source = golden_suites / "parts_ssd" / "detector.tflite"
    for number, (name, text) in enumerate(
        [("labelmap.txt", "nut\nbolt\n"), ("metadata.json", json.dumps({"names": ["nut", "bolt"]}))]
    ):
        path = tmp_path / f"{number}.tflite"
        shutil.copy(source, path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, text)
        assert read(path, "tflite").names == ("nut", "bolt")
    assert read(source, "tflite") == Metadata()


def test_the_yaml_beside_a_savedmodel(tmp_path: Path) -> None:
    """Only the lines that matter are read."""
    (tmp_path / "metadata.yaml").write_text(
        "stride: 32\nimgsz:\n- 64\n- 96\nnames:\n  0: nut\n  1: 'bolt'\nargs:\n  batch: 1\n"
    )
    assert read(tmp_path, "savedmodel") == Metadata(("nut", "bolt"), (64, 96))


@pytest.mark.parametrize("kind", ["onnx", "tflite", "torchscript", "savedmodel", "keras"])
def test_a_damaged_file_has_no_metadata(tmp_path: Path, kind: str) -> None:
    """That it does not load is told elsewhere."""
    path = tmp_path / "a"
    path.write_bytes(b"\x08\x07PK\x05\x06 damaged")
    assert read(path, kind) == Metadata()
    assert precision(path, kind) == ("float32", "")


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, ("float32", "the weights are float32")),
        (np.float16, ("float16", "100 % of the weights are float16")),
        (np.int8, ("int8", "100 % of the weights are 8-bit integers")),
    ],
)
def test_the_precision_of_an_onnx_file(
    tmp_path: Path, dtype: type, expected: tuple[str, str]
) -> None:
    """By the types of its initializers."""
    assert precision(onnx_file(tmp_path / "a.onnx", np.ones(9, dtype)), "onnx") == expected


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("detector.tflite", "float32"),
        ("detector_float16.tflite", "float16"),
        ("detector_int8.tflite", "int8"),
    ],
)
def test_the_precision_of_a_tflite_file(golden_suites: Path, name: str, tolerance: str) -> None:
    """By the types of its constant tensors."""
    pytest.importorskip("ai_edge_litert")
    assert precision(golden_suites / "parts_ssd" / name, "tflite")[0] == tolerance
