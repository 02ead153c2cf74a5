"""The formats, in the order in which they are asked whether a file is theirs: the one list."""

import os
import zipfile
import zlib
from typing import Callable, Optional, Tuple

from . import foreign, safetensors
from .archive import others
from .archive.zip_file import Archive
from .content import Content
from .keras import archive as keras_archive
from .keras import hdf5_file
from .model_file import ModelFile, Start, start
from .onnx import model as onnx_model
from .protobuf import Opened
from .tensorflow import checkpoint as tensorflow_checkpoint
from .tensorflow import graph, saved_model
from .tflite import model as tflite_model
from .torch import checkpoint, plain, program, script

# A member that is encrypted or of an unknown method is a RuntimeError.
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)


def opened(path: str) -> ModelFile:
    """The file or folder at ``path``; what cannot be read is one too, and says so."""
    if not os.path.exists(path):
        return ModelFile(path, Content("missing", "nothing"))
    if not os.path.isdir(path) and not os.path.isfile(path):  # to open a pipe waits for a writer
        phrase = "a pipe, a socket or a device, not a file"
        return ModelFile(path, Content("unreadable", phrase))
    try:
        return saved_model.of_folder(path) if os.path.isdir(path) else _file(start(path))
    except OSError as error:
        why = error.strerror or type(error).__name__
        return ModelFile(path, Content("unreadable", f"a file that cannot be read ({why})"))


def recognise(path: str) -> Content:
    """What the file or folder at ``path`` is."""
    with opened(path) as file:
        return file.content


def written_by(path: str) -> Optional[str]:
    """What wrote a file, by what stands in it; None where that is not said or not to be read."""
    try:
        with opened(path) as file:
            contents = None if file.faults() else file.describe()
    except (OSError, ValueError):
        return None
    return None if contents is None else contents.written_by


def _file(begun: Start) -> ModelFile:
    for ask in FILES:
        found = ask(begun)
        if found is not None:
            return found
    return ModelFile(begun.path, Content("unknown", "a file of unknown content"))


def _archive(begun: Start) -> Optional[ModelFile]:
    """A zip archive, of the first format that knows it."""
    if begun.head[:4] not in (b"PK\x03\x04", b"PK\x05\x06"):
        return None
    try:
        archive = Archive(begun.path)
    except _BAD_ZIP:
        return ModelFile(begun.path, others.TRUNCATED)
    try:
        if archive.whole():
            return next(filter(None, (ask(archive) for ask in ARCHIVES)))
    except _BAD_ZIP:  # in what is unpacked to see what it is
        pass
    return others.Unread(archive, others.TRUNCATED)


def _message(begun: Start) -> Optional[ModelFile]:
    """A protobuf message, which does not say what it is, of the first format that knows it."""
    top = Opened(begun.path)
    broken = top.message.broken
    if broken is None or broken.truncated:
        for ask in MESSAGES:
            found = ask(begun.path, top)
            if found is not None:
                return found
    top.close()
    return None


MESSAGES: Tuple[Callable[[str, Opened], Optional[ModelFile]], ...] = (
    graph.of_message,
    onnx_model.of_message,
    saved_model.of_message,
)
ARCHIVES: Tuple[Callable[[Archive], Optional[ModelFile]], ...] = (
    keras_archive.of_archive,
    program.of_archive,
    script.of_archive,
    checkpoint.of_archive,
    others.of_archive,
)
FILES: Tuple[Callable[[Start], Optional[ModelFile]], ...] = (
    foreign.of_nothing,
    _archive,
    tflite_model.of_file,
    hdf5_file.of_file,
    plain.of_file,
    safetensors.of_file,
    foreign.of_file,
    tensorflow_checkpoint.of_file,
    _message,
)
