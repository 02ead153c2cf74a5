"""What inspect tells of sound files: the format, inputs, outputs, numbers, precision, author."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parity.formats.contents import Tensor
from parity.inspecting.findings import Inspection
from parity.inspecting.looking import inspect

PAIR = ("boxes", (None, 64, 4)), ("scores", (None, 64, 2))


def look(path: Path) -> Inspection:
    """Without trying a runtime."""
    return inspect(path, None)


def facts(found: Inspection) -> Any:
    assert found.contents is not None
    return found.contents.facts


@pytest.mark.parametrize(
    ("name", "kind", "form", "parameters", "author"),
    [
        ("net.onnx", "onnx", "ONNX model", 108, "a <b>maker</b>"),
        ("float.tflite", "tflite", "TFLite model, not quantised", None, "TensorFlow Lite conv"),
        ("net.keras", "keras", "Keras 3 model archive", 142, "Keras 3"),
        ("net.h5", "hdf5", "whole model of Keras 3 in HDF5", 142, "Keras 3"),
        ("net.weights.h5", "hdf5", "weights only, of Keras 3 in HDF5", 142, None),
        ("saved", "savedmodel", "SavedModel", 142, "TensorFlow 2"),
        ("frozen.pb", "frozen-graph", "frozen TensorFlow graph", 142, "TensorFlow (graph ver"),
        ("net.pth", "state-dict", "state dict", 129, None),
        ("legacy.pth", "state-dict", "state dict", 129, None),
        ("checkpoint.pth", "state-dict", "checkpoint with a state dict", 129, None),
        ("whole.pth", "pickle", "whole pickled module", 129, None),
        ("script.pt", "torchscript", "TorchScript program", 129, "torch.jit"),
        ("program.pt2", "pt2", "torch exported program", 129, "torch 2"),
        ("net.safetensors", "safetensors", "weights in safetensors", 6, "torch"),
    ],
)
def test_a_sound_file(
    models: Path, name: str, kind: str, form: str, parameters: int | None, author: str | None
) -> None:
    """Its kind and form, how many numbers it stores, who wrote it, and that nothing is wrong."""
    found = look(models / name)
    contents = found.contents
    assert contents is not None
    assert (found.kind, contents.form, found.faults) == (kind, form, ())
    assert found.exit_code == 0
    if parameters is not None:
        assert contents.parameters == parameters
    assert (contents.written_by or "").startswith(author or "")
    assert (contents.written_by is None) == (author is None)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        (
            "net.onnx",
            [("image", "float32", ("N", 3, 8, 8))],
            [("heads", "float32", ("N", 4, 8, 8))],
        ),
        ("float.tflite", [("image", "float32", (None, 8, 8, 3))], "pair"),
        ("saved", [("image", "float32", (None, 8, 8, 3))], "pair"),
        (
            "net.keras",
            [("image", "float32", (None, 8, 8, 3))],
            [("boxes", "", None), ("scores", "", None)],
        ),
        (
            "net.h5",
            [("image", "float32", (None, 8, 8, 3))],
            [("boxes", "", None), ("scores", "", None)],
        ),
        ("script.pt", [("input", "", None)], []),
        (
            "program.pt2",
            [("input", "float32", (1, 3, 8, 8))],
            [("batch_norm", "float32", (1, 4, 8, 8))],
        ),
    ],
)
def test_inputs_and_outputs(models: Path, name: str, inputs: Any, outputs: Any) -> None:
    """By the names that a runtime will use, with what the file declares and nothing more."""
    if outputs == "pair":
        outputs = [(one, "float32", shape) for one, shape in PAIR]
    contents = look(models / name).contents
    assert contents is not None
    assert contents.inputs == tuple(Tensor(*one) for one in inputs)
    assert contents.outputs == tuple(Tensor(*one) for one in outputs)


@pytest.mark.parametrize(
    ("name", "style", "granularity"),
    [
        ("float.tflite", "none", None),
        ("float16.tflite", "float16", None),
        ("range.tflite", "dynamic range", "per channel"),
        ("full.tflite", "full int8", "per channel"),
        ("full16.tflite", "int16x8", "per channel"),
    ],
)
def test_how_a_tflite_model_is_quantised(
    models: Path, name: str, style: str, granularity: str | None
) -> None:
    """Told from its tensors and operators."""
    found = facts(look(models / name))["quantization"]
    assert (found["style"], found["granularity"]) == (style, granularity)


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("net.onnx", "none"),
        ("qdq_int8.onnx", "QDQ"),
        ("qoperator.onnx", "QOperator"),
        ("dynamic.onnx", "dynamic"),
    ],
)
def test_how_an_onnx_model_is_quantised(models: Path, name: str, style: str) -> None:
    """By quantise/dequantise pairs, by integer operators, while it runs, or not."""
    assert facts(look(models / name))["quantization"]["style"] == style


def test_a_mixed_tflite_model_is_told_with_counts() -> None:
    """Ops on integers beside ops on floats are neither int8 nor float."""
    from parity.formats.tflite.quantization import quantization
    from parity.formats.tflite.subgraphs import Part, Stored

    def tensor(dtype: str, scales: int) -> Stored:
        return Stored(Tensor("x", dtype, (2,)), 0, False, scales)

    tensors = (tensor("int8", 1), tensor("float32", 0))
    ops = (Part.Op(0, (0,), (0,)), Part.Op(0, (1,), (1,)))
    part = Part(tensors, (0,), (1,), ops, ("ADD", "ADD"))
    found = quantization([part])
    assert found["style"] == "mixed"
    assert found["ops"] == {"float": 1, "int8": 1}


def test_flex_ops_are_named_with_the_remedy(models: Path) -> None:
    """They need a runtime that holds TensorFlow."""
    found = look(models / "flex.tflite")
    assert facts(found)["flex_ops"] == ["FlexCholesky"]
    assert found.notes == (
        "it needs TensorFlow's own ops (FlexCholesky), which the interpreters of TFLite run with "
        "the Flex delegate alone: convert it with TFLITE_BUILTINS, or run the SavedModel",
    )


def test_operators_are_counted_with_their_versions(models: Path) -> None:
    """A runtime may know an operator and not its version."""
    assert facts(look(models / "full.tflite"))["ops"]["CONV_2D v3"] == 3
    assert facts(look(models / "full.tflite"))["minimum_runtime"] == "1.14.0"


def test_custom_domains_are_named_with_their_operators(models: Path) -> None:
    """What a runtime must have registered."""
    found = look(models / "custom.onnx")
    assert facts(found)["custom_domains"] == ["com.example"]
    assert found.notes == (
        "its operators of com.example (MyNms) are custom: register their library before it is "
        "loaded",
    )


def test_an_export_of_the_object_detection_api_is_told(models: Path) -> None:
    """By its outputs, and its pipeline.config."""
    found = look(models / "detector")
    assert found.contents is not None
    assert found.contents.form == "SavedModel of the Object Detection API"
    assert facts(found)["object_detection_api"] == "with pipeline.config"
    assert facts(found)["tags"] == ["serve"]


def test_external_data_that_is_there(models: Path) -> None:
    """Each file with what became of it."""
    assert facts(look(models / "external.onnx"))["external_data"] == {"weights.bin": "present"}


def test_what_a_pickle_would_import_is_listed(models: Path) -> None:
    """Read from its opcodes; nothing is imported."""
    found = look(models / "whole.pth")
    assert "torch.nn.modules.container.Sequential" in facts(found)["imports"]
    assert "the pickle calls torch.nn.modules.container.Sequential" in found.code


def test_the_keras_generation_is_told(tmp_path: Path) -> None:
    """Keras 2 wrote the same HDF5 with other versions in it."""
    h5py = pytest.importorskip("h5py")
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 4]}},
        {"class_name": "Dense", "config": {"name": "d"}},
    ]
    import json

    config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "2.11.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        file.create_group("model_weights").create_dataset("d/kernel", (4, 2))
        file.create_group("optimizer_weights").create_dataset("m", (4, 2))
    contents = look(tmp_path / "old.h5").contents
    assert contents is not None
    assert (contents.form, contents.written_by) == (
        "whole model of Keras 2 in HDF5",
        "Keras 2.11.0",
    )
    assert (contents.parameters, contents.inputs) == (8, (Tensor("x", "", (None, 4)),))
    assert contents.outputs == (Tensor("d"),)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("track_order", [False, True])
def test_every_layout_of_hdf5_is_counted(tmp_path: Path, libver: str, track_order: bool) -> None:
    """Old groups, new groups, many attributes: the same answer as HDF5's own library."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w", libver=libver, track_order=track_order) as file:
        file.attrs["keras_version"] = "3.0.0"
        for layer in range(7):
            group = file.create_group(f"layers/layer{layer}/vars", track_order=track_order)
            group.create_dataset("0", (3, 4))
            group.create_dataset("1", (4,))
    contents = look(tmp_path / "a.h5").contents
    assert contents is not None
    assert (contents.parameters, contents.written_by) == (7 * 16, "Keras 3.0.0")


def test_groups_of_the_dense_form_are_counted(tmp_path: Path) -> None:
    """Where links are many, HDF5 stores them in another form: it is read as well."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        for layer in range(40):
            file.create_dataset(f"layers/{layer}", (3,))
    contents = look(tmp_path / "a.h5").contents
    assert contents is not None
    assert contents.parameters == 120


def test_the_published_files(zoo: Path) -> None:
    """Files that nobody here made: their counts agree with what their authors say."""
    found = look(zoo / "ultralight" / "rfb320.onnx").contents
    assert found is not None
    assert (found.written_by, found.parameters) == ("pytorch 1.2", 281135)
    assert look(zoo / "ultralight" / "rfb320.pth").contents.parameters == 281135  # type: ignore[union-attr]
