"""What a file is, what it would run and what is in it are views of one parse."""

import builtins
import struct
from pathlib import Path
from typing import Any

import pytest

from parity.formats import opened, protobuf


@pytest.mark.parametrize("name", ["detector.onnx", "detector.tflite", "detector.keras"])
def test_a_file_is_read_once_for_all_views(
    name: str, golden_suites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it was recognised, its bytes are fetched one time at most, whatever is asked."""
    path = golden_suites / "parts_ssd" / name
    if not path.is_file():
        pytest.skip(f"no {name} in this suite")
    read: list[object] = []
    plain = builtins.open

    def counted(file: Any, *arguments: Any, **named: Any) -> Any:
        read.append(file)
        return plain(file, *arguments, **named)

    with opened(str(path)) as file:
        monkeypatch.setattr(builtins, "open", counted)
        assert file.findings() == ()
        contents = file.describe()
        assert contents is not None
        assert contents.parameters
        assert file.findings() == ()
        monkeypatch.undo()
    assert len([one for one in read if str(one) == str(path)]) <= 1


def _field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


@pytest.mark.parametrize(("fields", "kind"), [(3, "onnx"), (30, "unknown")])
def test_a_message_of_more_fields_than_any_model_is_none(
    fields: int, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field takes memory, so there is a most; a model is far below it."""
    monkeypatch.setattr(protobuf, "_FIELDS", 20)
    model = b"\x08\x07" + _field(7, b"") + _field(8, b"\x10\x11") * fields
    (tmp_path / "a.onnx").write_bytes(model)
    with opened(str(tmp_path / "a.onnx")) as file:
        assert file.content.kind == kind


@pytest.mark.parametrize(("cut", "kind"), [(0, "onnx"), (1, "truncated")])
def test_a_model_that_is_cut_off_is_told_by_its_own_message(
    cut: int, kind: str, tmp_path: Path
) -> None:
    """A whole message and one whose last field is longer than the file."""
    model = b"\x08\x07" + _field(7, b"") + _field(8, b"\x10\x11")
    (tmp_path / "a.onnx").write_bytes(model[: len(model) - cut])
    with opened(str(tmp_path / "a.onnx")) as file:
        assert file.content.kind == kind


def test_nested_damage_is_a_fault_and_a_finding(tmp_path: Path) -> None:
    """The graph's node claims more bytes than its graph has."""
    model = b"\x08\x07" + _field(7, b"\x0a\x05x") + _field(8, b"\x10\x11")
    (tmp_path / "a.onnx").write_bytes(model)
    with opened(str(tmp_path / "a.onnx")) as file:
        assert file.findings() == ("it cannot be scanned: truncated",)
        assert file.damaged()
        contents = file.describe()
    assert contents is not None
    assert contents.faults[0].startswith("it is cut off or damaged: a protobuf message at byte ")


def test_tables_of_a_flatbuffer_end_inside_of_it(tmp_path: Path) -> None:
    """An offset behind the end is told with its place."""
    (tmp_path / "a.tflite").write_bytes(struct.pack("<I4s", 1000, b"TFL3") + bytes(40))
    with opened(str(tmp_path / "a.tflite")) as file:
        (finding,) = file.findings()
        assert finding == (
            "it cannot be scanned: an offset points to byte 1004, behind the end at 48"
        )
        assert file.damaged()
