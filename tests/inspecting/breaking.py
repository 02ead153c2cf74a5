"""What is done to sound files so that they are bad ones."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Make = Callable[[Path, Path], Path]


def raw(name: str, data: bytes) -> Make:
    """A file of these bytes."""

    def make(models: Path, folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def named(source: str, name: str) -> Make:
    """A sound file under another name."""

    def make(models: Path, folder: Path) -> Path:
        shutil.copy(models / source, folder / name)
        return folder / name

    return make


def joined(name: str, *sources: str) -> Make:
    """Sound files one behind the other, in one."""

    def make(models: Path, folder: Path) -> Path:
        (folder / name).write_bytes(b"".join((models / one).read_bytes() for one in sources))
        return folder / name

    return make


def edited(source: str, edit: Callable[[bytes], bytes]) -> Make:
    """A sound file whose bytes were edited."""

    def make(models: Path, folder: Path) -> Path:
        path = folder / Path(source).name
        path.write_bytes(edit((models / source).read_bytes()))
        return path

    return make


def cut(source: str, share: float = 0.5) -> Make:
    """The first part of a sound file."""
    return edited(source, lambda data: data[: int(len(data) * share)])


def replaced(source: str, old: bytes, new: bytes) -> Make:
    """A sound file in which some bytes are others."""

    def edit(data: bytes) -> bytes:
        assert old in data, f"{old!r} is not in {source}"
        return data.replace(old, new)

    return edited(source, edit)


def rezipped(source: str, change: Callable[[dict[str, bytes]], Any]) -> Make:
    """A sound archive whose members, by the end of their names, were changed."""

    def edit(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    return edited(source, edit)


def without(tail: str) -> Callable[[dict[str, bytes]], Any]:
    """Drop the members whose name ends so."""

    def change(members: dict[str, bytes]) -> None:
        found = [name for name in members if name.endswith(tail)]
        assert found, f"no member ends with {tail}"
        for name in found:
            del members[name]

    return change


def holding(tail: str, content: bytes) -> Callable[[dict[str, bytes]], Any]:
    """Replace the content of the members whose name ends so."""

    def change(members: dict[str, bytes]) -> None:
        found = [name for name in members if name.endswith(tail)]
        assert found, f"no member ends with {tail}"
        members.update(dict.fromkeys(found, content))

    return change


def saved(change: Callable[[Path], Any]) -> Make:
    """A SavedModel to which something was done."""

    def make(models: Path, folder: Path) -> Path:
        shutil.copytree(models / "saved", folder / "saved")
        change(folder / "saved")
        return folder / "saved"

    return make


def external(change: Callable[[Path], Any], location: str | None = None) -> Make:
    """An ONNX model with its weights beside it, to which something was done."""

    def make(models: Path, folder: Path) -> Path:
        data = (models / "external.onnx").read_bytes()
        if location is not None:
            assert len(location) == len("weights.bin")
            data = data.replace(b"weights.bin", location.encode())
        (folder / "external.onnx").write_bytes(data)
        shutil.copy(models / "weights.bin", folder / "weights.bin")
        change(folder / "weights.bin")
        return folder / "external.onnx"

    return make


def shortened(path: Path) -> None:
    """Half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def tflite(source: str, change: Callable[[Any], Any]) -> Make:
    """A TFLite model whose schema object was changed and written again."""

    def edit(data: bytes) -> bytes:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT.InitFromPackedBuf(data, 0)
        change(model)
        builder = flatbuffers.Builder(len(data) + 1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return edited(source, edit)


def onnx(source: str, change: Callable[[Any], Any]) -> Make:
    """An ONNX model that was changed and written again."""

    def edit(data: bytes) -> bytes:
        import onnx

        model = onnx.ModelProto.FromString(data)
        change(model)
        return bytes(model.SerializeToString())

    return edited(source, edit)


def arrays(name: str) -> Make:
    """A NumPy archive."""
    buffer = io.BytesIO()
    np.savez(buffer, boxes=np.zeros(3))
    return raw(name, buffer.getvalue())


def zipped(**members: bytes) -> bytes:
    """An archive of these members; a double underscore is a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()
