"""Torch's exported programs (.pt2): JSON documents in a zip archive; nothing is evaluated.

Source: the PT2 archive specification and torch/_export/serde/schema.py (ScalarType numbers of
the schema's own enum).
"""

import json
import re
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from ..archive.zip_file import Archive, ArchiveFile, read
from ..content import Content
from ..contents import Contents, Tensor
from ..model_file import ModelFile
from ..pickles import calls
from ..shapes import counted, elements
from ..source import Unreadable
from . import program_calls

_DOCUMENT = 128 * 2**20  # bytes of a document that is described
_DTYPES = (
    "", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex32",
    "complex64", "complex128", "bool", "bfloat16", "uint16",
)  # fmt: skip


class Program(ArchiveFile):
    """What an exported program declares; each of its documents is parsed once."""

    def __init__(self, archive: Archive, content: Content) -> None:
        super().__init__(archive, content)
        self._documents: Dict[str, Any] = {}

    def _calls(self) -> Iterable[str]:
        return program_calls.findings(self.archive, self._document)

    def _is_cut(self, findings: Tuple[str, ...]) -> bool:
        return all(map(calls.is_cut, findings))

    def _document(self, name: str) -> Any:
        if name not in self._documents:
            self._documents[name] = json.loads(read(self.archive.zip, name).decode("utf-8"))
        return self._documents[name]

    def _described(self, name: str) -> Any:
        if self.archive.zip.getinfo(name).file_size > _DOCUMENT:
            raise Unreadable(f"the member {name} unpacks to more than {_DOCUMENT} bytes")
        try:
            return self._document(name)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"its {name} is no JSON: {str(error)[:120]}") from error

    def _contents(self) -> Optional[Contents]:
        names = self.archive.names
        models = [
            name
            for name in names
            if ("/models/" in "/" + name and name.endswith(".json"))
            or name.endswith("serialized_exported_program.json")
        ]
        if not models:
            raise Unreadable("its models/*.json is missing")
        program = self._described(models[0])
        weights = [
            meta
            for name in names
            if name.endswith(("_weights_config.json", "_constants_config.json"))
            for meta in _stored(self._described(name))
        ]
        absent = self._absent(names)
        graph = program["graph_module"]["graph"]
        specs = program["graph_module"]["signature"]
        values = graph.get("tensor_values", {})
        version = str(program.get("torch_version") or "")
        schema = program.get("schema_version", {})
        if not isinstance(schema, dict):
            schema = {"major": schema, "minor": 0}
        facts: Dict[str, Any] = {
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

    def _absent(self, names: List[str]) -> Tuple[str, ...]:
        """Weights that the configuration names and the archive does not hold."""
        held = {name.rsplit("/", 1)[-1] for name in names}
        missing = [
            str(entry["path_name"])
            for name in names
            if name.endswith("_weights_config.json")
            for entry in self._described(name).get("config", {}).values()
            if entry.get("path_name") not in held
        ]
        if not missing:
            return ()
        return (f"{len(missing)} of its weights are missing from the archive: export it again",)


def of_archive(archive: Archive) -> Optional[ModelFile]:
    """An archive as torch.export writes it, of either form."""
    if "archive_format" in archive.tails or "serialized_exported_program.json" in archive.tails:
        phrase = "a zip archive that holds a torch exported program"
        return Program(archive, Content("pt2", phrase))
    return None


def _op(node: Any) -> str:
    return re.sub(r"^torch\.ops\.", "", str(node.get("target", "")))


def _stored(config: Any) -> Iterator[Dict[str, Any]]:
    for entry in config.get("config", {}).values():
        if isinstance(entry.get("tensor_meta"), dict):
            yield entry["tensor_meta"]


def _names(specs: Any, kind: str) -> Iterator[str]:
    for spec in specs:
        argument = spec.get(kind, {}).get("arg", {}) if isinstance(spec, dict) else {}
        name = argument.get("as_tensor", {}).get("name") if isinstance(argument, dict) else None
        if name is not None:
            yield str(name)


def _tensor(name: str, values: Any) -> Tensor:
    meta = values.get(name, {})
    return Tensor(name, _dtype(meta.get("dtype")), tuple(_sizes(meta)) if meta else None)


def _sizes(meta: Any) -> Iterator[Optional[int]]:
    for size in meta.get("sizes", ()):
        given = size.get("as_int")
        yield given if isinstance(given, int) else None


def _dtype(number: Any) -> str:
    known = isinstance(number, int) and 0 < number < len(_DTYPES)
    return _DTYPES[number] if known else f"type {number}"
