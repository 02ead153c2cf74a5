"""What a file really is, whatever it is called."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from parity.formats import recognise, wire
from parity.runtimes.content import expect
from parity.runtimes.contract import AdapterError

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def phrase(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return recognise(str(path)).phrase


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(LFS, "a Git LFS pointer (the file itself was never fetched)", id="lfs"),
        pytest.param(b"<!DOCTYPE html><html>404", "an HTML page", id="html"),
        pytest.param("hällo\n".encode(), "a text file", id="text"),
        pytest.param(b"\x1f\x8b\x08\x00\x00", "a gzip archive", id="gzip"),
        pytest.param(b'{"message": "Not Found"}', "a server's error message", id="JSON error"),
        pytest.param(
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
            "a server's error message",
            id="XML error",
        ),
        pytest.param(b"\x00\x01\x02\xff\xfe", "a file of unknown content", id="noise"),
        pytest.param(
            pickle.dumps([1, 2]), "a Python pickle that torch.save did not write", id="pickle"
        ),
        pytest.param(b"PK\x03\x04 and no more", "a truncated or damaged zip archive", id="zip-cut"),
        pytest.param(zipped(a=b"1"), "a zip archive that holds no known model", id="zip"),
    ],
)
def test_by_its_bytes(data: bytes, expected: str, tmp_path: Path) -> None:
    """Magic numbers decide, the extension does not."""
    assert phrase(tmp_path / "model.onnx", data) == expected


def test_numpy_files(tmp_path: Path) -> None:
    """Arrays are named as what they are."""
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    assert phrase(tmp_path / "a.onnx", buffer.getvalue()) == "a NumPy archive (.npz)"
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    assert phrase(tmp_path / "b.onnx", buffer.getvalue()) == "a NumPy array (.npy)"


def test_nothing_there(tmp_path: Path) -> None:
    """A path without a file is missing."""
    assert recognise(str(tmp_path / "none.onnx")).kind == "missing"


def test_a_plain_directory(tmp_path: Path) -> None:
    """A directory is only a SavedModel with its protobuf inside."""
    assert recognise(str(tmp_path)).phrase == "a directory without saved_model.pb"
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert recognise(str(tmp_path)).phrase == "a SavedModel directory"


def test_a_zipped_savedmodel(tmp_path: Path) -> None:
    """A SavedModel in a zip archive is told apart from a Keras archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("export/saved_model.pb", b"")
    expected = "a zip archive that holds a SavedModel directory"
    assert phrase(tmp_path / "net.zip", buffer.getvalue()) == expected


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("net.pth", "state-dict", "a zip archive that holds a torch state dict"),
        ("nested.pth", "state-dict", "a zip archive that holds a torch state dict"),
        ("legacy.pth", "state-dict", "a torch state dict"),
        ("whole.pth", "pickle", "a zip archive that holds a pickled Python object"),
        ("script.pt", "torchscript", "a zip archive that holds a TorchScript program"),
        ("program.pt2", "pt2", "a zip archive that holds a torch exported program"),
    ],
)
def test_torch_files(name: str, kind: str, expected: str, torch_files: Path) -> None:
    """Torch's five kinds of file are told apart by their members."""
    found = recognise(str(torch_files / name))
    assert (found.kind, found.phrase) == (kind, expected)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("net.keras", "keras", "a Keras model archive"),
        ("net.h5", "hdf5", "an HDF5 file"),
        ("saved", "savedmodel", "a SavedModel directory"),
        ("int8.tflite", "tflite", "a TFLite flatbuffer"),
        (
            "saved/saved_model.pb",
            "unknown",
            "the saved_model.pb of a SavedModel (name its directory)",
        ),
    ],
)
def test_tensorflow_files(name: str, kind: str, expected: str, tensorflow_files: Path) -> None:
    """Keras' and TensorFlow's files are told apart."""
    found = recognise(str(tensorflow_files / name))
    assert (found.kind, found.phrase) == (kind, expected)


def test_an_onnx_model(onnx_files: Path) -> None:
    """An ONNX model is a protobuf with a graph."""
    assert recognise(str(onnx_files / "net.onnx")).phrase == "an ONNX model"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_onnx_model(share: float, onnx_files: Path, tmp_path: Path) -> None:
    """An ONNX file that was cut off anywhere is told as such."""
    data = (onnx_files / "net.onnx").read_bytes()
    found = phrase(tmp_path / "cut.onnx", data[: int(len(data) * share)])
    assert found == "a truncated protobuf file (an ONNX model cut off?)"


@pytest.mark.parametrize("share", [0.002, 0.2, 0.99])
def test_a_truncated_hdf5_file(share: float, tensorflow_files: Path, tmp_path: Path) -> None:
    """HDF5's superblock says where the file must end."""
    data = (tensorflow_files / "net.h5").read_bytes()
    cut = data[: int(len(data) * share)]
    assert phrase(tmp_path / "cut.h5", cut) == "a truncated HDF5 file"


def test_expect_says_both(tmp_path: Path) -> None:
    """The error names what was expected and what was found."""
    path = tmp_path / "net.onnx"
    path.write_bytes(LFS)
    with pytest.raises(AdapterError) as caught:
        expect(str(path), ("onnx",), "an ONNX model")
    found = "a Git LFS pointer (the file itself was never fetched)"
    assert caught.value.code == "not-downloaded"
    assert caught.value.facts == {
        "content": "lfs",
        "path": str(path),
        "expected": "an ONNX model",
        "found": found,
        "reason": f"the file is {found}, not an ONNX model",
    }


@pytest.mark.parametrize(
    "data", [b"\x0a", b"\x0a\x05ab", b"\x80" * 12, b"\x0d\x00", b"\x07", b"\x00"]
)
def test_malformed_protobufs_raise(data: bytes) -> None:
    """The wire reader never runs past the end, and never loops."""
    with pytest.raises(wire.Malformed):
        list(wire.fields(data))
