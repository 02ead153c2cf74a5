"""A tiny detector in Keras and in PyTorch, as a suite that exports it by every method."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.suites import boxes_scores, noise, small_suite, write_pictures

RUNTIMES = """
[runtimes.keras]
kind = "keras"
model = "net.keras"
[runtimes.torch]
kind = "torch"
model = "net:build"
weights = "net.pth"
layout = "NCHW"
[runtimes.savedmodel]
kind = "savedmodel"
model = "made/saved"
export = { method = "savedmodel", from = "keras" }
[runtimes.tflite]
kind = "tflite"
model = "made/net.tflite"
export = { method = "tflite", from = "savedmodel" }
[runtimes.tflite_float16]
kind = "tflite"
model = "made/net16.tflite"
export = { method = "tflite-float16", from = "keras" }
[runtimes.tflite_int8]
kind = "tflite"
model = "made/net8.tflite"
export = { method = "tflite-int8", from = "keras", representative = "net:images" }
[runtimes.onnx_int8]
kind = "onnxruntime"
model = "made/net8.onnx"
export = { method = "onnxruntime-int8", from = "onnx_old", representative = "images/*.png" }
[runtimes.onnx_old]
kind = "onnxruntime"
model = "made/net.onnx"
export = { method = "tf2onnx", from = "keras", opset = 11 }
[runtimes.onnx_torch]
kind = "onnxruntime"
model = "made/net_torch.onnx"
export = { method = "torch-onnx" }
[runtimes.torchscript]
kind = "torch"
model = "made/net.pt"
layout = "NCHW"
export = { method = "torchscript" }
[runtimes.pt2]
kind = "torch"
model = "made/net.pt2"
export = { method = "pt2" }
[runtimes.copied]
kind = "torch"
model = "net:build"
weights = "made/copied.pth"
layout = "NCHW"
export = { method = "function", function = "net:carry" }
"""
NET = dedent(
    """
    import shutil

    import numpy as np


    def build():
        import torch

        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = torch.nn.Conv2d(3, 8, 3, 2, 1)
                self.norm = torch.nn.BatchNorm2d(8)
                self.head = torch.nn.Conv2d(8, 6, 1)

            def forward(self, x):
                x = self.head(torch.relu(self.norm(self.body(x))))
                x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, 6)
                return torch.sigmoid(x[..., 4:]), torch.sigmoid(x[..., :4])

        return Net()


    def images():
        random = np.random.default_rng(0)
        for _ in range(100):
            yield random.integers(0, 256, (20, 30, 3), dtype=np.uint8)


    def carry(source, target):
        shutil.copyfile(source, target)


    def greys():
        yield np.zeros((20, 30), np.uint8)


    def raises():
        raise RuntimeError("no camera here")


    def nothing():
        return []


    number = 3
    """
)


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite's folder but for its ``parity.toml``."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "net.py").write_text(NET)
    pictures = {f"images/{number}.png": noise(32, 48, seed=number) for number in range(2)}
    write_pictures(folder, pictures)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((16, 24, 3), name="anything")
    x = layers.Conv2D(8, 3, 2, padding="same")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    raw = layers.Conv2D(4, 1)(x)
    boxes = layers.Activation("sigmoid", name="boxes")(layers.Reshape((-1, 4))(raw))
    raw = layers.Conv2D(2, 1)(x)
    scores = layers.Activation("sigmoid", name="scores")(layers.Reshape((-1, 2))(raw))
    keras.Model(image, [scores, boxes]).save(folder / "net.keras")
    torch.manual_seed(0)
    from parity.runtimes.shared.resolve import resolve

    torch.save(resolve("net:build", str(folder))().state_dict(), folder / "net.pth")
    return folder


class Tiny:
    """A private copy of the tiny suite, whose runtimes a test may rewrite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(RUNTIMES)

    def write(self, runtimes: str, reference: str = "torch") -> Path:
        """Write ``parity.toml`` with these runtimes; its path."""
        small_suite(
            self.folder,
            {},
            reference=reference,
            images=["images/*.png"],
            size=(16, 24),
            preprocess="range = [0, 1]",
            decode=boxes_scores(normalized=True),
            more=dedent(runtimes),
        )
        return self.folder / "parity.toml"


@pytest.fixture
def tiny(tiny_files: Path, tmp_path: Path) -> Tiny:
    """The tiny suite, exports of every method declared, none made."""
    return Tiny(Path(shutil.copytree(tiny_files, tmp_path / "suite")))


@pytest.fixture(scope="session")
def exported(tiny_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny suite with everything exported."""
    from parity.export import export

    folder = tmp_path_factory.mktemp("exported") / "suite"
    tiny = Tiny(Path(shutil.copytree(tiny_files, folder)))
    export(tiny.folder)
    return folder
