"""An ONNX file is examined once before a runtime loads it; its weights must all be there."""

import os

from ..formats import Content, ModelFile, opened
from ..formats.foreign import POINTER, is_pointer
from ..formats.onnx.external import External
from ..formats.onnx.model import OnnxModel
from . import content, scan
from .contract import AdapterError, Artifact


def examined(artifact: Artifact, expected: str) -> Content:
    """An ONNX model, of which nothing runs but what is trusted, and whose weights are whole."""
    with opened(artifact.model) as file:
        found = content.expected_of(file.content, file.path, ("onnx",), expected)
        scan.guard_file(file, artifact.trust)
        _check_external(file, expected)
        return found


def _check_external(file: ModelFile, expected: str) -> None:
    """Raise ``external-data`` for the first file of weights that is missing or too short."""
    folder = os.path.dirname(file.path)
    for one in file.externals() if isinstance(file, OnnxModel) else ():
        problem = _problem(os.path.join(folder, one.location), one)
        if problem:
            raise AdapterError(
                "external-data",
                path=file.path,
                expected=expected,
                file=one.location,
                problem=problem,
                reason=f"its weights are expected in {one.location}, which {problem}",
            )


def _problem(target: str, one: External) -> str:
    if not os.path.isfile(target):
        return "is not there"
    if is_pointer(target):
        return POINTER
    if os.path.getsize(target) < one.end:
        return f"has {os.path.getsize(target)} bytes of the {one.end} that are needed"
    return ""
