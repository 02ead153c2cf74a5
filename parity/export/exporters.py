"""The methods of ``export`` tables: what each reads, writes and needs, and the call of its file."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from parity import runtimes
from parity.errors import ExportError, ParityError
from parity.export.console import Console
from parity.runtimes.contract import Library, library_of
from parity.runtimes.shared.libraries import absent
from parity.runtimes.shared.reasons import reason

if TYPE_CHECKING:
    from parity.export.job import Job
    from parity.export.plan import Step
    from parity.suite import Suite

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


def check(step: Step, suite: Suite) -> None:
    """Raise ``ExportError`` where a library that the step needs is not installed."""
    for library in METHODS[step.table.method].libraries:
        if absent(library) is not None:
            raise ExportError(
                step.name,
                f"expected {library.name} for method = {step.table.method!r}, found that it is "
                f"not installed; install it with: {library.install}",
            )


def run(job: Job, target: Path) -> tuple[str, ...]:
    """Make the artifact at ``target``; what there is to know about it."""
    method = METHODS[job.step.table.method]
    exporter = importlib.import_module(f"parity.export.{method.module}")
    with Console() as console:
        try:
            notes: tuple[str, ...] = exporter.make(job, target)
        except ParityError:
            raise
        except Exception as error:  # an exporter raises whatever it likes
            raise ExportError(job.step.name, _words(job, error, console.tail())) from error
    if not target.exists():
        raise ExportError(job.step.name, f"expected a file from {job.label}, found none")
    return notes


def _words(job: Job, error: Exception, printed: list[str]) -> str:
    text = f"expected {job.label} to convert {job.source.name}, found {reason(error)}"
    if printed:
        text += "\n  it printed last:\n" + "\n".join(f"    {line}" for line in printed)
    return text
