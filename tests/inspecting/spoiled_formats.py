"""What is done to protobuf messages, flatbuffers and HDF5 files."""

from __future__ import annotations

import io
import random
import struct
from typing import Any

from spoiled_archives import document
from spoiled_bytes import spoiled

from parity.formats import wire

_SIZES = (0, 1, 4, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)


# Protobuf


def protobuf(data: bytes, rng: random.Random, canary: str) -> bytes:
    """A field somewhere inside is dropped, doubled, moved, or says something else of itself.

    The lengths of what holds it are written anew, but for those that are made wrong on purpose.
    """
    fields = list(wire.fields(data))
    at = rng.randrange(len(fields))
    pieces = [_piece(data, one) for one in fields]
    chosen = fields[at]
    content = data[chosen.start : chosen.end]
    if chosen.wire == wire.BYTES and rng.random() < 0.8 and _is_message(content):
        pieces[at] = _bytes(chosen.number, protobuf(content, rng, canary))
        return b"".join(pieces)
    edit = rng.randrange(6)
    if edit == 0:
        del pieces[at]
    elif edit == 1:
        pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
    elif edit == 2:
        pieces[at] = _bytes(
            rng.choice((chosen.number, 1, 7, 13, 25)), spoiled(content or b"x", rng)
        )
    elif edit == 3:
        pieces[at] = _varint(chosen.number << 3) + _varint(rng.choice((0, 2**31, 2**63, 2**64 - 1)))
    elif edit == 4 and chosen.wire == wire.BYTES:
        pieces[at] = _varint(chosen.number << 3 | 2) + _varint(rng.choice(_SIZES)) + content
    else:
        text = rng.choice(("../" * 6 + "etc/passwd", canary, "com.evil", "", "x" * 9000, "\0"))
        pieces[at] = _bytes(chosen.number, text.encode())
    return b"".join(pieces)


def _is_message(data: bytes) -> bool:
    try:
        return len(list(wire.fields(data))) > 0
    except wire.Malformed:
        return False


def _piece(data: bytes, field: wire.Field) -> bytes:
    content = data[field.start : field.end]
    if field.wire == wire.BYTES:
        return _bytes(field.number, content)
    return _varint(field.number << 3 | field.wire) + content


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


# Flatbuffers


def flatbuffer(data: bytes, rng: random.Random, canary: str) -> bytes:
    """Offsets, counts and vtables that say something else; or another value of the schema."""
    if rng.random() < 0.5:
        return _schema(data, rng)
    found = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(0, len(data) - 4, 4)
        (old,) = struct.unpack_from("<I", found, at)
        value = rng.choice((*_SIZES, old + 4, old - 4, len(data) - at, rng.randrange(len(data))))
        form, limit = rng.choice((("<I", 32), ("<H", 16)))
        struct.pack_into(form, found, at, value % (1 << limit))
    return bytes(found)


def _schema(data: bytes, rng: random.Random) -> bytes:
    """One number or list of the model, anywhere; the rest is written as it was."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    places: list[tuple[Any, str]] = []
    todo = [model]
    while todo:
        one = todo.pop()
        for name, value in vars(one).items():
            if isinstance(value, int | float | list) or hasattr(value, "dtype"):
                places.append((one, name))
            inner = value if isinstance(value, list) else [value]
            todo += [item for item in inner if type(item).__module__ == schema.__name__]
    one, name = rng.choice(places)
    value = getattr(one, name)
    if isinstance(value, bool | int | float):
        other: Any = rng.choice((0, 1, -1, 127, value + 1, 2**31 - 1))
    elif isinstance(value, list):
        other = rng.choice((value[1:], value + value, value[::-1], []))
    else:
        other = value[1:] if rng.random() < 0.5 else value * 0 + rng.choice((-1, 99, 2**31 - 1))
    setattr(one, name, other)
    builder = flatbuffers.Builder(len(data) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


# HDF5


def hdf5(data: bytes, rng: random.Random, canary: str) -> bytes:
    """Attributes, links and datasets, through HDF5 itself."""
    import h5py
    import numpy as np

    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        groups: list[Any] = [file]
        sets: list[Any] = []
        file.visititems(lambda name, one: (sets if hasattr(one, "shape") else groups).append(one))
        group = rng.choice(groups)
        edit = rng.randrange(8)
        if edit <= 2 and "model_config" in file.attrs:
            text = str(file.attrs["model_config"])
            file.attrs["model_config"] = document(text.encode(), rng, canary).decode()
        elif edit == 3:
            _attribute(
                rng.choice([one for one in (*groups, *sets) if len(one.attrs)] or [file]), rng
            )
        elif edit == 4 and len(group):
            del group[rng.choice(list(group))]
        elif edit == 5:
            link = h5py.ExternalLink(canary, "/x") if rng.random() < 0.5 else h5py.SoftLink("/")
            group[rng.choice(("planted", "vars", "0"))] = link
        elif sets:
            _dataset(rng.choice(sets), rng, canary, np)
    return buffer.getvalue()


def _attribute(one: Any, rng: random.Random) -> None:
    name = rng.choice(list(one.attrs) or ["x"])
    value = rng.choice((None, 0, -1, "x", b"\xff", [1, 2], "x" * 30000, ["a", "b"]))
    del one.attrs[name]
    if value is not None:
        one.attrs[rng.choice((name, "keras_version", "backend"))] = value


def _dataset(one: Any, rng: random.Random, canary: str, np: Any) -> None:
    name, file = one.name, one.file
    shape, dtype = one.shape, one.dtype
    del file[name]
    edit = rng.randrange(4)
    if edit == 0:
        file.create_dataset(name, shape, dtype, external=[(canary, 0, 1 << 20)])
    elif edit == 1:
        file.create_dataset(name, (*shape, 2), dtype)
    elif edit == 2:
        file[name] = np.array("text", "S4")
    else:  # claims much, and holds nothing
        file.create_dataset(name, (1 << 20, 1 << 12), "float32", chunks=(1 << 10, 1 << 10))
