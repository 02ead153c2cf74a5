"""The ``.keras`` archive of Keras 3: metadata.json, config.json, model.weights.h5."""

import json
from dataclasses import replace
from typing import Any, Dict, Iterator, Optional

from ..archive.zip_file import Archive, ArchiveFile, read
from ..content import Content
from ..contents import Contents
from ..model_file import ModelFile
from ..source import Unreadable, member, unpacked
from . import configuration, network
from .versions import author, generation, parsed
from .weights import Weights, stored

_TEXT = 64 * 2**20
_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"


class KerasArchive(ArchiveFile):
    """A whole model; each HDF5 file in it is gone through once."""

    def __init__(self, archive: Archive, content: Content) -> None:
        super().__init__(archive, content)
        self._weights: Dict[str, Weights] = {}

    def weights(self, name: str = _WEIGHTS) -> Weights:
        """What one of its members stores. Raises Unreadable."""
        if name not in self._weights:
            with member(self.archive.zip, self.path, name) as data:
                self._weights[name] = stored(data)
        return self._weights[name]

    def configuration(self) -> Any:
        """The model's, without that of its training, which nothing here reads."""
        config = json.loads(read(self.archive.zip, _CONFIG).decode("utf-8"))
        config.pop("compile_config", None)  # models are loaded with compile=False
        return config

    def version(self) -> str:
        """The Keras that saved it; "" where that is not said."""
        metadata = json.loads(read(self.archive.zip, _METADATA).decode("utf-8"))
        return str(metadata.get("keras_version", ""))

    def elsewhere(self) -> Iterator[str]:
        """What loading the weights alone would read beside the archive, or its faults."""
        yield from self.archive.faults or self._elsewhere()

    def _elsewhere(self) -> Iterator[str]:
        for item in self.archive.zip.infolist():
            if item.filename.lower().endswith((".h5", ".hdf5")) and item.file_size:
                for finding in self.weights(item.filename).elsewhere:
                    yield f"{item.filename}: {finding}"

    def _calls(self) -> Iterator[str]:
        yield from configuration.findings(self.configuration())
        yield from self._elsewhere()

    def _is_damage(self, error: Exception) -> bool:
        return isinstance(error, OSError) or super()._is_damage(error)

    def _contents(self) -> Contents:
        metadata, config = self._text(_METADATA), self._text(_CONFIG)
        weights = self.weights() if _WEIGHTS in self.archive.names else None
        version = str(metadata.get("keras_version", ""))
        found = network.described(config)
        missing = f"its member {_WEIGHTS} is missing: save the model again"
        return replace(
            found,
            form=f"{generation(version)} model archive",
            facts={
                "saved": str(metadata.get("date_saved", ""))[:40],
                **found.facts,
                "tensors": len(weights.own) if weights else None,
            },
            parameters=weights.numbers if weights else None,
            written_by=author(version),
            faults=() if weights else (missing,),
        )

    def _text(self, name: str) -> Any:
        raw = unpacked(self.archive.zip, name, _TEXT)
        try:
            return parsed(raw.decode("utf-8"), name)
        except UnicodeDecodeError as error:
            raise Unreadable(f"{name} is no JSON: {str(error)[:120]}") from error


def of_archive(archive: Archive) -> Optional[ModelFile]:
    """A model in the format of Keras 3."""
    if {_CONFIG, _METADATA} <= set(archive.names):
        return KerasArchive(archive, Content("keras", "a Keras model archive"))
    return None
