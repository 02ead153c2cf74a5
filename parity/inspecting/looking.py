"""One file looked at: recognised, read, scanned, and offered to the runtimes that open its kind."""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from parity import runtimes
from parity.files import digest
from parity.formats.contents import Contents
from parity.inspecting import (
    checkpoint,
    graphdef,
    keras,
    onnx,
    pt2,
    safetensors,
    savedmodel,
    tflite,
    torch,
)
from parity.inspecting.findings import Inspection
from parity.inspecting.loading import Attempt, views
from parity.inspecting.naming import misnamed
from parity.runtimes import scan, scan_archive
from parity.runtimes.content import Content, recognise

_READERS: dict[str, Callable[[Path], Contents]] = {
    "onnx": onnx.read,
    "tflite": tflite.read,
    "keras": keras.read_archive,
    "hdf5": keras.read_hdf5,
    "savedmodel": savedmodel.read,
    "frozen-graph": graphdef.read,
    "torchscript": torch.read_script,
    "state-dict": torch.read,
    "pickle": torch.read,
    "pt2": pt2.read,
    "safetensors": safetensors.read,
    "checkpoint": checkpoint.inspected,
}
_REMEDIES = {
    "missing": "nothing is there: correct the path",
    "empty": "it is empty: copy or export it again",
    "lfs": "this is a pointer, the model was not downloaded: run git lfs pull",
    "html": "a web page was saved in the place of the file: download it again",
    "text": "it is text, not a model",
    "truncated": "it is cut off or damaged: copy or export it again",
    "directory": "it is a folder and no SavedModel: name the files in it",
    "npz": "it holds arrays, not a model",
    "zip": "no model is recognised in it: unpack it and name what is inside",
    "packed": "it is packed: unpack it and name what is inside",
    "picture": "it is a picture, not a model: name the model's file",
    "unknown": "it is no model of a known format: name another file, or export the model again",
    "the saved_model.pb of a SavedModel (name its directory)": "it is one file of a SavedModel: "
    "name the folder that it lies in",
    "a NumPy array (.npy)": "it holds an array, not a model",
}
_CHECKED = 512 * 2**20  # bytes of an archive's members up to which their checksums are compared


def inspect(path: Path, attempt: Attempt | None) -> Inspection:
    """Look at one file or folder; never raises for what it holds.

    ``attempt`` opens a file in a runtime (see ``attempt``); None tries none.
    """
    try:
        refused = _refused(path)
        if refused is not None:
            return refused
        before = _state(path)
        found = _look(path, attempt)
        if _state(path) != before:
            fault = "it changed while it was read, so nothing that is said of it holds: run again"
            return Inspection(str(path), found.kind, found.phrase, faults=(fault,))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return _unreadable(path, f"it cannot be read: {why}")
    return found


def written_by(path: Path) -> str | None:
    """What wrote a file, by what stands in it; None where that is not said or not to be read."""
    try:
        if _refused(path) is not None or any(_archive_faults(path)):
            return None
        contents = _read(path, recognise(str(path)))
    except (OSError, ValueError):
        return None
    return None if contents is None else contents.written_by


def _refused(path: Path) -> Inspection | None:
    """A pipe or a device never ends, and what cannot be opened cannot be looked at."""
    if path.is_symlink() and not path.exists():
        where = os.readlink(path)
        fault = f"it is a link to {where}, where nothing is: correct the link"
        if _loops(path):
            fault = f"it is a link to {where}, which leads back to it: correct the link"
        return Inspection(str(path), "missing", "nothing", faults=(fault,))
    if not path.exists():
        return _nothing(path)
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        return _unreadable(path, "it is a pipe, a socket or a device, not a file")
    return None


def _loops(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _nothing(path: Path) -> Inspection:
    return Inspection(str(path), "missing", "nothing", faults=(_REMEDIES["missing"],))


def _unreadable(path: Path, fault: str) -> Inspection:
    return Inspection(str(path), "unreadable", "something unreadable", faults=(fault,))


def _look(path: Path, attempt: Attempt | None) -> Inspection:
    content = recognise(str(path))
    if content.kind == "directory":
        fault = _REMEDIES["directory"]
        if content.phrase.endswith("is a SavedModel"):
            fault = "it is no SavedModel and holds one: name the folder in it that is"
        return Inspection(str(path), "directory", content.phrase, faults=(fault,))
    sha256, size = digest(path)
    archived = tuple(_archive_faults(path))
    contents = None if archived else _read(path, content)
    stranger = runtimes.opener("", path.name)  # by the ending alone
    if contents is None and not archived and stranger is not None:
        contents = Contents(f"a file that {stranger.kind} opens by its ending")
    if contents is None:
        remedy = _REMEDIES.get(content.phrase) or _REMEDIES.get(content.kind)
        faults = archived or (remedy or _REMEDIES["unknown"],)
        return Inspection(str(path), content.kind, content.phrase, size, sha256, faults=faults)
    if not contents.faults:
        contents = _checked(path, contents)
    content = content._replace(phrase=torch.phrase(content, contents))
    code = _code(path, content)
    if contents.faults and all(one.startswith("it cannot be scanned") for one in code):
        code = ()  # it is damaged, which the fault says
    notes = (*misnamed(path, content.kind, content.phrase, contents.facts), *contents.notes)
    return Inspection(
        str(path), content.kind, content.phrase, size, sha256, contents, code, notes,
        contents.faults, views(path, content.kind, contents, code, attempt),
    )  # fmt: skip


def _read(path: Path, content: Content) -> Contents | None:
    """The reader's answer; bytes that break their format's promises become a fault."""
    reader = _READERS.get(content.kind)
    if reader is None:
        return None
    try:
        return reader(path)
    except OSError:
        raise
    except Exception as error:  # damaged bytes fail in any way
        why = str(error)[:300] or type(error).__name__
        fault = f"it is cut off or damaged: {why}; copy or export it again"
        return Contents(f"{content.phrase} that is damaged", faults=(fault,))


def _checked(path: Path, contents: Contents) -> Contents:
    """With what the checksums of an archive's members say, where they take no minutes."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return contents
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
            if size > _CHECKED:
                note = f"the checksums of its {size >> 20} MiB were not compared: it is large"
                return dataclasses.replace(contents, notes=(*contents.notes, note))
            bad = archive.testzip()
        fault = f"its member {bad} is damaged, as its checksum says: copy it again"
    except Exception as error:  # as in ``_read``: damaged bytes fail in any way
        bad = fault = f"one of its members cannot be unpacked ({str(error)[:100]}): copy it again"
    if bad is None:
        return contents
    return dataclasses.replace(contents, faults=(*contents.faults, fault))


def _code(path: Path, content: Content) -> tuple[str, ...]:
    """What loading the file would run; HDF5 is read without its library."""
    reader = {"hdf5": keras.code, "keras": keras.archived_code}.get(content.kind)
    if reader is None:
        return scan.findings(str(path))
    try:
        return tuple(reader(path))
    except OSError:
        raise
    except Exception as error:  # as in ``_read``: damaged bytes fail in any way
        return (f"it cannot be scanned: {error}",)


def _archive_faults(path: Path) -> Iterator[str]:
    """What of a zip archive is wrong before anything of it is unpacked."""
    if not path.is_file():
        return
    with open(path, "rb") as handle:
        if handle.read(2) != b"PK":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            for finding in scan_archive.findings(archive):
                cut = finding == scan_archive.NO_END
                remedy = "copy or export it again" if cut else "do not unpack or load it"
                yield f"{finding}: {remedy}"
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError):
        return  # recognised as damaged already


def _state(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What changes when a file does: its identity, its size and its time, for each file."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = []
    for one in files:
        at = os.stat(one)
        found.append((str(one), at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)
