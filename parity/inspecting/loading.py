"""Which runtimes load a file here, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from parity import runtimes
from parity.doctor.libraries import ADAPTERS, installed
from parity.formats.contents import Contents
from parity.inspecting import torch
from parity.inspecting.attempt import Attempted
from parity.inspecting.findings import RuntimeView

Attempt = Callable[[str, Path], Attempted]

_OPENS = {
    "keras": (("keras", "hdf5"), "Keras models (.keras or .h5)"),
    "savedmodel": (("savedmodel",), "SavedModel folders"),
    "torch": (
        ("torchscript", "pt2", "state-dict", "pickle"),
        "TorchScript, .pt2 and state dicts",
    ),
    "onnxruntime": (("onnx",), "ONNX models"),
    "tflite": (("tflite",), "TFLite models"),
}
_DATA = ("onnx", "tflite", "keras", "hdf5")  # opening these runs none of their own code
_PROGRAM = (
    "it is a program: only a suite that names it should load it; nothing was found in it that "
    "reaches outside of tensors"
)
_WEIGHTS = "it holds weights alone; the code that builds the network must be named beside it"


def views(
    path: Path, kind: str, contents: Contents, code: Sequence[str], attempt: Attempt | None
) -> tuple[RuntimeView, ...]:
    """What each built-in runtime makes of the file; ``attempt`` None tries none of them."""
    return tuple(_view(one, path, kind, contents, code, attempt) for one in _OPENS)


def _view(
    runtime: str,
    path: Path,
    kind: str,
    contents: Contents,
    code: Sequence[str],
    attempt: Attempt | None,
) -> RuntimeView:
    library = ADAPTERS[runtime][0]
    version = installed(library).version
    kinds, opens = _OPENS[runtime]

    def view(verdict: str, reason: str = "") -> RuntimeView:
        return RuntimeView(runtime, library, version, verdict, reason)

    if kind not in kinds:
        return view("other-kind", f"it opens {opens}")
    missing = runtimes.missing(runtime)
    if missing is not None:
        return view("not-installed", missing)
    if contents.faults:
        return view("not-tried", "it cannot work as it is, see above")
    if contents.facts.get("container") == torch.FOREIGN:
        return view("not-tried", "torch.load reads no pickle that torch.save did not write")
    if code:
        return view("refused", "loading it would run code, see above; only with trust = true")
    if kind == "state-dict" and contents.form == "pickled Python object":
        return view("not-tried", "it holds neither a network nor weights by name")
    if contents.form.startswith("weights only") or kind == "state-dict":
        return view("not-tried", _WEIGHTS)
    if kind not in _DATA:
        return view("not-tried", _PROGRAM)
    if attempt is None:
        return view("not-tried", "only looked at, as --no-load says")
    found = attempt(runtime, path)
    return view("loads") if found.loads else view("fails", found.reason)
