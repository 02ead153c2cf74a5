"""One file looked at: recognised, read, scanned, and offered to the runtimes that open its kind."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from parity import runtimes
from parity.files import digest
from parity.formats import opened
from parity.formats.contents import Contents
from parity.formats.torch.description import phrase
from parity.inspecting.findings import Inspection
from parity.inspecting.loading import Attempt, views
from parity.inspecting.naming import misnamed

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
    with opened(str(path)) as file:
        content = file.content
        if content.kind == "directory":
            fault = _REMEDIES["directory"]
            if content.phrase.endswith("is a SavedModel"):
                fault = "it is no SavedModel and holds one: name the folder in it that is"
            return Inspection(str(path), "directory", content.phrase, faults=(fault,))
        sha256, size = digest(path)
        contents = None if file.faults() else file.describe() or _of_a_stranger(path)
        if contents is None:
            remedy = _REMEDIES.get(content.phrase) or _REMEDIES.get(content.kind)
            faults = file.faults() or (remedy or _REMEDIES["unknown"],)
            return Inspection(str(path), content.kind, content.phrase, size, sha256, faults=faults)
        code = file.findings()
    content = content._replace(phrase=phrase(content, contents))
    if contents.faults and all(one.startswith("it cannot be scanned") for one in code):
        code = ()  # it is damaged, which the fault says
    notes = (*misnamed(path, content.kind, content.phrase, contents.facts), *contents.notes)
    return Inspection(
        str(path), content.kind, content.phrase, size, sha256, contents, code, notes,
        contents.faults, views(path, content.kind, contents, code, attempt),
    )  # fmt: skip


def _of_a_stranger(path: Path) -> Contents | None:
    """A file whose content nobody here knows, where another package's runtime opens its ending."""
    opener = runtimes.opener("", path.name)
    return None if opener is None else Contents(f"a file that {opener.kind} opens by its ending")


def _state(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What changes when a file does: its identity, its size and its time, for each file."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = []
    for one in files:
        at = os.stat(one)
        found.append((str(one), at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)
