"""The same tiny detector, built for real in every framework, once per test session."""

from __future__ import annotations

import warnings
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np
import pytest

from parity.runtimes.contract import Artifact
from parity.runtimes.shared import tf_common

NET = dedent(
    """
    import torch

    from heads import split


    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Conv2d(3, 4, 3, padding=1)
            self.norm = torch.nn.BatchNorm2d(4)
            self.head = torch.nn.Conv2d(4, 6, 1)

        def forward(self, image):
            x = self.head(torch.relu(self.norm(self.body(image))))
            boxes, scores = split(x.permute(0, 2, 3, 1).reshape(image.shape[0], 64, 6))
            return {"boxes": boxes, "scores": scores.softmax(-1)}


    class Pair(Net):
        def forward(self, image):
            heads = super().forward(image)
            return heads["boxes"], heads["scores"]


    class Nested(Net):
        def forward(self, image):
            return {"heads": list(super().forward(image).values())}


    def not_a_module():
        return 3


    def broken():
        raise RuntimeError("no such backbone")


    def late_import():
        import heads

        assert heads.split
        return Net()
    """
)
HEADS = "def split(x):\n    return x[..., :4], x[..., 4:]\n"
FAKE = dedent(
    """
    import numpy as np

    seen = []


    def heads(feeds):
        image = feeds["image"]
        seen.append(image)
        boxes = image.sum(axis=1).reshape(1, 16, 4)
        return {"boxes": boxes, "scores": image[:, :2].reshape(1, 64, 2)}


    def fails(feeds):
        raise RuntimeError("the fake is broken")


    def not_finite(feeds):
        return {"boxes": np.full((1, 16, 4), np.nan, np.float32)}


    number = 3
    """
)


@pytest.fixture(scope="session")
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite's folder with a torch factory, a sibling of it, and fake runtimes."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "net.py").write_text(NET)
    (folder / "heads.py").write_text(HEADS)
    (folder / "fakes.py").write_text(FAKE)
    return folder


@pytest.fixture(scope="session")
def torch_files(suite_folder: Path) -> Path:
    """net.pth, legacy.pth, whole.pth, script.pt, program.pt2, pair.pt2 beside net.py."""
    torch = pytest.importorskip("torch")
    from parity.runtimes.shared.resolve import resolve, siblings

    torch.manual_seed(0)
    net = resolve("net:Net", str(suite_folder))().eval()
    pair = resolve("net:Pair", str(suite_folder))().eval()
    image = torch.rand(1, 3, 8, 8)
    state = net.state_dict()
    torch.save(state, suite_folder / "net.pth")
    torch.save(state, suite_folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": state}, suite_folder / "nested.pth")
    torch.save({"ema": state, "raw": state}, suite_folder / "two.pth")
    torch.save(net, suite_folder / "whole.pth")
    with warnings.catch_warnings(), siblings(str(suite_folder)):
        warnings.simplefilter("ignore")
        script = torch.jit.trace(net, image, strict=False)
        torch.jit.save(script, str(suite_folder / "script.pt"))
        for module, name in ((net, "program.pt2"), (pair, "pair.pt2")):
            batch = torch.export.Dim("batch", min=1, max=8)
            two = torch.rand(2, 3, 8, 8)
            program = torch.export.export(module, (two,), dynamic_shapes={"image": {0: batch}})
            torch.export.save(program, str(suite_folder / name))
    return suite_folder


@pytest.fixture(scope="session")
def onnx_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.onnx, and external.onnx with its weights in weights.bin."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("onnx")
    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    node = helper.make_node
    nodes = [
        node("Conv", ["image", "w1"], ["body"], pads=[1, 1, 1, 1]),
        node("Relu", ["body"], ["active"]),
        node("Conv", ["active", "w2"], ["head"]),
        node("Transpose", ["head"], ["last"], perm=[0, 2, 3, 1]),
        node("Reshape", ["last", "shape"], ["flat"]),
        node("Split", ["flat", "sizes"], ["boxes", "raw"], axis=-1),
        node("Softmax", ["raw"], ["scores"], axis=-1),
    ]
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", floats, ["N", 3, 8, 8])],
        [
            helper.make_tensor_value_info("boxes", floats, ["N", 64, 4]),
            helper.make_tensor_value_info("scores", floats, ["N", 64, 2]),
        ],
        [
            weight("w1", 4, 3, 3, 3),
            weight("w2", 6, 4, 1, 1),
            numpy_helper.from_array(np.array([0, 64, 6]), "shape"),
            numpy_helper.from_array(np.array([4, 2]), "sizes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "net.onnx")
    onnx.save(
        model,
        folder / "external.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=64,
    )
    return folder


@pytest.fixture(scope="session")
def tensorflow_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.keras, net.h5, saved (SavedModel), float.tflite, int8.tflite."""
    pytest.importorskip("tensorflow")
    tf = tf_common.start(1)
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("tensorflow")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="body")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    boxes = layers.Reshape((-1, 4), name="boxes")(layers.Conv2D(4, 1)(x))
    scores = layers.Softmax(name="scores")(layers.Reshape((-1, 2))(layers.Conv2D(2, 1)(x)))
    model = keras.Model(image, {"boxes": boxes, "scores": scores})
    model.save(folder / "net.keras")
    model.save(folder / "net.h5")
    model.save_weights(folder / "net.weights.h5")
    keras.Model(image, [scores, boxes]).save(folder / "list.keras")
    model.export(folder / "saved", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
    (folder / "float.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: (
        [rng.random((1, 8, 8, 3), dtype=np.float32)] for _ in range(8)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (folder / "int8.tflite").write_bytes(converter.convert())
    return folder


class Case(NamedTuple):
    """One adapter and one real artifact for it."""

    kind: str
    fixture: str
    name: str
    options: dict[str, Any]


_TENSORFLOW = {"interpreter": "tensorflow"}
CASES = {
    "keras": Case("keras", "tensorflow_files", "net.keras", {}),
    "keras-h5": Case("keras", "tensorflow_files", "net.h5", {}),
    "savedmodel": Case("savedmodel", "tensorflow_files", "saved", {}),
    "torch-weights": Case("torch", "torch_files", "net:Net", {}),
    "torch-script": Case("torch", "torch_files", "script.pt", {}),
    "torch-pt2": Case("torch", "torch_files", "program.pt2", {}),
    "onnxruntime": Case("onnxruntime", "onnx_files", "net.onnx", {}),
    "onnx-reference": Case("onnx-reference", "onnx_files", "net.onnx", {}),
    "tflite-float": Case("tflite", "tensorflow_files", "float.tflite", {}),
    "tflite-int8": Case("tflite", "tensorflow_files", "int8.tflite", {}),
    "tflite-builtin": Case("tflite", "tensorflow_files", "int8.tflite", {"delegate": "none"}),
    "tflite-tensorflow": Case("tflite", "tensorflow_files", "float.tflite", _TENSORFLOW),
    "fake": Case("fake", "suite_folder", "fakes:heads", {"inputs": {"image": [1, 3, 8, 8]}}),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a ``case`` runs once for each."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES.values(), ids=list(CASES))


@pytest.fixture
def artifact(case: Case, request: pytest.FixtureRequest) -> Artifact:
    """The artifact of a case of the contract suite."""
    folder: Path = request.getfixturevalue(case.fixture)
    reference = ":" in case.name
    return Artifact(
        model=case.name if reference else str(folder / case.name),
        weights=str(folder / "net.pth") if case.kind == "torch" and reference else None,
        folder=str(folder),
        options=case.options,
    )
