"""The methods of ``export`` tables: what each reads, writes, takes and needs."""

from __future__ import annotations

from dataclasses import dataclass

from parity import runtimes
from parity.runtimes.contract import Library, library_of

_TF, _TORCH, _ORT = (
    runtimes.descriptor(kind).libraries[0] for kind in ("savedmodel", "torch", "onnxruntime")
)
_ONNX, _TF2ONNX, _ONNXSCRIPT = (
    library_of("export", name, name) for name in ("onnx", "tf2onnx", "onnxscript")
)
_TENSORFLOW_MODELS = ("keras", "savedmodel")


@dataclass(frozen=True)
class Method:
    """One way to make an artifact: the file that does it, and what it goes from and to.

    ``reads`` and ``writes`` are kinds of runtimes, empty for any. ``needs`` and ``takes`` are keys
    of the ``export`` table.
    """

    module: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    libraries: tuple[Library, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


METHODS = {
    "savedmodel": Method("savedmodel", _TENSORFLOW_MODELS, ("savedmodel",), (_TF,)),
    "tf2onnx": Method(
        "onnx_from_tensorflow",
        _TENSORFLOW_MODELS,
        ("onnxruntime",),
        (_TF, _ONNX, _TF2ONNX),
        takes=("opset",),
    ),
    "tflite": Method("tflite", _TENSORFLOW_MODELS, ("tflite",), (_TF,)),
    "tflite-float16": Method("tflite", _TENSORFLOW_MODELS, ("tflite",), (_TF,)),
    "tflite-int8": Method(
        "tflite", _TENSORFLOW_MODELS, ("tflite",), (_TF,), needs=("representative",)
    ),
    "torchscript": Method("torchscript", ("torch",), ("torch",), (_TORCH,)),
    "pt2": Method("pt2", ("torch",), ("torch",), (_TORCH,)),
    "torch-onnx": Method(
        "onnx_from_torch",
        ("torch",),
        ("onnxruntime",),
        (_TORCH, _ONNX, _ONNXSCRIPT),
        takes=("opset",),
    ),
    "onnxruntime-int8": Method(
        "onnx_int8",
        ("onnxruntime",),
        ("onnxruntime",),
        (_ONNX, _ORT),
        needs=("representative",),
        takes=("opset",),
    ),
    "function": Method("by_function", (), (), needs=("function",)),
}
