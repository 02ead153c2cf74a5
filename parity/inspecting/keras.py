"""Keras files: ``.keras`` archives and HDF5, of Keras 2 and 3, whole or weights only.

The configuration is JSON; it is read and never handed to Keras.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.formats.contents import Contents, Tensor
from parity.formats.shapes import counted, elements
from parity.formats.source import Source, Unreadable, bytes_of, member, unpacked
from parity.inspecting.hdf5 import File, Node
from parity.runtimes import scan_keras

_STATE = ("optimizer", "optimizer_weights")
_TEXT = 64 * 2**20


@dataclass(frozen=True)
class Weights:
    """What an HDF5 file stores: numbers without the optimizer's, tensors, whether all was seen."""

    numbers: int
    tensors: int
    complete: bool


def read_archive(path: Path) -> Contents:
    """A ``.keras`` archive: metadata.json, config.json, model.weights.h5."""
    with zipfile.ZipFile(path) as archive:
        metadata = _json(unpacked(archive, "metadata.json", _TEXT), "metadata.json")
        config = _json(unpacked(archive, "config.json", _TEXT), "config.json")
        weights, faults = None, []
        if "model.weights.h5" in archive.namelist():
            with member(archive, str(path), "model.weights.h5") as data:
                weights = stored(data)
        else:
            faults.append("its member model.weights.h5 is missing: save the model again")
    version = str(metadata.get("keras_version", ""))
    contents = _model(config, version, weights)
    facts = {"saved": str(metadata.get("date_saved", ""))[:40], **contents.facts}
    form = f"{_generation(version)} model archive"
    return _with(contents, form, facts, tuple(faults))


def read_hdf5(path: Path) -> Contents:
    """An HDF5 file: a whole model where it has a ``model_config``, else weights only."""
    with bytes_of(str(path)) as data:
        file = File(data)
        root = file.node(file.root)
        weights = stored(data)
    version = _text(root.attributes.get("keras_version"))
    backend = _text(root.attributes.get("backend"))
    config = root.attributes.get("model_config")
    if config is not None:
        contents = _model(_json(_text(config).encode(), "model_config"), version, weights)
        facts = {
            "backend": backend or None,
            "compiled": "training_config" in root.attributes,
            **contents.facts,
        }
        return _with(contents, f"whole model of {_generation(version)} in HDF5", facts, ())
    legacy = "layer_names" in root.attributes or "model_weights" in root.children
    names = {"layers", "vars", "_layer_checkpoint_dependencies"} & set(root.children)
    if not legacy and not names and not version:
        form = "HDF5 file that Keras did not write"
        return Contents(form, {"groups": sorted(root.children)[:20]}, notes=_unseen(weights))
    generation = _generation(version) if version else "Keras 2" if legacy else "Keras 3"
    note = (
        "it holds weights but no network: build the model in code and call load_weights, or save "
        "the whole model"
    )
    facts = {"backend": backend or None, "tensors": weights.tensors}
    return Contents(
        f"weights only, of {generation} in HDF5",
        facts,
        parameters=weights.numbers if weights.complete else None,
        written_by=_author(version),
        notes=(note, *_unseen(weights)),
    )


def stored(data: Source) -> Weights:
    """Count the datasets of an HDF5 file."""
    file = File(data)
    numbers = tensors = 0
    complete = True
    for path, node in file.walk(file.root):
        complete = complete and not node.unread
        if node.shape is not None and not _is_state(path, node):
            numbers += elements(node.shape)
            tensors += 1
    return Weights(numbers, tensors, complete)


def _is_state(path: str, node: Node) -> bool:
    return (path.split("/")[1:2] and path.split("/")[1] in _STATE) or bool(node.children)


def _model(config: Any, version: str, weights: Weights | None) -> Contents:
    if not isinstance(config, dict) or "class_name" not in config:
        raise Unreadable("its configuration names no class")
    inner = config.get("config")
    inner = inner if isinstance(inner, dict) else {}
    layers = [one for one in inner.get("layers", ()) if isinstance(one, dict)]
    facts = {
        "class": str(config["class_name"]),
        "name": str(inner.get("name", "")),
        "layers": counted(str(one.get("class_name")) for one in _flat(layers)),
        "tensors": weights.tensors if weights else None,
    }
    return Contents(
        "",
        facts,
        tuple(_inputs(layers)),
        tuple(Tensor(name) for name in _ends(inner.get("output_layers")) or _last(layers)),
        weights.numbers if weights and weights.complete else None,
        _author(version),
        _unseen(weights),
    )


def _with(
    contents: Contents, form: str, facts: Mapping[str, Any], faults: tuple[str, ...]
) -> Contents:
    return Contents(
        form,
        facts,
        contents.inputs,
        contents.outputs,
        contents.parameters,
        contents.written_by,
        contents.notes,
        faults,
    )


def _flat(layers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every layer, those of nested models too."""
    todo = list(reversed(layers))
    while todo:
        layer = todo.pop()
        yield layer
        config = layer.get("config")
        inner = config.get("layers", ()) if isinstance(config, dict) else ()
        todo += [one for one in inner if isinstance(one, dict)]


def _inputs(layers: list[dict[str, Any]]) -> Iterator[Tensor]:
    for layer in layers:
        if layer.get("class_name") != "InputLayer":
            continue
        config = layer.get("config", {})
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        name, dtype = str(config.get("name", "")), config.get("dtype")
        if isinstance(dtype, dict):  # a dtype policy
            dtype = dtype.get("config", {}).get("name", "")
        sizes = None
        if isinstance(shape, list):
            sizes = tuple(one if isinstance(one, int) else None for one in shape)
        yield Tensor(name, str(dtype or ""), sizes)


def _ends(value: Any) -> list[str]:
    """Names in [["layer", 0, 0], ...], in one such triple, or in a dict of them."""
    if isinstance(value, dict):
        return [str(name) for name in value]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [value[0]]
    return [name for one in value for name in _ends(one)] if isinstance(value, list) else []


def _last(layers: list[dict[str, Any]]) -> list[str]:
    """A sequential model ends with its last layer."""
    config = layers[-1].get("config") if layers else None
    return [str(config.get("name", ""))] if isinstance(config, dict) else []


def _unseen(weights: Weights | None) -> tuple[str, ...]:
    if weights is None or weights.complete:
        return ()
    return ("some of its groups are stored in the dense form of HDF5, which is not read here",)


def _generation(version: str) -> str:
    major = version.split(".")[0]
    return f"Keras {major}" if major.isdecimal() else "Keras"


def _author(version: str) -> str | None:
    return f"Keras {version}" if version else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(raw: bytes, where: str) -> Any:
    try:
        return json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = str(error)[:120] or type(error).__name__
        raise Unreadable(f"{where} is no JSON: {reason}") from error


def code(path: Path) -> Iterator[str]:
    """What loading an HDF5 file would run, as ``scan.findings`` says it, found without Keras."""
    with bytes_of(str(path)) as data:
        file = File(data)
        root = file.node(file.root)
        if root.unread:
            yield "its attributes are stored in the dense form of HDF5 and cannot be scanned"
        config = root.attributes.get("model_config")
        if config is not None:
            config = _json(_text(config).encode(), "model_config")
            yield from dict.fromkeys(scan_keras.findings(config))
        yield from _elsewhere(file)


def archived_code(path: Path) -> Iterator[str]:
    """The same of a ``.keras`` archive."""
    with zipfile.ZipFile(path) as archive:
        yield from dict.fromkeys(scan_keras.findings(scan_keras.archived_config(archive)))
        for name in archive.namelist():
            if name.lower().endswith((".h5", ".hdf5")):
                with member(archive, str(path), name) as data:
                    for finding in _elsewhere(File(data)):
                        yield f"{name}: {finding}"


def _elsewhere(file: File) -> Iterator[str]:
    """What of an HDF5 file would be read from other files of this machine."""
    for path, node in file.walk(file.root):
        for what in node.elsewhere:
            yield f"its {path}{what}"
