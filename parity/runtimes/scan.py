"""What a model file would run is found before it is loaded; ``trust`` allows it.

Keras configurations are searched for Lambda and foreign layers, pickles for what they call,
TorchScript, exported programs and SavedModels for operations that reach outside of tensors.
A scan is a sieve, not a sandbox: it names what it knows to be able to act. The scanner of one kind
is imported only for a file of that kind.
"""

import json
import zipfile
import zlib
from typing import Any, Callable, Dict, List, Tuple

from ..formats import Content, ModelFile, opened, wire
from ..formats.keras.archive import KerasArchive
from ..formats.keras.hdf5_file import Hdf5File
from .contract import AdapterError

_DAMAGED = (wire.Malformed, zipfile.BadZipFile, zlib.error, EOFError, json.JSONDecodeError,
            UnicodeDecodeError)  # fmt: skip


def guard(path: str, trust: bool) -> None:
    """Raise ``untrusted`` with everything found in ``path``, unless ``trust`` allows it.

    A file that cannot be read because it is cut off or corrupt is ``damaged``: trust mends nothing.
    """
    if trust:
        return
    with opened(path) as file:
        guard_file(file, trust)


def guard_file(file: ModelFile, trust: bool) -> None:
    """As ``guard``, of a file that is open."""
    if trust:
        return
    found, damaged = _scanned(file)
    if damaged:
        raise _damaged(file.path, file.content, found[0])
    if found:
        raise AdapterError("untrusted", path=file.path, findings=found)


def guard_weights(path: str, trust: bool) -> None:
    """As ``guard``, of a Keras file of which weights alone are read, and no configuration."""
    if trust:
        return
    with opened(path) as file:
        try:
            if isinstance(file, (Hdf5File, KerasArchive)):
                found = tuple(file.elsewhere())
            else:
                found = file.findings()
        except Exception as error:
            raise _damaged(path, file.content, _unread(error)) from error
    if found:
        raise AdapterError("untrusted", path=path, findings=found)


def _damaged(path: str, content: Content, reason: str) -> AdapterError:
    phrase = content.phrase
    return AdapterError("damaged", path=path, expected=phrase, found=phrase, reason=reason)


def findings(path: str) -> Tuple[str, ...]:
    """What ``path`` would run beyond tensor operations, one sentence each."""
    with opened(path) as file:
        return findings_of(file)


def findings_of(file: ModelFile) -> Tuple[str, ...]:
    """The same of a file that is open."""
    return _scanned(file)[0]


def _unread(error: Exception) -> str:
    return f"it cannot be scanned: {str(error)[:200] or type(error).__name__}"


def _scanned(file: ModelFile) -> Tuple[Tuple[str, ...], bool]:
    """The findings, and whether they say that the file is cut off or corrupt."""
    scan = _SCANS.get(file.content.kind)
    if scan is None:
        return file.findings(), file.damaged()
    try:
        return tuple(dict.fromkeys(scan(file))), False
    except Exception as error:  # whatever cannot be read cannot be judged either
        return (_unread(error),), isinstance(error, _DAMAGED)


def _savedmodel(file: Any) -> List[str]:
    from . import scan_savedmodel

    return scan_savedmodel.findings(file.path)


def _tflite(file: Any) -> List[str]:
    from . import scan_tflite

    return scan_tflite.findings(file.path)


def _onnx(file: Any) -> List[str]:
    from . import scan_onnx

    return scan_onnx.findings(file.path)


_SCANS: Dict[str, Callable[[ModelFile], List[str]]] = {
    "savedmodel": _savedmodel,
    "tflite": _tflite,
    "onnx": _onnx,
}
