"""What each method writes: names, batch, agreement with its source, nothing about its making."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import parity
from parity.export import export
from parity.files import digest
from parity.session import Session
from tests.export.conftest import Tiny

HOLDS_NAMES = ["savedmodel", "tflite", "tflite_float16", "tflite_int8", "onnx_old", "onnx_torch"]
OF_KERAS = ["savedmodel", "tflite", "onnx_old"]
OF_TORCH = ["torchscript", "pt2", "onnx_torch", "copied"]
REPEATABLE = {"net.tflite", "net16.tflite", "net8.tflite", "net.onnx", "net8.onnx"} | {
    "net_torch.onnx", "net.pt", "net.pt2", "copied.pth"
}  # fmt: skip


def session(folder: Path, name: str) -> Session:
    return Session(parity.load_suite(folder).runtimes[name], folder)


@pytest.mark.parametrize("name", [*HOLDS_NAMES, "onnx_int8"])
def test_heads_keep_their_names_and_the_input_is_called_image(exported: Path, name: str) -> None:
    """Positions of torch's outputs become the names of the heads; Keras' own names stay."""
    with session(exported, name) as opened:
        assert [spec.name for spec in opened.inputs] == ["image"]
        assert {spec.name for spec in opened.outputs()} == {"boxes", "scores"}


@pytest.mark.parametrize("name", ["tflite", "tflite_int8", "onnx_old", "onnx_int8", "onnx_torch"])
def test_the_batch_is_one(exported: Path, name: str) -> None:
    """TFLite and ONNX files take exactly one image."""
    with session(exported, name) as opened:
        assert opened.inputs[0].shape is not None
        assert opened.inputs[0].shape[0] == 1


def test_int8_tflite_speaks_float32(exported: Path) -> None:
    """Inside all is integer; input and outputs are real numbers."""
    with session(exported, "tflite_int8") as opened:
        specs = [*opened.inputs, *opened.outputs()]
        assert {spec.dtype for spec in specs} == {"float32"}


@pytest.mark.parametrize(
    ("source", "names"), [("keras", OF_KERAS), ("torch", OF_TORCH)], ids=["keras", "torch"]
)
def test_float_exports_compute_what_their_source_does(
    exported: Path, source: str, names: list[str]
) -> None:
    """On the same image every head differs by less than a millionth."""
    image = np.random.default_rng(2).random((16, 24, 3), dtype=np.float32)
    with session(exported, source) as opened:
        wanted = opened.run(image).heads.values()
    for name in names:
        with session(exported, name) as opened:
            found = opened.run(image).heads.values()
        for one in wanted:
            assert any(one.shape == other.shape for other in found)
            difference = min(np.abs(one - two).max() for two in found if one.shape == two.shape)
            assert difference < 1e-6, name


@pytest.mark.parametrize("name", ["tflite_int8", "onnx_int8"])
def test_quantised_exports_differ_but_little(exported: Path, name: str) -> None:
    """The heads of an int8 export are near the source's and not the same."""
    image = np.random.default_rng(2).random((16, 24, 3), dtype=np.float32)
    with session(exported, "keras") as opened:
        wanted = opened.run(image).heads
    with session(exported, name) as opened:
        found = opened.run(image).heads
    difference = max(np.abs(wanted[head] - found[head]).max() for head in wanted)
    assert 1e-6 < difference < 0.03


def test_the_same_input_gives_the_same_bytes(exported: Path, tiny: Tiny) -> None:
    """A second export, in another folder, writes identical files; a SavedModel alone may differ."""
    export(tiny.folder)
    first = {path.name: digest(path) for path in (exported / "made").iterdir()}
    second = {path.name: digest(path) for path in (tiny.folder / "made").iterdir()}
    assert first.keys() == second.keys() == REPEATABLE | {"saved"}
    assert {name for name in REPEATABLE if first[name] != second[name]} == set()


def test_nothing_tells_where_it_was_made(exported: Path) -> None:
    """No file holds a path of this machine or the made-up name of the suite's folder."""
    secrets = [str(exported).encode(), str(Path(__file__).parents[2]).encode(), b"_parity_suite_"]
    for path in (exported / "made").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [one for one in secrets if one in content] == [], path.name
