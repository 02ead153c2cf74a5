"""What code a model file would run, found without loading it; ``trust`` allows it.

Keras configurations are searched for Lambda and foreign layers, pickles for what they call,
TorchScript, exported programs and SavedModels for operations that reach outside of tensors.
A scan is a sieve, not a sandbox: it names what it knows to be able to act.
"""

import json
import os
import re
import zipfile
from typing import Any, Iterator, List, Tuple

from . import scan_onnx, scan_pickle, scan_pt2, scan_savedmodel
from .content import Content, recognise
from .contract import AdapterError

_KERAS = re.compile(
    r"keras(\.src)?(\.(layers|models|initializers|regularizers|constraints|activations|ops"
    r"|dtype_policies|quantizers|random|backend|engine|optimizers|losses|metrics)(\.\w+)*)?"
)
_KERAS_CODE = re.compile(
    r"(.*>)?(Lambda|__lambda__|TFSMLayer|TorchModuleWrapper|JaxLayer|FlaxLayer|PyFunc|TFOpLambda"
    r"|SlicingOpLambda)"
)
_FUNCTIONS = re.compile(  # functions that older versions of Keras would fetch by name and call
    r"exec|eval|compile|open|__import__|getattr|setattr|input|breakpoint|load_model"
    r"|model_from_json|get_file|load_weights|save_model"
)
_NAMESPACES = "aten|prim|prims|prepacked|quantized|_quantized|mkldnn|mkldnn_prepacked|torchvision"
_SCRIPT = (
    (re.compile(rf"\bops\.(?!(?:{_NAMESPACES})\.)(\w+\.\w+)"), "it calls {}"),
    (re.compile(r"\bops\.((?:\w+)\.(?:PythonOp|IgnoredPythonOp|rpc_\w+))"), "it calls {}"),
    (re.compile(r"\.(from_file|save|rpc_sync|rpc_async|rpc_remote)\("), "it calls {}()"),
    (re.compile(r"\b(torch\.classes\.\w+(?:\.\w+)?)"), "it uses the native class {}"),
    (re.compile(r"\b(getattr)\("), "it calls {}() with a name made at run time"),
)


def guard(path: str, trust: bool) -> None:
    """Raise ``untrusted`` with everything found in ``path``, unless ``trust`` allows it."""
    if trust:
        return
    found = findings(path)
    if found:
        raise AdapterError("untrusted", path=path, findings=found)


def findings(path: str) -> Tuple[str, ...]:
    """What ``path`` would run beyond tensor operations, one sentence each."""
    content = recognise(path)
    try:
        return tuple(dict.fromkeys(_scan(path, content)))
    except Exception as error:  # whatever cannot be read cannot be judged either
        return (f"it cannot be scanned: {str(error)[:200] or type(error).__name__}",)


def _scan(path: str, content: Content) -> List[str]:
    if content.kind == "savedmodel":
        return scan_savedmodel.findings(path)
    if content.kind == "onnx":
        return scan_onnx.findings(path)
    if content.kind == "hdf5":
        return list(_config(hdf5_config(path)))
    if content.legacy or (content.kind in ("pickle", "state-dict") and not _is_zip(path)):
        with open(path, "rb") as handle:
            return list(scan_pickle.stream_findings(handle).findings)
    if content.kind not in ("keras", "torchscript", "pt2", "pickle", "state-dict"):
        return []
    with zipfile.ZipFile(path) as archive:
        found = _twice(archive)
        if content.kind == "keras":
            config = json.loads(scan_pt2.read(archive, "config.json").decode("utf-8"))
            config.pop("compile_config", None)  # never read: models are loaded with compile=False
            return found + list(_config(config))
        if content.kind == "torchscript":
            return found + _script(archive)
        if content.kind == "pt2":
            return found + scan_pt2.findings(archive)
        return found + list(scan_pickle.archive_findings(archive))


def hdf5_config(path: str) -> Any:
    """The model configuration in a Keras HDF5 file; None where it holds only weights."""
    import h5py

    with h5py.File(path, "r") as handle:
        config = handle.attrs.get("model_config")
    if config is None:
        return None
    text = config.decode("utf-8") if isinstance(config, bytes) else str(config)
    return json.loads(text)


def _config(value: Any) -> Iterator[str]:
    """Every class in a Keras configuration that is not Keras' own, or that holds code."""
    if isinstance(value, list):
        for item in value:
            yield from _config(item)
    if not isinstance(value, dict):
        return
    name, module = value.get("class_name"), value.get("module")
    if isinstance(name, str):
        config = value.get("config")
        label = value.get("name") or (config.get("name") if isinstance(config, dict) else "")
        layer = f" (layer {label!r})" if label else ""
        if _KERAS_CODE.fullmatch(name):
            yield f"{name}{layer} holds Python code"
        elif name == "function" and _FUNCTIONS.fullmatch(str(value.get("config"))):
            yield "the function {} is not a layer{}".format(value["config"], layer)
        elif isinstance(module, str) and not (
            _KERAS.fullmatch(module) or (module == "builtins" and name == "function")
        ):
            yield f"{module}.{name}{layer} is not Keras' own"
        elif ">" in name or ">" in str(value.get("registered_name") or ""):
            yield "{}{} is not Keras' own".format(value.get("registered_name") or name, layer)
    for item in value.values():
        yield from _config(item)


def _script(archive: zipfile.ZipFile) -> List[str]:
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()
        if low.endswith(".py"):
            code = scan_pt2.read(archive, name).decode("utf-8", "replace")
            code = re.sub(r"\s*([.(])\s*", r"\1", code)
            for pattern, sentence in _SCRIPT:
                found += [sentence.format(match) for match in pattern.findall(code)]
        elif low.endswith((".so", ".dll", ".dylib")):
            found.append(f"it holds native code ({name})")
    return sorted(set(found))


def _twice(archive: zipfile.ZipFile) -> List[str]:
    """Readers disagree about which of two members with one name counts, so neither does."""
    names = [name.lower() for name in archive.namelist()]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"two members are named {name}" for name in twice]


def _is_zip(path: str) -> bool:
    with open(path, "rb") as handle:
        return os.path.getsize(path) > 4 and handle.read(2) == b"PK"
