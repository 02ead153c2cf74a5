"""The index of a TensorFlow checkpoint: shapes of its variables, and which files hold them.

Source: tensorflow/core/protobuf/tensor_bundle.proto, and LevelDB's table format (footer, blocks
of entries whose keys share prefixes). TensorFlow writes the index without compression.
"""

import os
import re
from dataclasses import dataclass
from typing import Dict, Iterator, Optional, Tuple

from .. import wire
from ..content import Content
from ..contents import Contents
from ..foreign import is_pointer
from ..model_file import ModelFile, Start
from ..protobuf import Message
from ..shapes import elements
from ..source import Unreadable
from .graph import shape

_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_LARGEST = 256 * 2**20
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True)
class Checkpoint:
    """Shapes by variable, and the data files that are needed and are not there or too short."""

    variables: Dict[str, Tuple[int, ...]]
    missing: Tuple[str, ...]


def read(index: str) -> Checkpoint:
    """Read a ``variables.index``. Raises Unreadable."""
    name = os.path.basename(index)
    if os.path.getsize(index) > _LARGEST:
        raise Unreadable(f"{name} is larger than {_LARGEST} bytes")
    if is_pointer(index):
        raise Unreadable(f"{name} is a Git LFS pointer (git lfs pull)")
    with open(index, "rb") as handle:
        data = handle.read()
    if len(data) < 48 or data[-8:] != _MAGIC:
        raise Unreadable(f"{name} is truncated or damaged")
    try:
        return _read(data, index)
    except wire.Malformed as error:
        raise Unreadable(f"{name} is damaged") from error


class CheckpointFile(ModelFile):
    """A checkpoint by its index, or by one of its data files beside it."""

    def __init__(self, path: str, index: str, phrase: str) -> None:
        super().__init__(path, Content("checkpoint", phrase))
        self._index = index

    def _contents(self) -> Contents:
        found = read(self._index)
        return Contents(
            "TensorFlow checkpoint",
            {"variables": len(found.variables)},
            parameters=sum(elements(sizes) for sizes in found.variables.values()),
            notes=(
                "it holds weights but no network: restore it into the network that it was saved "
                "from and save that as a SavedModel or a .keras file",
            ),
            faults=found.missing,
        )


def of_file(start: Start) -> Optional[ModelFile]:
    """An index, which is a table of LevelDB, and data that are bare and have an index beside."""
    if start.size >= 48:
        with open(start.path, "rb") as handle:
            handle.seek(start.size - 8)
            if handle.read() == _MAGIC:
                phrase = "the index of a TensorFlow checkpoint"
                return CheckpointFile(start.path, start.path, phrase)
    stem, dot, shard = start.path.rpartition(".data-")
    if dot and re.fullmatch(r"\d{5}-of-\d{5}", shard) and os.path.isfile(stem + ".index"):
        phrase = "the data of a TensorFlow checkpoint"
        return CheckpointFile(start.path, stem + ".index", phrase)
    return None


def _read(data: bytes, index: str) -> Checkpoint:
    at = len(data) - 48
    for _ in range(2):  # the handle of the metaindex, which is not needed
        _, at = wire.varint(data, at, len(data))
    offset, at = wire.varint(data, at, len(data))
    size, _ = wire.varint(data, at, len(data))
    variables: Dict[str, Tuple[int, ...]] = {}
    ends: Dict[int, int] = {}
    shards = 1
    for _, handle in _entries(data, offset, size):
        start, then = wire.varint(handle, 0, len(handle))
        length, _ = wire.varint(handle, then, len(handle))
        for key, value in _entries(data, start, length):
            entry = Message(value).sound()
            if not key:
                shards = entry.number(1, 1)
                continue
            shard = entry.number(3)
            ends[shard] = max(ends.get(shard, 0), entry.number(4) + entry.number(5))
            sizes = shape(entry.message(2)) or ()
            if key.decode("utf-8", "replace") != _OBJECT_GRAPH:
                variables[key.decode("utf-8", "replace")] = tuple(one or 0 for one in sizes)
    return Checkpoint(variables, tuple(_missing(index, shards, ends)))


def _missing(index: str, shards: int, ends: Dict[int, int]) -> Iterator[str]:
    folder, stem = os.path.dirname(index), os.path.splitext(os.path.basename(index))[0]
    for shard, end in sorted(ends.items()):
        name = f"{stem}.data-{shard:05d}-of-{shards:05d}"
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            yield f"its {name} is missing: copy the whole folder"
        elif is_pointer(path):
            yield f"its {name} is a Git LFS pointer, it was not downloaded: run git lfs pull"
        elif os.path.getsize(path) < end:
            yield f"its {name} has {os.path.getsize(path)} bytes of {end}: copy it again"


def _entries(data: bytes, start: int, size: int) -> Iterator[Tuple[bytes, bytes]]:
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
