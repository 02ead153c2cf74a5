"""Weights of an ONNX file that lie beside it must be there, and whole."""

import os

from ..formats import opened
from ..formats.foreign import POINTER, is_pointer
from ..formats.onnx.external import External
from ..formats.onnx.model import OnnxModel
from .contract import AdapterError


def check_external(path: str, expected: str) -> None:
    """Raise ``external-data`` for the first file of weights that is missing or too short."""
    with opened(path) as file:
        for one in file.externals() if isinstance(file, OnnxModel) else ():
            problem = _problem(os.path.join(os.path.dirname(path), one.location), one)
            if problem:
                raise AdapterError(
                    "external-data",
                    path=path,
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
