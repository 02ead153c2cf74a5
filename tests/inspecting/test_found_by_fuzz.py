"""What the fuzz has found, each as one small file that is made by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from parity import runtimes
from parity.inspecting.looking import inspect
from parity.runtimes.contract import AdapterError, Artifact

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
    assert caught.value.code == "not-loadable"
    assert caught.value.facts["found"] == DAMAGED
