"""Torch's exported programs (.pt2): JSON documents in a zip archive; nothing is evaluated.

Source: the PT2 archive specification and torch/_export/serde/schema.py (ScalarType numbers of
the schema's own enum).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.formats.contents import Contents, Tensor
from parity.formats.shapes import counted, elements
from parity.formats.source import Unreadable, unpacked

_DOCUMENT = 128 * 2**20
_DTYPES = (
    "", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex32",
    "complex64", "complex128", "bool", "bfloat16", "uint16",
)  # fmt: skip


def read(path: Path) -> Contents:
    """What an exported program declares."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        models = [
            name
            for name in names
            if ("/models/" in "/" + name and name.endswith(".json"))
            or name.endswith("serialized_exported_program.json")
        ]
        if not models:
            raise Unreadable("its models/*.json is missing")
        program = _document(archive, models[0])
        weights = [
            meta
            for name in names
            if name.endswith(("_weights_config.json", "_constants_config.json"))
            for meta in _stored(_document(archive, name))
        ]
        absent = _absent(archive, names)
    graph = program["graph_module"]["graph"]
    specs = program["graph_module"]["signature"]
    values = graph.get("tensor_values", {})
    version = str(program.get("torch_version") or "")
    schema = program.get("schema_version", {})
    if not isinstance(schema, dict):
        schema = {"major": schema, "minor": 0}
    facts: dict[str, Any] = {
        "schema": f"{schema.get('major')}.{schema.get('minor')}",
        "opsets": {str(key)[:80]: str(n)[:20] for key, n in program["opset_version"].items()},
        "models": len(models),
        "weights": counted(_dtype(one.get("dtype")) for one in weights),
        "ops": counted(_op(node) for node in graph.get("nodes", ())),
    }
    return Contents(
        "torch exported program",
        facts,
        tuple(_tensor(name, values) for name in _names(specs["input_specs"], "user_input")),
        tuple(_tensor(name, values) for name in _names(specs["output_specs"], "user_output")),
        sum(elements(tuple(_sizes(one))) for one in weights) if weights else None,
        f"torch {version}" if version else None,
        faults=absent,
    )


def _op(node: Any) -> str:
    return str(node.get("target", "")).removeprefix("torch.ops.")


def _document(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(unpacked(archive, name, _DOCUMENT).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"its {name} is no JSON: {str(error)[:120]}") from error


def _stored(config: Any) -> Iterator[dict[str, Any]]:
    for entry in config.get("config", {}).values():
        if isinstance(entry.get("tensor_meta"), dict):
            yield entry["tensor_meta"]


def _absent(archive: zipfile.ZipFile, names: list[str]) -> tuple[str, ...]:
    """Weights that the configuration names and the archive does not hold."""
    held = {name.rsplit("/", 1)[-1] for name in names}
    missing = [
        str(entry["path_name"])
        for name in names
        if name.endswith("_weights_config.json")
        for entry in _document(archive, name).get("config", {}).values()
        if entry.get("path_name") not in held
    ]
    if not missing:
        return ()
    return (f"{len(missing)} of its weights are missing from the archive: export it again",)


def _names(specs: Any, kind: str) -> Iterator[str]:
    for spec in specs:
        argument = spec.get(kind, {}).get("arg", {}) if isinstance(spec, dict) else {}
        name = argument.get("as_tensor", {}).get("name") if isinstance(argument, dict) else None
        if name is not None:
            yield str(name)


def _tensor(name: str, values: Any) -> Tensor:
    meta = values.get(name, {})
    return Tensor(name, _dtype(meta.get("dtype")), tuple(_sizes(meta)) if meta else None)


def _sizes(meta: Any) -> Iterator[int | None]:
    for size in meta.get("sizes", ()):
        given = size.get("as_int")
        yield given if isinstance(given, int) else None


def _dtype(number: Any) -> str:
    known = isinstance(number, int) and 0 < number < len(_DTYPES)
    return _DTYPES[number] if known else f"type {number}"
