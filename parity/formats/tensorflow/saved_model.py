"""SavedModel folders, read by field number (saved_model.proto, meta_graph.proto)."""

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .. import wire
from ..content import Content
from ..contents import Contents, Tensor
from ..model_file import ModelFile
from ..protobuf import Message, Opened, ProtobufFile, as_wire
from ..shapes import elements
from ..source import Unreadable
from . import checkpoint, operations
from .graph import dtype, float_constant, shape

_FILES = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")  # the first one is read
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_DETECTION = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}
_NOT_WEIGHTS = ("/.OPTIMIZER_SLOT/", "save_counter/", "optimizer/")
_AGAIN = "_all_variables/"
_DEFAULT = "serving_default"


class SavedModel(ModelFile):
    """A SavedModel; its ``saved_model.pb`` is opened when it is first asked for."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder, Content("savedmodel", "a SavedModel directory"))
        self._file = os.path.join(folder, _FILES[0])
        self._top: Optional[Opened] = None

    def version(self) -> str:
        """The TensorFlow that saved it; "" where that is not said. Raises Unreadable."""
        for meta in self._metas()[:1]:
            information = meta.message(1)
            return information.text(5) if information is not None else ""
        return ""

    def close(self) -> None:
        """Close the file."""
        if self._top is not None:
            self._top.close()

    def _metas(self) -> List[Message]:
        if self._top is None:
            self._top = Opened(self._file)
        return self._top.message.sound().messages(2)

    def _scan(self) -> List[str]:
        """What in it reads, writes, connects, calls Python, ends or waits."""
        found = [
            f"{other} cannot be scanned"
            for other in _FILES[1:]
            if os.path.exists(os.path.join(self.path, other))
        ]
        found += _links(self.path)
        if not os.path.isfile(self._file) or os.path.getsize(self._file) == 0:
            return found
        with as_wire():
            for meta in self._metas():
                found += operations.of_graph(meta)
        return sorted(set(found))

    def _is_damage(self, error: Exception) -> bool:
        return isinstance(error, wire.Malformed) or super()._is_damage(error)

    def _contents(self) -> Contents:
        if not os.path.isfile(self._file):
            raise Unreadable("its saved_model.pb is missing; other forms of it are not read here")
        if os.path.getsize(self._file) == 0:
            raise Unreadable("its saved_model.pb is empty")
        metas = self._metas()
        if not metas:
            raise Unreadable("its saved_model.pb holds no graph")
        return _described(Path(self.path), metas)


def of_folder(path: str) -> ModelFile:
    """A SavedModel, or a folder that is none."""
    if any(os.path.isfile(os.path.join(path, name)) for name in _FILES):
        return SavedModel(path)
    for name in sorted(os.listdir(path)):  # as TensorFlow Serving numbers them
        if os.path.isfile(os.path.join(path, name, _FILES[0])):
            phrase = f"a directory whose folder {name} is a SavedModel"
            return ModelFile(path, Content("directory", phrase))
    return ModelFile(path, Content("directory", "a directory without saved_model.pb"))


def of_message(path: str, top: Opened) -> Optional[ModelFile]:
    """The file of a SavedModel has the fields 1 and 2 alone; it is named by its folder."""
    if top.message.kinds() != {(1, wire.VARINT), (2, wire.BYTES)}:
        return None
    phrase = "the saved_model.pb of a SavedModel (name its directory)"
    return ProtobufFile(path, Content("unknown", phrase), top)


def _described(folder: Path, metas: List[Message]) -> Contents:
    information = [meta.message(1) for meta in metas]
    tags = [one.texts(4) if one is not None else [] for one in information]
    version = information[0].text(5) if information[0] is not None else ""
    signatures = {
        name: _signature(one)
        for name, one in metas[0].entries(5).items()
        if one is not None and not name.startswith("__saved_model_")
    }
    keras = (folder / "keras_metadata.pb").is_file()
    detection = any(
        len(_DETECTION & {one.name for one in ends[1]}) >= 3 for ends in signatures.values()
    )
    variables, faults = _variables(folder, metas)
    constants = sum(_constants(meta) for meta in metas)
    facts: Dict[str, Any] = {
        "tensorflow": version or None,
        "tags": tags if len(tags) > 1 else tags[0],
        "signatures": {
            name: {
                "inputs": [one.name for one in ends[0]],
                "outputs": [one.name for one in ends[1]],
            }
            for name, ends in signatures.items()
        },
        "object_detection_api": _object_detection(folder, detection),
        "assets": sorted(one.text(2) for one in metas[0].messages(6)),
    }
    chosen = _DEFAULT if _DEFAULT in signatures else next(iter(signatures), None)
    inputs, outputs = signatures[chosen] if chosen is not None else ((), ())
    if not signatures:
        faults.append("it has no signature, so nothing says what its inputs are: export it again")
    form = "SavedModel of the Object Detection API" if detection else "SavedModel"
    author = f"TensorFlow {version}" if version else None
    return Contents(
        f"{form}, with Keras' metadata" if keras else form,
        facts,
        inputs,
        outputs,
        None if variables is None else variables + constants,
        author,
        tuple(_notes(folder, signatures)),
        tuple(faults),
    )


def _notes(folder: Path, signatures: Dict[str, Any]) -> Iterator[str]:
    if signatures and _DEFAULT not in signatures:
        yield (
            f"it has no signature {_DEFAULT}: name one with options.signature "
            f"({', '.join(signatures)})"
        )


def _object_detection(folder: Path, detection: bool) -> Optional[str]:
    """How the Object Detection API is known: its outputs, and its pipeline.config beside it."""
    pipeline = any((one / "pipeline.config").is_file() for one in (folder, folder.parent))
    if not detection:
        return None
    return "with pipeline.config" if pipeline else "by its outputs"


def _signature(message: Message) -> Tuple[Tuple[Tensor, ...], Tuple[Tensor, ...]]:
    return tuple(_tensors(message, 1)), tuple(_tensors(message, 2))


def _tensors(message: Message, number: int) -> Iterator[Tensor]:
    for name, info in sorted(message.entries(number).items()):
        if info is not None:
            yield Tensor(name, dtype(info.number(2)), shape(info.message(3)))


def _constants(meta: Message) -> int:
    """Numbers in constants of floats: a model may be frozen before it is saved."""
    graph = meta.message(2)
    if graph is None:
        return 0
    library = graph.message(2)
    functions = library.messages(1) if library is not None else ()
    bodies = [graph.messages(1), *(one.messages(3) for one in functions)]
    return sum(float_constant(node) for body in bodies for node in body)


def _declares(meta: Message) -> bool:
    """Whether a graph has variables, whose numbers are files of their own."""
    graph = meta.message(2)
    return graph is not None and any(node.text(2) in _VARIABLES for node in graph.messages(1))


def _variables(folder: Path, metas: List[Message]) -> Tuple[Optional[int], List[str]]:
    index = folder / "variables" / "variables.index"
    if not index.is_file():
        if index.parent.is_dir():
            return None, ["its variables/variables.index is missing: copy the whole folder"]
        if any(map(_declares, metas)):
            return None, ["its folder variables is missing: copy the whole folder"]
        return 0, []
    try:
        found = checkpoint.read(str(index))
    except Unreadable as error:
        return None, [f"its variables cannot be read: {error}; copy the whole folder again"]
    shapes = {
        name: sizes
        for name, sizes in found.variables.items()
        if not any(part in name for part in _NOT_WEIGHTS)
    }
    # Keras' export writes every variable a second time below this name.
    once = {name: one for name, one in shapes.items() if not name.startswith(_AGAIN)}
    numbers = sum(elements(sizes) for sizes in (once or shapes).values())
    return numbers, list(found.missing)


def _links(folder: str) -> Iterator[str]:
    """Files that lie elsewhere: whoever sends a folder can have it read others of this machine."""
    inside = os.path.realpath(folder) + os.sep
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            if not os.path.realpath(path).startswith(inside):
                yield f"its {os.path.relpath(path, folder)} is a link to outside of its folder"
