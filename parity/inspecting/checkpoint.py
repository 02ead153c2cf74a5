"""The index of a TensorFlow checkpoint: shapes of its variables, and which files hold them.

Source: tensorflow/core/protobuf/tensor_bundle.proto, and LevelDB's table format (footer, blocks
of entries whose keys share prefixes). TensorFlow writes the index without compression.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity.formats import wire
from parity.formats.contents import Contents
from parity.formats.foreign import is_pointer
from parity.formats.shapes import elements
from parity.formats.source import Unreadable
from parity.inspecting.graphdef import shape
from parity.inspecting.protobuf import Message

_MAGIC = 0xDB4775248B80FB57
_LARGEST = 256 * 2**20
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True)
class Checkpoint:
    """Shapes by variable, and the data files that are needed and are not there or too short."""

    variables: dict[str, tuple[int, ...]]
    missing: tuple[str, ...]


def read(index: Path) -> Checkpoint:
    """Read a ``variables.index``. Raises Unreadable."""
    if index.stat().st_size > _LARGEST:
        raise Unreadable(f"{index.name} is larger than {_LARGEST} bytes")
    if is_pointer(str(index)):
        raise Unreadable(f"{index.name} is a Git LFS pointer (git lfs pull)")
    data = index.read_bytes()
    if len(data) < 48 or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise Unreadable(f"{index.name} is truncated or damaged")
    try:
        return _read(data, index)
    except wire.Malformed as error:
        raise Unreadable(f"{index.name} is damaged") from error


def inspected(path: Path) -> Contents:
    """A checkpoint by its index, or by one of its data files beside it."""
    index = path
    if path.suffix != ".index":
        index = path.with_name(path.name.rpartition(".data-")[0] + ".index")
    found = read(index)
    return Contents(
        "TensorFlow checkpoint",
        {"variables": len(found.variables)},
        parameters=sum(elements(sizes) for sizes in found.variables.values()),
        notes=(
            "it holds weights but no network: restore it into the network that it was saved from "
            "and save that as a SavedModel or a .keras file",
        ),
        faults=found.missing,
    )


def _read(data: bytes, index: Path) -> Checkpoint:
    at = len(data) - 48
    for _ in range(2):  # the handle of the metaindex, which is not needed
        _, at = wire.varint(data, at, len(data))
    offset, at = wire.varint(data, at, len(data))
    size, _ = wire.varint(data, at, len(data))
    variables: dict[str, tuple[int, ...]] = {}
    ends: dict[int, int] = {}
    shards = 1
    for _, handle in _entries(data, offset, size):
        start, then = wire.varint(handle, 0, len(handle))
        length, _ = wire.varint(handle, then, len(handle))
        for key, value in _entries(data, start, length):
            entry = Message(value)
            if not key:
                shards = entry.number(1, 1)
                continue
            shard = entry.number(3)
            ends[shard] = max(ends.get(shard, 0), entry.number(4) + entry.number(5))
            sizes = shape(entry.message(2)) or ()
            if key.decode("utf-8", "replace") != _OBJECT_GRAPH:
                variables[key.decode("utf-8", "replace")] = tuple(one or 0 for one in sizes)
    return Checkpoint(variables, tuple(_missing(index, shards, ends)))


def _missing(index: Path, shards: int, ends: dict[int, int]) -> Iterator[str]:
    for shard, end in sorted(ends.items()):
        name = f"{index.stem}.data-{shard:05d}-of-{shards:05d}"
        path = index.with_name(name)
        if not path.is_file():
            yield f"its {name} is missing: copy the whole folder"
        elif is_pointer(str(path)):
            yield f"its {name} is a Git LFS pointer, it was not downloaded: run git lfs pull"
        elif path.stat().st_size < end:
            yield f"its {name} has {path.stat().st_size} bytes of {end}: copy it again"


def _entries(data: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; each key repeats the beginning of the one before it."""
    end = start + size
    if end + 5 > len(data) or size < 4 or data[end] != 0:
        raise Unreadable("a block of the checkpoint's index is damaged or compressed")
    stop = end - 4 - 4 * int.from_bytes(data[end - 4 : end], "little")
    key, at = b"", start
    while at < stop:
        shared, at = wire.varint(data, at, stop)
        fresh, at = wire.varint(data, at, stop)
        length, at = wire.varint(data, at, stop)
        key = key[:shared] + data[at : at + fresh]
        at += fresh
        yield key, data[at : at + length]
        at += length
