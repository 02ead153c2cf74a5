"""Which runtimes load a file here, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from parity import runtimes
from parity.doctor.libraries import installed, version_of
from parity.formats.contents import Contents
from parity.formats.torch.description import FOREIGN
from parity.inspecting.attempt import Attempted
from parity.inspecting.findings import RuntimeView
from parity.runtimes.contract import Descriptor

Attempt = Callable[[str, Path], Attempted]

_DATA = ("onnx", "tflite", "keras", "hdf5")  # opening these runs none of their own code
_PROGRAM = (
    "it is a program: only a suite that names it should load it; nothing was found in it that "
    "reaches outside of tensors"
)
_UNKNOWN = "whether opening it runs code of the file is not known: a suite that names it loads it"
_WEIGHTS = "it holds weights alone; the code that builds the network must be named beside it"


def views(
    path: Path, kind: str, contents: Contents, code: Sequence[str], attempt: Attempt | None
) -> tuple[RuntimeView, ...]:
    """What each runtime that opens files makes of this one; ``attempt`` None tries none of them."""
    kinds = [one for one in runtimes.descriptors() if one.opens or one.weights or one.suffixes]
    return tuple(_view(one, path, kind, contents, code, attempt) for one in kinds)


def _view(
    runtime: Descriptor,
    path: Path,
    kind: str,
    contents: Contents,
    code: Sequence[str],
    attempt: Attempt | None,
) -> RuntimeView:
    library, version = _library(runtime)
    named = bool(runtime.suffixes) and path.name.lower().endswith(runtime.suffixes)

    def view(verdict: str, reason: str = "") -> RuntimeView:
        return RuntimeView(runtime.kind, library, version, verdict, reason)

    if kind not in (*runtime.opens, *runtime.weights) and not named:
        files = runtime.files or ", ".join(runtime.suffixes) + " files"
        return view("other-kind", f"it opens {files}")
    missing = runtimes.missing(runtime.kind)
    if missing is not None:
        return view("not-installed", missing)
    if contents.faults:
        return view("not-tried", "it cannot work as it is, see above")
    if contents.facts.get("container") == FOREIGN:
        return view("not-tried", "torch.load reads no pickle that torch.save did not write")
    if code:
        return view("refused", "loading it would run code, see above; only with trust = true")
    if kind == "state-dict" and contents.form == "pickled Python object":
        return view("not-tried", "it holds neither a network nor weights by name")
    if contents.form.startswith("weights only") or kind == "state-dict":
        return view("not-tried", _WEIGHTS)
    if kind not in _DATA and not (named and runtime.inert):
        return view("not-tried", _UNKNOWN if named else _PROGRAM)
    if attempt is None:
        return view("not-tried", "only looked at, as --no-load says")
    found = attempt(runtime.kind, path)
    return view("loads") if found.loads else view("fails", found.reason)


def _library(runtime: Descriptor) -> tuple[str, str | None]:
    """What a runtime runs with: its first library, or the package that registers it."""
    if runtime.libraries:
        found = installed(runtime.libraries[0])
        return found.name, found.version
    package = runtimes.provider(runtime.kind) or runtime.kind
    return package, version_of(package)
