"""What the fuzz and other bad input have found, each as one small file that is made by hand."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from pathlib import Path

import pytest

from parity import runtimes
from parity.inspecting.findings import to_data
from parity.inspecting.looking import inspect
from parity.inspecting.text import text
from parity.runtimes.contract import AdapterError, Artifact
from parity.runtimes.shared.loading import Loading

DAMAGED = "a truncated or damaged zip archive"


def garbled(name: str) -> bytes:
    """An archive whose one member is packed, and is no packed data any more."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(range(256)) * 8)
    data = bytearray(buffer.getvalue())
    start = 30 + len(name)
    data[start : start + 40] = b"\xff" * 40
    return bytes(data)


def encrypted(name: str) -> bytes:
    """An archive whose one member says that it is encrypted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"N.")
    data = bytearray(buffer.getvalue())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize("make", [garbled, encrypted])
def test_a_member_that_cannot_be_unpacked(make: object, tmp_path: Path) -> None:
    """It was an exception of the zip library, in a look and in a load."""
    path = tmp_path / "net.pth"
    path.write_bytes(make("net/data.pkl"))  # type: ignore[operator]
    found = inspect(path, None)
    assert (found.kind, found.phrase) == ("truncated", DAMAGED)
    assert found.faults == ("it is cut off or damaged: copy or export it again",)
    with pytest.raises(AdapterError) as caught:
        runtimes.load("torch")(Artifact(str(path)))
    assert caught.value.facts["found"] == DAMAGED


def test_keras_weights_that_cannot_be_unpacked(tmp_path: Path) -> None:
    """An exception of the zip library in the scan is the fault of the file, and no end of it."""
    path = tmp_path / "net.keras"
    path.write_bytes(garbled("model.weights.h5"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
    found = inspect(path, None)
    assert found.code == ()
    assert found.faults == (
        "it is cut off or damaged: Error -3 while decompressing data: invalid block type; copy or "
        "export it again",
    )


KINDS = ("keras", "savedmodel", "torch", "onnxruntime", "tflite", "recorded")


def found(kind: str, path: Path) -> str:
    """What a load says that it has found."""
    with pytest.raises(AdapterError) as caught:
        runtimes.load(kind)(Artifact(str(path)))
    return str(caught.value.facts["found"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    """Opening one would never end where nobody writes to it."""
    os.mkfifo(tmp_path / "net")
    assert found(kind, tmp_path / "net") == "a pipe, a socket or a device, not a file"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_may_not_be_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own word for it; root may read everything, so the system is stood in for."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"x")

    def refuse(file: object, *more: object, **others: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("builtins.open", refuse)
    assert found(kind, path) == "a file that cannot be read (Permission denied)"


@pytest.mark.parametrize("how", ["longer", "another", "gone"])
def test_a_file_that_changes_while_it_is_loaded(how: str, tmp_path: Path) -> None:
    """What was scanned and what was loaded would be two files; whatever the library made of it."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"first")

    def load() -> None:
        with Loading(str(path), "an ONNX model", "an ONNX model"):
            path.unlink() if how != "longer" else path.write_bytes(b"longer")
            if how == "another":
                path.write_bytes(b"other")

    with pytest.raises(AdapterError) as caught:
        load()
    assert caught.value.facts["reason"] == (
        "it changed while it was loaded: run again when nothing writes to it"
    )


def weighing(path: Path, sizes: list[int]) -> Path:
    """An ONNX file whose one weight claims these sizes."""
    import onnx

    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=sizes)
    graph = onnx.helper.make_graph([], "g", [], [], [weight])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


def test_a_shape_whose_product_nobody_can_write_out(tmp_path: Path) -> None:
    """Python prints no whole number of more than 4,300 digits: it is a fault of the file."""
    pytest.importorskip("onnx")
    found = inspect(weighing(tmp_path / "net.onnx", [2**62] * 700), None)
    assert found.faults == (
        "it is cut off or damaged: the shape of a tensor claims more numbers than any file holds; "
        "copy or export it again",
    )
    assert "damaged" in text([found])
    json.dumps(to_data([found]))


@pytest.mark.parametrize("sizes", [[2**31, 2**31], [2**62, 2**62, 0], [3, 4]])
def test_a_shape_of_a_number_that_can_be_counted(tmp_path: Path, sizes: list[int]) -> None:
    """Large is not wrong, and nothing times anything is nothing."""
    pytest.importorskip("onnx")
    found = inspect(weighing(tmp_path / "net.onnx", sizes), None)
    assert found.faults == ()
    assert found.contents is not None
    assert found.contents.parameters == math.prod(sizes)


def test_a_number_of_many_digits_beside_weights(tmp_path: Path) -> None:
    """It is told by its bits."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pth"
    torch.save({"model": {"w": torch.ones(2)}, "epoch": 1 << 20_000, "step": 7}, path)
    found = inspect(path, None)
    assert found.faults == ()
    assert found.contents is not None
    assert found.contents.facts["entries"] == {
        "model": "1 tensors",
        "epoch": "a number of 20001 bits",
        "step": "7",
    }
