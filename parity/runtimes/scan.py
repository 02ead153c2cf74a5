"""What a model file would run is found before it is loaded; ``trust`` allows it.

Keras configurations are searched for Lambda and foreign layers, pickles for what they call,
TorchScript, exported programs and SavedModels for operations that reach outside of tensors.
A scan is a sieve, not a sandbox: it names what it knows to be able to act.
"""

from typing import Tuple

from ..formats import Content, ModelFile, opened
from ..formats.keras.archive import KerasArchive
from ..formats.keras.hdf5_file import Hdf5File
from .contract import AdapterError


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
    found = file.findings()
    if file.damaged():
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
        return file.findings()


def _unread(error: Exception) -> str:
    return f"it cannot be scanned: {str(error)[:200] or type(error).__name__}"
