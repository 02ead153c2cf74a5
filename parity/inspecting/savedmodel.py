"""SavedModel folders, read by field number (saved_model.proto, meta_graph.proto)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.formats.contents import Contents, Tensor
from parity.formats.shapes import elements
from parity.formats.source import Unreadable, bytes_of
from parity.inspecting import checkpoint
from parity.inspecting.graphdef import dtype, float_constant, shape
from parity.inspecting.protobuf import Message

_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_DETECTION = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}
_NOT_WEIGHTS = ("/.OPTIMIZER_SLOT/", "save_counter/", "optimizer/")
_AGAIN = "_all_variables/"
_DEFAULT = "serving_default"


def read(folder: Path) -> Contents:
    """What a SavedModel declares: tags, signatures, who wrote it, the size of its variables."""
    path = folder / "saved_model.pb"
    if not path.is_file():
        raise Unreadable("its saved_model.pb is missing; other forms of it are not read here")
    with bytes_of(str(path)) as data:
        if not len(data):
            raise Unreadable("its saved_model.pb is empty")
        model = Message(data)
        metas = list(model.messages(2))
        if not metas:
            raise Unreadable("its saved_model.pb holds no graph")
        return _contents(folder, metas)


def _contents(folder: Path, metas: list[Message]) -> Contents:
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
    facts: dict[str, Any] = {
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


def _notes(folder: Path, signatures: dict[str, Any]) -> Iterator[str]:
    if signatures and _DEFAULT not in signatures:
        yield (
            f"it has no signature {_DEFAULT}: name one with options.signature "
            f"({', '.join(signatures)})"
        )


def _object_detection(folder: Path, detection: bool) -> str | None:
    """How the Object Detection API is known: its outputs, and its pipeline.config beside it."""
    pipeline = any((one / "pipeline.config").is_file() for one in (folder, folder.parent))
    if not detection:
        return None
    return "with pipeline.config" if pipeline else "by its outputs"


def _signature(message: Message) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
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


def _variables(folder: Path, metas: list[Message]) -> tuple[int | None, list[str]]:
    index = folder / "variables" / "variables.index"
    if not index.is_file():
        if index.parent.is_dir():
            return None, ["its variables/variables.index is missing: copy the whole folder"]
        if any(map(_declares, metas)):
            return None, ["its folder variables is missing: copy the whole folder"]
        return 0, []
    try:
        found = checkpoint.read(index)
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
