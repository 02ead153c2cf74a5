"""What a file must be for an adapter to open it, and how another is refused."""

from typing import Sequence

from ..formats import Content, recognise
from .contract import AdapterError

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


def expect(path: str, kinds: Sequence[str], expected: str) -> Content:
    """What ``path`` is, when it is one of ``kinds``; otherwise an AdapterError that says both."""
    return expected_of(recognise(path), path, kinds, expected)


def expected_of(found: Content, path: str, kinds: Sequence[str], expected: str) -> Content:
    """The same of a file that was recognised already."""
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
