"""HDF5 files: a whole model where there is a ``model_config``, else weights only."""

import json
import struct
from dataclasses import replace
from typing import Any, Iterator, Optional, Tuple

from ..content import Content
from ..contents import Contents
from ..hdf5.file import MAGIC
from ..model_file import ModelFile, Start
from ..source import Unreadable, bytes_of
from . import configuration, network
from .versions import author, generation, parsed
from .weights import Weights, stored

_WITHOUT = (
    "it holds weights but no network: build the model in code and call load_weights, or save "
    "the whole model"
)
_OWN = {"layers", "vars", "_layer_checkpoint_dependencies"}


class Hdf5File(ModelFile):
    """An HDF5 file, which Keras wrote as a rule."""

    def __init__(self, path: str, content: Content) -> None:
        super().__init__(path, content)
        self._weights: Optional[Weights] = None

    def weights(self) -> Weights:
        """What is stored. Raises Unreadable."""
        if self._weights is None:
            with bytes_of(self.path) as data:
                self._weights = stored(data)
        return self._weights

    def configuration(self) -> Any:
        """The model's configuration; None where the file holds only weights."""
        text = self._said("model_config")
        return None if text is None else json.loads(text)

    def version(self) -> str:
        """The Keras that saved it; "" where that is not said."""
        return self._said("keras_version") or ""

    def elsewhere(self) -> Tuple[str, ...]:
        """What loading the weights alone would read beside the file."""
        return self.weights().elsewhere

    def _said(self, name: str) -> Optional[str]:
        value = self.weights().root.attributes.get(name, False)
        return None if value is False else value if isinstance(value, str) else ""

    def _scan(self) -> Iterator[str]:
        yield from configuration.findings(self.configuration())
        yield from self.elsewhere()

    def _is_damage(self, error: Exception) -> bool:
        return isinstance(error, (Unreadable, OSError, json.JSONDecodeError, UnicodeDecodeError))

    def _contents(self) -> Contents:
        attributes, weights = self.weights().root.attributes, self.weights()
        version, backend = self.version(), self._said("backend") or None
        if "model_config" in attributes:
            found = network.described(parsed(self._said("model_config") or "", "model_config"))
            compiled = "training_config" in attributes
            facts = {
                "backend": backend, "compiled": compiled,
                **found.facts, "tensors": len(weights.own),
            }  # fmt: skip
            return replace(
                found,
                form=f"whole model of {generation(version)} in HDF5",
                facts=facts,
                parameters=weights.numbers,
                written_by=author(version),
            )
        children = weights.root.children
        legacy = "layer_names" in attributes or "model_weights" in children
        if not legacy and not _OWN & set(children) and not version:
            form = "HDF5 file that Keras did not write"
            return Contents(form, {"groups": sorted(children)[:20]})
        kind = generation(version) if version else "Keras 2" if legacy else "Keras 3"
        return Contents(
            f"weights only, of {kind} in HDF5",
            {"backend": backend, "tensors": len(weights.own)},
            parameters=weights.numbers,
            written_by=author(version),
            notes=(_WITHOUT,),
        )


def of_file(start: Start) -> Optional[ModelFile]:
    """By its signature; the superblock says where it ends (specification, section II.A)."""
    head, size = start.head, start.size
    if not head.startswith(MAGIC):
        return None
    end_at = {0: 40, 1: 44}.get(head[8] if len(head) > 8 else -1, 28)
    end = struct.unpack_from("<Q", head, end_at)[0] if len(head) >= end_at + 8 else size + 1
    if end > size:
        return ModelFile(start.path, Content("truncated", "a truncated HDF5 file"))
    return Hdf5File(start.path, Content("hdf5", "an HDF5 file"))
