"""What code a model file would run, found without loading it; ``trust`` allows it.

Keras configurations are searched for Lambda and foreign layers, pickles for what they call,
TorchScript, exported programs and SavedModels for operations that reach outside of tensors.
A scan is a sieve, not a sandbox: it names what it knows to be able to act. The scanner of one kind
is imported only for a file of that kind.
"""

import json
import os
import re
import zipfile
import zlib
from typing import List, Tuple

from . import scan_archive, wire
from .content import Content, recognise
from .contract import AdapterError

_DAMAGED = (wire.Malformed, zipfile.BadZipFile, zlib.error, EOFError, json.JSONDecodeError,
            UnicodeDecodeError)  # fmt: skip
_CUT = re.compile(
    r"(?:[\w./]+: )?the pickle cannot be read: "
    r"(?:pickle exhausted|expected \d+ bytes|not enough data|no newline found|unexpected)"
)


def guard(path: str, trust: bool) -> None:
    """Raise ``untrusted`` with everything found in ``path``, unless ``trust`` allows it.

    A file that cannot be read because it is cut off or corrupt is ``damaged``: trust mends nothing.
    """
    if trust:
        return
    content = recognise(path)
    try:
        found = tuple(dict.fromkeys(_scan(path, content)))
    except Exception as error:
        found = (_unread(error),)
        if isinstance(error, _DAMAGED) or (
            content.kind in ("hdf5", "keras") and isinstance(error, OSError)
        ):
            raise _damaged(path, content, found[0]) from error
    if found and all(_CUT.match(one) for one in found):
        raise _damaged(path, content, found[0])
    if found:
        raise AdapterError("untrusted", path=path, findings=found)


def guard_weights(path: str, trust: bool) -> None:
    """As ``guard``, of a Keras file of which weights alone are read, and no configuration."""
    if trust:
        return
    from . import scan_hdf5

    content = recognise(path)
    try:
        if content.kind == "hdf5":
            found = tuple(scan_hdf5.findings(path))
        else:
            with zipfile.ZipFile(path) as archive:
                faults = scan_archive.findings(archive)
                found = tuple(faults or scan_hdf5.archived_findings(archive))
    except Exception as error:
        raise _damaged(path, content, _unread(error)) from error
    if found:
        raise AdapterError("untrusted", path=path, findings=found)


def _damaged(path: str, content: Content, reason: str) -> AdapterError:
    phrase = content.phrase
    return AdapterError("damaged", path=path, expected=phrase, found=phrase, reason=reason)


def findings(path: str) -> Tuple[str, ...]:
    """What ``path`` would run beyond tensor operations, one sentence each."""
    content = recognise(path)
    try:
        return tuple(dict.fromkeys(_scan(path, content)))
    except Exception as error:  # whatever cannot be read cannot be judged either
        return (_unread(error),)


def _unread(error: Exception) -> str:
    return f"it cannot be scanned: {str(error)[:200] or type(error).__name__}"


def _scan(path: str, content: Content) -> List[str]:
    if content.kind == "savedmodel":
        from . import scan_savedmodel

        return scan_savedmodel.findings(path)
    if content.kind == "tflite":
        from . import scan_tflite

        return scan_tflite.findings(path)
    if content.kind == "onnx":
        from . import scan_onnx

        return scan_onnx.findings(path)
    if content.kind == "hdf5":
        from . import scan_hdf5, scan_keras

        found = list(scan_keras.findings(scan_keras.hdf5_config(path)))
        return found + list(scan_hdf5.findings(path))
    if content.legacy or (content.kind in ("pickle", "state-dict") and not _is_zip(path)):
        from ..formats.pickles import calls

        with open(path, "rb") as handle:
            return list(calls.stream_findings(handle).findings)
    if content.kind not in ("keras", "torchscript", "pt2", "pickle", "state-dict"):
        return []
    with zipfile.ZipFile(path) as archive:
        found = scan_archive.findings(archive)
        return found if found else _archived(archive, content.kind)


def _archived(archive: zipfile.ZipFile, kind: str) -> List[str]:
    if kind == "keras":
        from . import scan_hdf5, scan_keras

        found = list(scan_keras.findings(scan_keras.archived_config(archive)))
        return found + list(scan_hdf5.archived_findings(archive))
    if kind == "torchscript":
        from . import scan_torchscript

        return scan_torchscript.findings(archive)
    if kind == "pt2":
        from . import scan_pt2

        return scan_pt2.findings(archive)
    from ..formats.pickles import calls

    return list(calls.archive_findings(archive))


def _is_zip(path: str) -> bool:
    with open(path, "rb") as handle:
        return os.path.getsize(path) > 4 and handle.read(2) == b"PK"
