"""TFLite flatbuffers, read by field number (tensorflow/lite/schema/schema.fbs)."""

import contextlib
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..content import Content
from ..contents import Contents, Tensor
from ..flatbuffer import Buffer, Table
from ..model_file import ModelFile, Start
from ..shapes import counted, elements, listed
from ..source import Source, Unreadable, bytes_of
from ..tensorflow.operations import reaches_outside
from .quantization import quantization
from .schema import CUSTOM, DTYPES, OPERATORS
from .subgraphs import Code, Part, Stored

_FLEX = "Flex"  # what TensorFlow calls its own operations in a TFLite file


class TfliteModel(ModelFile):
    """A TFLite file, which stays open until it is closed."""

    def __init__(self, path: str) -> None:
        super().__init__(path, Content("tflite", "a TFLite flatbuffer"))
        self._stack = contextlib.ExitStack()
        self._data: Optional[Source] = None
        self._parts: Optional[Tuple[Part, ...]] = None

    @property
    def model(self) -> Table:
        """The table that the file begins with. Raises Unreadable."""
        return Buffer(self._bytes()).root()

    def codes(self) -> List[Code]:
        """The operators' types. Raises Unreadable."""
        return [_code(one) for one in self.model.tables(1)]

    def parts(self) -> Tuple[Part, ...]:
        """The subgraphs, the main one first. Raises Unreadable."""
        if self._parts is None:
            model, codes = self.model, self.codes()
            buffers = [_held(one, len(self._bytes())) for one in model.tables(4)]
            self._parts = tuple(_part(one, codes, buffers) for one in model.tables(2))
        if not self._parts:
            raise Unreadable("the model has no subgraph")
        return self._parts

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _bytes(self) -> Source:
        if self._data is None:
            self._data = self._stack.enter_context(bytes_of(self.path))
        return self._data

    def _scan(self) -> Iterator[str]:
        """TensorFlow's own interpreter runs the operation that a name begins with "Flex" for."""
        for name in sorted({one.name for one in self.codes() if one.custom}):
            if name.startswith(_FLEX) and reaches_outside(name[len(_FLEX) :]):
                yield f"it runs TensorFlow's {name[len(_FLEX) :]}"

    def _contents(self) -> Contents:
        return _described(self.model, self.codes(), self.parts())


def of_file(start: Start) -> Optional[ModelFile]:
    """By the identifier behind its first offset."""
    return TfliteModel(start.path) if start.head[4:8] == b"TFL3" else None


def _described(model: Table, codes: Sequence[Code], parts: Sequence[Part]) -> Contents:
    main = parts[0]
    used = [codes[op.code] for part in parts for op in part.ops]
    flex = sorted({one.name for one in used if one.custom and one.name.startswith(_FLEX)})
    custom = sorted({one.name for one in used if one.custom} - set(flex))
    metadata = {one.text(0): one.scalar(1, "I") for one in model.tables(6)}
    texts = dict(_metadata(model, metadata))
    facts: Dict[str, Any] = {
        "schema": model.scalar(0, "I"),
        "minimum_runtime": texts.get("min_runtime_version", "").strip("\0 ") or None,
        "quantization": quantization(parts),
        "ops": counted(one.label for one in used),
        "flex_ops": flex,
        "custom_ops": custom,
        "subgraphs": len(parts),
        "signatures": [one.text(2) for one in model.tables(7)],
        "description": model.text(3),
        "metadata": sorted(metadata),
    }
    return Contents(
        f"TFLite model, {_form(facts['quantization']['style'])}",
        facts,
        _named(model, main, main.inputs, 0),
        _named(model, main, main.outputs, 1),
        _parameters(parts),
        _written_by(model, metadata, facts["description"]),
        tuple(_notes(flex, custom)),
    )


def _named(model: Table, main: Part, ends: Sequence[int], field: int) -> Tuple[Tensor, ...]:
    """The tensors by the names that a signature of the first subgraph gives them, if it does."""
    for signature in model.tables(7):
        names = {one.scalar(1, "I"): one.text(0) for one in signature.tables(field)}
        if signature.scalar(4, "I") == 0 and set(names) == set(ends):
            return tuple(replace(main.tensors[i].tensor, name=names[i]) for i in ends)
    return tuple(main.tensors[i].tensor for i in ends)


def _form(style: str) -> str:
    return "not quantised" if style == "none" else style


def _notes(flex: Sequence[str], custom: Sequence[str]) -> List[str]:
    notes = []
    if flex:
        notes.append(
            f"it needs TensorFlow's own ops ({listed(flex)}), which the interpreters of TFLite "
            f"run with the Flex delegate alone: convert it with TFLITE_BUILTINS, or run the "
            f"SavedModel"
        )
    if custom:
        notes.append(
            f"its ops {listed(custom)} are custom: a runtime must have them registered before it "
            f"loads the model"
        )
    return notes


def _code(one: Table) -> Code:
    """``builtin_code`` replaced an 8-bit field; the larger one counts."""
    number = max(one.scalar(3, "i"), one.scalar(0, "b"))
    custom = number == CUSTOM
    name = OPERATORS[number] if 0 <= number < len(OPERATORS) else f"BUILTIN_{number}"
    return Code(one.text(1) or "CUSTOM" if custom else name, one.scalar(2, "i", 1), custom)


def _held(buffer: Table, size: int) -> int:
    """How many bytes a buffer holds, inside the flatbuffer or behind it."""
    offset, length = buffer.scalar(1, "Q"), buffer.scalar(2, "Q")
    if offset > 1:
        if offset + length > size:
            raise Unreadable(
                f"a weight reaches to byte {offset + length}, behind the end of the file at {size}"
            )
        return int(length)
    return buffer.span(0)[1]


def _part(graph: Table, codes: Sequence[Code], buffers: Sequence[int]) -> Part:
    tensors = tuple(_tensor(one, buffers) for one in graph.tables(0))
    ops = tuple(
        Part.Op(one.scalar(0, "I"), one.vector(1, "i"), one.vector(2, "i"))
        for one in graph.tables(3)
    )
    inputs, outputs = graph.vector(1, "i"), graph.vector(2, "i")
    used = (*inputs, *outputs, *(i for op in ops for i in (*op.inputs, *op.outputs)))
    if any(i < -1 or i >= len(tensors) for i in used) or -1 in (*inputs, *outputs):
        raise Unreadable(f"an operator names a tensor that does not exist (of {len(tensors)})")
    if any(op.code >= len(codes) for op in ops):
        raise Unreadable(f"an operator is of a type that does not exist (of {len(codes)})")
    names = tuple("" if codes[op.code].custom else codes[op.code].name for op in ops)
    return Part(tensors, inputs, outputs, ops, names)


def _tensor(one: Table, buffers: Sequence[int]) -> Stored:
    number, buffer = one.scalar(1, "b"), one.scalar(2, "I")
    if buffer >= len(buffers):
        raise Unreadable(f"a tensor lies in buffer {buffer} of {len(buffers)}")
    dtype = DTYPES[number] if 0 <= number < len(DTYPES) else f"type {number}"
    shape = one.vector(7, "i") or one.vector(0, "i")
    table = one.table(4)
    scales = table.span(2, 4)[1] if table is not None else 0
    free = tuple(None if size < 0 else size for size in shape)
    return Stored(Tensor(one.text(3), dtype, free), buffer, buffers[buffer] > 0, scales)


def _parameters(parts: Sequence[Part]) -> int:
    """Every constant once: several tensors may share a buffer."""
    held = {
        one.buffer: elements(one.tensor.shape or ())
        for part in parts
        for one in part.tensors
        if one.constant
    }
    return sum(held.values())


def _metadata(model: Table, entries: Dict[str, int]) -> List[Tuple[str, str]]:
    wanted = {entries[name]: name for name in ("min_runtime_version",) if name in entries}
    return [
        (wanted[index], buffer.text(0)[:64])
        for index, buffer in enumerate(model.tables(4))
        if index in wanted
    ]


def _written_by(model: Table, entries: Dict[str, int], description: str) -> Optional[str]:
    """The converter: its version stands in a flatbuffer of its own (conversion_metadata.fbs)."""
    for index, buffer in enumerate(model.tables(4)):
        if index == entries.get("CONVERSION_METADATA"):
            environment = Buffer(buffer.raw(0)).root().table(0)
            version = environment.text(0) if environment is not None else ""
            return f"TensorFlow Lite converter of TensorFlow {version}" if version else None
    return description or None
