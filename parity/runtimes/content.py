"""What a file really is, told from its bytes: names and extensions lie. Standard library only."""

import mmap
import os
import re
import struct
import zipfile
import zlib
from typing import Any, NamedTuple, Optional, Sequence, Set, Tuple

from . import wire
from .contract import AdapterError

_GRAPH_FIELDS = {(1, wire.BYTES), (2, wire.BYTES), (3, wire.VARINT), (4, wire.BYTES)}
_MODELS = ("onnx", "tflite", "keras", "torchscript", "pt2", "savedmodel", "frozen-graph")
_CODES = {
    "unreadable": "not-loadable",
    "empty": "damaged",
    "truncated": "damaged",
    "lfs": "not-downloaded",
    "html": "not-downloaded",
    "state-dict": "weights-alone",
    "safetensors": "weights-alone",
}
# A member that is encrypted or of an unknown method is a RuntimeError.
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
_ANSWER = re.compile(  # what stores answer where a file is not there or not to be had
    r"\s*(<\?xml[^>]*>\s*)?<Error>|\s*\{\s*\"(message|error|errors|detail)\"\s*:"
)
_LFS = b"version https://git-lfs"
POINTER = "is a Git LFS pointer, whose file was never fetched (git lfs pull)"
PLAIN_PICKLE = "a Python pickle that torch.save did not write"
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


_TABLE_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_FOREIGN = (
    ("packed", "a gzip archive", b"\x1f\x8b", 0),
    ("packed", "a bzip2 archive", b"BZh", 0),
    ("packed", "an xz archive", b"\xfd7zXZ\0", 0),
    ("packed", "a Zstandard archive", b"\x28\xb5\x2f\xfd", 0),
    ("packed", "a 7z archive", b"7z\xbc\xaf\x27\x1c", 0),
    ("packed", "a RAR archive", b"Rar!\x1a\x07", 0),
    ("packed", "a tar archive", b"ustar", 257),
    ("picture", "a PNG picture", b"\x89PNG\r\n\x1a\n", 0),
    ("picture", "a JPEG picture", b"\xff\xd8\xff", 0),
    ("picture", "a GIF picture", b"GIF8", 0),
    ("text", "a PDF document", b"%PDF-", 0),
)


class Content(NamedTuple):
    """What was found: a stable ``kind`` for code and a ``phrase`` for messages.

    Kinds: missing, unreadable, directory, savedmodel, empty, lfs, html, text, onnx, tflite, hdf5,
    keras, torchscript, pt2, state-dict, pickle, safetensors, frozen-graph, checkpoint, npz, zip,
    packed, picture, truncated, unknown.
    ``legacy`` is true for a torch checkpoint that is no zip archive.
    """

    kind: str
    phrase: str
    legacy: bool = False


def expect(path: str, kinds: Sequence[str], expected: str) -> Content:
    """What ``path`` is, when it is one of ``kinds``; otherwise an AdapterError that says both."""
    found = recognise(path)
    if found.kind == "missing":
        raise AdapterError("missing-file", path=path, expected=expected)
    if found.kind not in kinds:
        raise AdapterError(
            _refusal(found.kind, "state-dict" in kinds),
            path=path,
            expected=expected,
            found=found.phrase,
            content=found.kind,
            reason=f"the file is {found.phrase}, not {expected}",
        )
    return found


def _refusal(kind: str, weights: bool) -> str:
    """The code for a file of this kind where another was wanted, or weights were."""
    if weights and kind in (*_MODELS, "safetensors"):
        return "model-as-weights" if kind in _MODELS else "other-format"
    return _CODES.get(kind, "other-format")


def recognise(path: str) -> Content:
    """What the file or folder at ``path`` is."""
    if not os.path.exists(path):
        return Content("missing", "nothing")
    if not os.path.isdir(path) and not os.path.isfile(path):  # to open a pipe waits for a writer
        return Content("unreadable", "a pipe, a socket or a device, not a file")
    try:
        return _directory(path) if os.path.isdir(path) else _file(path)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return Content("unreadable", f"a file that cannot be read ({why})")


def is_pointer(path: str) -> bool:
    """Whether Git LFS has left the file's address in its place."""
    with open(path, "rb") as handle:
        return handle.read(len(_LFS)) == _LFS


def _file(path: str) -> Content:
    size = os.path.getsize(path)
    if size == 0:
        return Content("empty", "an empty file")
    with open(path, "rb") as handle:
        head = handle.read(4096)
    if head.startswith(_LFS):
        return Content("lfs", "a Git LFS pointer (the file itself was never fetched)")
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path)
    if head[4:8] == b"TFL3":
        return Content("tflite", "a TFLite flatbuffer")
    if head.startswith(HDF5_MAGIC):
        return _hdf5(head, size)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _pickle(path)
    if _is_safetensors(head, size):
        return Content("safetensors", "a safetensors file (weights alone)")
    known = _plain(head) or _checkpoint(path, size) or _protobuf(path)
    return known or Content("unknown", "a file of unknown content")


def _checkpoint(path: str, size: int) -> Optional[Content]:
    """TensorFlow's checkpoints: an index, which is a table of LevelDB, and data that are bare."""
    with open(path, "rb") as handle:
        handle.seek(max(0, size - 8))
        if size >= 48 and handle.read() == _TABLE_MAGIC:
            return Content("checkpoint", "the index of a TensorFlow checkpoint")
    stem, dot, shard = path.rpartition(".data-")
    if dot and re.fullmatch(r"\d{5}-of-\d{5}", shard) and os.path.isfile(stem + ".index"):
        return Content("checkpoint", "the data of a TensorFlow checkpoint")
    return None


def _directory(path: str) -> Content:
    names = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
    if any(os.path.isfile(os.path.join(path, name)) for name in names):
        return Content("savedmodel", "a SavedModel directory")
    for name in sorted(os.listdir(path)):  # as TensorFlow Serving numbers them
        if os.path.isfile(os.path.join(path, name, "saved_model.pb")):
            return Content("directory", f"a directory whose folder {name} is a SavedModel")
    return Content("directory", "a directory without saved_model.pb")


def _zip(path: str) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            # a cut archive may end with a whole one that was stored in it, which zipfile then reads
            if not any(item.header_offset == 0 for item in archive.infolist()):
                return Content("truncated", "a truncated or damaged zip archive")
            return _zip_of(archive.namelist(), archive)
    except _BAD_ZIP:
        return Content("truncated", "a truncated or damaged zip archive")


def _zip_of(names: Sequence[str], archive: zipfile.ZipFile) -> Content:
    tails = {name.split("/", 1)[-1] for name in names} | set(names)
    if {"config.json", "metadata.json"} <= set(names):
        return Content("keras", "a Keras model archive")
    if "archive_format" in tails or "serialized_exported_program.json" in tails:
        return Content("pt2", "a zip archive that holds a torch exported program")
    if "constants.pkl" in tails or any(tail.startswith("code/") for tail in tails):
        return Content("torchscript", "a zip archive that holds a TorchScript program")
    if "data.pkl" in tails:
        from ..formats.pickles import calls
        from . import scan_archive

        # what is wrong with the archive is told by whoever scans it; a bomb is not unpacked here
        if not scan_archive.findings(archive) and calls.archive_findings(archive):
            return Content("pickle", "a zip archive that holds a pickled Python object")
        return Content("state-dict", "a zip archive that holds a torch state dict")
    if "saved_model.pb" in {name.rsplit("/", 1)[-1] for name in names}:
        return Content("zip", "a zip archive that holds a SavedModel directory")
    if names and all(name.endswith(".npy") for name in names):
        return Content("npz", "a NumPy archive (.npz)")
    return Content("zip", "a zip archive that holds no known model")


def _hdf5(head: bytes, size: int) -> Content:
    """The superblock says where the file ends (HDF5 file format specification, section II.A)."""
    end_at = {0: 40, 1: 44}.get(head[8] if len(head) > 8 else -1, 28)
    end = struct.unpack_from("<Q", head, end_at)[0] if len(head) >= end_at + 8 else size + 1
    if end > size:
        return Content("truncated", "a truncated HDF5 file")
    return Content("hdf5", "an HDF5 file")


def _pickle(path: str) -> Content:
    with open(path, "rb") as handle:
        from ..formats.pickles import calls

        found = calls.stream_findings(handle)
    if not found.torch:
        return Content("pickle", PLAIN_PICKLE)
    if found.findings:
        return Content("pickle", "a pickled Python object", legacy=True)
    return Content("state-dict", "a torch state dict", legacy=True)


def _is_safetensors(head: bytes, size: int) -> bool:
    """The length of a JSON header, then the header."""
    length = struct.unpack_from("<Q", head)[0] if len(head) > 9 else 0
    return head[8:9] == b"{" and 2 <= length <= 100_000_000 and b'"' in head[9:12] + head[-1:]


def _plain(head: bytes) -> Optional[Content]:
    if head.startswith(b"\x93NUMPY"):
        return Content("unknown", "a NumPy array (.npy)")
    for kind, phrase, magic, at in _FOREIGN:
        if head[at : at + len(magic)] == magic:
            return Content(kind, phrase)
    try:
        text = head.decode("utf-8") if len(head) < 4096 else head[:-3].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    if any(ord(char) < 32 and char not in "\t\n\r\f" for char in text):
        return None
    if text.lstrip()[:9].lower() in ("<!doctype", "<html") or text.lstrip().lower()[:5] == "<html":
        return Content("html", "an HTML page")
    if _ANSWER.match(text):
        return Content("html", "a server's error message")
    return Content("text", "a text file")


def _protobuf(path: str) -> Optional[Content]:
    """ONNX's ModelProto has a graph (7) and opsets (8); a SavedModel has only fields 1 and 2.

    A GraphDef is a list of nodes (1), functions (2) and versions (4).
    """
    seen: Set[Tuple[int, int]] = set()
    truncated = graph = False
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            for field in wire.fields(data):
                if not seen:
                    graph = _is_node(data, field)
                seen.add((field.number, field.wire))
        except wire.Malformed as error:
            truncated = error.truncated
            if not truncated:
                return None
    if graph and seen <= _GRAPH_FIELDS:
        if truncated:
            return Content("truncated", "a truncated protobuf file (a frozen graph cut off?)")
        return Content("frozen-graph", "a frozen TensorFlow graph (GraphDef)")
    if (1, wire.VARINT) not in seen:
        return None
    if truncated:
        return Content("truncated", "a truncated protobuf file (an ONNX model cut off?)")
    if (7, wire.BYTES) in seen:
        return Content("onnx", "an ONNX model")
    if seen <= {(1, wire.VARINT), (2, wire.BYTES)} and (2, wire.BYTES) in seen:
        return Content("unknown", "the saved_model.pb of a SavedModel (name its directory)")
    return None


def _is_node(data: Any, field: wire.Field) -> bool:
    """Whether the field is a NodeDef: a name (1), an op that is one word (2), texts."""
    if (field.number, field.wire) != (1, wire.BYTES):
        return False
    try:
        inner = list(wire.fields(data, field.start, field.end))
    except wire.Malformed:
        return False
    ops = [wire.text(data, one) for one in inner if (one.number, one.wire) == (2, wire.BYTES)]
    shaped = all(one.wire == wire.BYTES and one.number <= 8 for one in inner)
    return shaped and len(ops) == 1 and ops[0].replace("_", "").replace(">", "").isalnum()
