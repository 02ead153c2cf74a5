"""PyTorch's zip archives, rewritten: fixed order of bytes, no stack traces, no paths."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

_ALIGNMENT = 64  # PyTorch maps tensors into memory at such offsets
_DATE = (1980, 1, 1, 0, 0, 0)


def members(data: bytes) -> dict[str, bytes]:
    """The archive's members by name without what only tells where and when it was written."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith((".debug_pkl", "/serialization_id"))
        }


def one_class(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """A frozen TorchScript's only class, put into the plain module ``__torch__``.

    Its module is named after the file or folder it came from and numbered through the life of a
    process. An archive with more than one class is returned as it is.
    """
    code = [name for name in contents if "/code/" in f"/{name}" and name.endswith(".py")]
    if len(code) != 1:
        return dict(contents)
    root, _, module = code[0].partition("/code/")
    old = module.removesuffix(".py").replace("/", ".").encode()
    if not old.startswith(b"__torch__."):
        return dict(contents)
    renamed = {}
    for name, content in contents.items():
        if name == code[0]:
            renamed[f"{root}/code/__torch__.py"] = content.replace(old + b".", b"__torch__.")
        elif name.endswith("/data.pkl"):
            # A pickle's GLOBAL is "c" module newline name newline, without any length.
            renamed[name] = content.replace(b"c" + old + b"\n", b"c__torch__\n")
        else:
            renamed[name] = content
    return renamed


def write(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write the members, uncompressed and aligned, as PyTorch reads them."""
    with target.open("wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, _DATE)
            # A local header has 30 bytes, the name, and extra fields of 4 bytes and their content.
            start = stream.tell() + 30 + len(name.encode()) + 4
            padding = -start % _ALIGNMENT
            info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            archive.writestr(info, content)
