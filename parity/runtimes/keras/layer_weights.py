"""How the weights in a Keras file differ from those that its own configuration asks for.

The model is built from the configuration and saved in the same format, so that both sides bear the
names that this Keras gives them.
"""

import contextlib
import importlib
import io
import json
import logging
import os
import re
import tempfile
import zipfile
from typing import Any, Dict, Iterator, Tuple

from .saving import configuration

Shapes = Dict[str, Tuple[int, ...]]


def differences(keras: Any, path: str, **settings: Any) -> Dict[str, Any]:
    """``missing``, ``unexpected`` and ``mismatched`` as a state dict's; empty where unknown.

    ``settings`` are those of ``load_model``.
    """
    try:
        archived = zipfile.is_zipfile(path)
        model = _built(keras, path, archived, settings)
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "wanted.keras" if archived else "wanted.h5")
            with _unadvised():
                model.save(target)
            wanted = dict(_shapes(target, archived))
        held = dict(_shapes(path, archived))
        names = _labels(model) if archived else {}
    except Exception:  # it is only asked for after a failure, whose words are told then
        return {}

    def label(name: str) -> str:
        return names.get(name, name)

    return {
        "missing": tuple(label(name) for name in wanted if name not in held),
        "unexpected": tuple(label(name) for name in held if name not in wanted),
        "mismatched": tuple(
            (label(name), shape, held[name])
            for name, shape in wanted.items()
            if held.get(name, shape) != shape
        ),
    }


@contextlib.contextmanager
def _unadvised() -> Iterator[None]:
    """Keras logs that HDF5 is an old format, which whoever has such a file cannot help."""
    log = logging.getLogger("absl")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _built(keras: Any, path: str, archived: bool, settings: Dict[str, Any]) -> Any:
    custom = settings.get("custom_objects")
    config = configuration(path)
    if archived:
        safe = settings.get("safe_mode", True)
        return keras.saving.deserialize_keras_object(config, custom, safe_mode=safe)
    try:  # Keras 3 keeps what reads these configurations to itself
        module = importlib.import_module("keras.src.legacy.saving.saving_utils")
    except ImportError:
        return keras.models.model_from_json(json.dumps(config), custom)
    return module.model_from_config(config, custom_objects=custom)


def _shapes(path: str, archived: bool) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    import h5py

    if not archived:
        with h5py.File(path, "r") as handle:
            yield from _listed(handle["model_weights"])
        return
    with zipfile.ZipFile(path) as archive:
        data = io.BytesIO(archive.read("model.weights.h5"))
    found: Shapes = {}
    with h5py.File(data, "r") as handle:
        handle.visititems(
            lambda name, item: found.update({name: item.shape}) if hasattr(item, "shape") else None
        )
    yield from ((name, shape) for name, shape in found.items() if not name.startswith("optimizer"))


def _listed(group: Any) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """The weights that an older file lists for each layer."""
    for layer in group.attrs["layer_names"]:
        inner = group[_text(layer)]
        for name in inner.attrs["weight_names"]:
            yield re.sub(r":0$", "", _text(name)), tuple(inner[_text(name)].shape)


def _text(name: Any) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)


def _labels(model: Any) -> Dict[str, str]:
    """ "layers/conv2d/vars/0" → "body/kernel", for the layers that lie directly in the model.

    An archive calls layers by their class, with a number where one comes again.
    """
    found: Dict[str, str] = {}
    seen: Dict[str, int] = {}
    for layer in model.layers:
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", _worded(type(layer).__name__)).lower()
        count = seen[name] = seen.get(name, -1) + 1
        place = f"layers/{name}_{count}" if count else f"layers/{name}"
        own = layer._trainable_variables + layer._non_trainable_variables
        for index, variable in enumerate(own):
            found[f"{place}/vars/{index}"] = f"{layer.name}/{variable.name}"
    return found


def _worded(name: str) -> str:
    """As Keras does it: "ReLU" → "Re_LU", "Conv2D" stays."""
    name = re.sub(r"\W+", "", name)
    return re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
