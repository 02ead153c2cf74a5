"""What a Keras configuration would run: Lambda layers, foreign classes, functions by name."""

import builtins
import re
from typing import Any, Iterator

_KERAS = re.compile(
    r"keras(\.src)?(\.(layers|models|initializers|regularizers|constraints|activations|ops"
    r"|dtype_policies|quantizers|random|backend|engine|optimizers|losses|metrics)(\.\w+)*)?"
)
_KERAS_CODE = re.compile(
    r"(.*>)?(Lambda|__lambda__|TFSMLayer|TorchModuleWrapper|JaxLayer|FlaxLayer|PyFunc|TFOpLambda"
    r"|SlicingOpLambda|ClassMethod)"
)
_PYTHONS = {*dir(builtins), "exit", "quit", "help"}  # the last are there with ``site`` only
_FUNCTIONS = re.compile(  # functions that older versions of Keras would fetch by name and call
    r"exec|eval|compile|open|__import__|getattr|setattr|input|breakpoint|TFSMLayer"
    r"|TorchModuleWrapper|Lambda|get_file|(load|save|register)_\w+|(de)?serialize\w*|clear_session"
    r"|\w+_from_(json|yaml|config|directory)|enable_unsafe_deserialization"
)


def findings(value: Any) -> Iterator[str]:
    """Every class in a Keras configuration that is not Keras' own, or that holds code."""
    if isinstance(value, list):
        for item in value:
            yield from findings(item)
    if not isinstance(value, dict):
        return
    name, module = value.get("class_name"), value.get("module")
    config = value.get("config")
    if isinstance(name, str):
        if isinstance(module, str):  # Keras looks up one with the other: "keras", "layers.Lambda"
            module, _, name = f"{module}.{name}".rpartition(".")
        label = value.get("name") or (config.get("name") if isinstance(config, dict) else "")
        layer = f" (layer {label!r})" if label else ""
        if _KERAS_CODE.fullmatch(name):
            yield f"{name}{layer} holds Python code"
        elif name == "__typespec__":  # whatever it names is made from a list
            type_ = ".".join(str(value[key]) for key in ("module", "spec_name") if value.get(key))
            yield f"the type {type_} is not a layer{layer}"
        elif name == "function" and (
            _FUNCTIONS.fullmatch(str(config).split(".")[-1])
            or (module == "builtins" and str(config) in _PYTHONS)
        ):
            yield f"the function {config} is not a layer{layer}"
        elif isinstance(module, str) and not (
            _KERAS.fullmatch(module) or (module == "builtins" and name == "function")
        ):
            yield f"{module}.{name}{layer} is not Keras' own"
        elif _FUNCTIONS.fullmatch(name):
            yield f"the function {name} is not a layer{layer}"
        elif ">" in name or ">" in str(value.get("registered_name") or ""):
            yield "{}{} is not Keras' own".format(value.get("registered_name") or name, layer)
    if isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        yield "{} reads the file {}".format(name, config["vocabulary"])
    for item in value.values():
        yield from findings(item)
