"""TFLite files as graphs, from the flatbuffer alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.errors import ParityError
from parity.layers.numbers.grids import Grid
from parity.runtimes.contract import Graph, Op, Quantization
from parity.tensors import Array, dequantize

# TensorType of the schema as numpy's names; what is missing here cannot be looked at.
DTYPES = {
    "FLOAT32": "float32", "FLOAT16": "float16", "FLOAT64": "float64", "BOOL": "bool",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "COMPLEX64": "complex64", "COMPLEX128": "complex128", "INT4": "int8",
}  # fmt: skip
_STATEFUL = (
    "ASSIGN_VARIABLE", "BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN",
    "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "READ_VARIABLE",
    "VAR_HANDLE",
)  # fmt: skip
_RANDOM = ("MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM")
_ENUMS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "mode": "MirrorPadMode",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
}
_TYPES = (
    "type", "in_data_type", "out_data_type", "output_type", "idx_out_type", "quantized_bias_type",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TFLiteFile:
    """A TFLite model that has been read; its primary subgraph.

    ``model`` is the schema's ``ModelT``. ``names`` are unique, by tensor index (the file may repeat
    a name or leave it out), ``indices`` the other way round. ``dtypes`` are numpy's, by name, for
    the tensors that hold numbers; ``grids`` by name for quantised activations.
    """

    model: Any
    graph: Graph
    names: tuple[str, ...]
    indices: Mapping[str, int]
    dtypes: Mapping[str, str]
    grids: Mapping[str, Grid]


def schema() -> Any:
    """The generated reader of the flatbuffer, of LiteRT or inside TensorFlow."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        try:
            from tensorflow.lite.python import schema_py_generated
        except ImportError:
            raise ParityError(
                f"expected the ai-edge-litert package, which reads TFLite files, found {error}; "
                f"install it with: pip install 'detector-parity[tflite]'"
            ) from error
    return schema_py_generated


def read(path: str | Path) -> TFLiteFile:
    """Read a TFLite file."""
    generated = schema()
    try:
        return parse(generated.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0))
    except (ParityError, OSError):
        raise
    except Exception as error:  # a damaged flatbuffer fails anywhere in the generated reader
        raise ParityError(
            f"{path}: expected a TFLite model, found {type(error).__name__}: {error}"
        ) from error


def parse(model: Any) -> TFLiteFile:
    """The schema's ``ModelT`` as a graph."""
    subgraph = model.subgraphs[0]
    names = _names(subgraph.tensors)
    types = _words("TensorType")
    dtypes = {
        name: DTYPES[types[tensor.type]]
        for name, tensor in zip(names, subgraph.tensors, strict=True)
        if types[tensor.type] in DTYPES
    }
    quantization = {
        name: found
        for name, tensor in zip(names, subgraph.tensors, strict=True)
        for found in _quantization(tensor)
    }
    constants = dict(_constants(model, names, dtypes, types))
    ops = tuple(_op(model, index, names) for index in range(len(subgraph.operators or ())))
    problems = dict(_problems(model, ops, names, dtypes))
    _unpack_weights(ops, constants, quantization)
    inputs, outputs = (
        tuple(names[i] for i in ends) for ends in (subgraph.inputs, subgraph.outputs)
    )
    graph = Graph("tflite", ops, inputs, outputs, constants, quantization, problems)
    grids = {
        name: Grid(found, dtypes[name])
        for name, found in quantization.items()
        if name not in constants and dtypes.get(name, "")[:3] in ("int", "uin")
    }
    indices = {name: index for index, name in enumerate(names)}
    return TFLiteFile(model, graph, names, indices, dtypes, grids)


def _names(tensors: Any) -> tuple[str, ...]:
    given = [(one.name or b"").decode("utf-8", "replace") for one in tensors]
    counts = Counter(given)
    taken = {name for name, count in counts.items() if count == 1}
    found = []
    for index, name in enumerate(given):
        unique = name if name and counts[name] == 1 else f"{name}#{index}"
        while unique != name and unique in taken:
            unique += "#"
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def _words(enum: str) -> dict[int, str]:
    """The numbers of one of the schema's enums with their names."""
    return {v: k for k, v in vars(getattr(schema(), enum)).items() if isinstance(v, int)}


def kind_of(model: Any, operator: Any) -> str:
    """The op type as the schema spells it; a custom op's own name."""
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    word = _words("BuiltinOperator").get(number, f"BUILTIN_{number}")
    if word == "CUSTOM":
        return (code.customCode or b"CUSTOM").decode("utf-8", "replace")
    return word


def _op(model: Any, index: int, names: tuple[str, ...]) -> Op:
    operator = model.subgraphs[0].operators[index]
    kind = kind_of(model, operator)
    ends = [
        tuple("" if i < 0 else names[i] for i in (side if side is not None else ()))
        for side in (operator.inputs, operator.outputs)
    ]
    options = operator.builtinOptions or operator.builtinOptions2
    return Op(index, f"{kind}_{index}", kind, ends[0], ends[1], dict(_attributes(options)))


def _attributes(options: Any) -> Iterator[tuple[str, Any]]:
    """Options under the schema's own names, enums as words: ``stride_w`` 2, ``padding`` "SAME"."""
    for camel, value in ({} if options is None else vars(options)).items():
        name = re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), camel)
        enum = "TensorType" if name in _TYPES else _ENUMS.get(name)
        if enum is not None and isinstance(value, int):
            yield name, _words(enum).get(value, value)
        elif isinstance(value, bytes):
            yield name, value.decode("utf-8", "replace")
        elif isinstance(value, bool | int | float | str):
            yield name, value
        elif isinstance(value, np.ndarray | list) and all(np.isscalar(one) for one in value):
            yield name, tuple(np.asarray(value).tolist())


def _quantization(tensor: Any) -> Iterator[Quantization]:
    found = tensor.quantization
    if found is None or found.scale is None or not len(found.scale):
        return
    scale = tuple(float(one) for one in found.scale)
    if not all(np.isfinite(one) and one > 0 for one in scale):
        return
    given = found.zeroPoint if found.zeroPoint is not None else ()
    zero = tuple(int(one) for one in given)
    zero = zero * len(scale) if len(zero) == 1 else zero or (0,) * len(scale)
    if len(zero) == len(scale):
        yield Quantization(scale, zero, int(found.quantizedDimension))


def _constants(
    model: Any, names: tuple[str, ...], dtypes: Mapping[str, str], types: Mapping[int, str]
) -> Iterator[tuple[str, Array]]:
    for name, tensor in zip(names, model.subgraphs[0].tensors, strict=True):
        buffer = model.buffers[tensor.buffer]
        if getattr(buffer, "offset", 0) > 1 or getattr(tensor, "externalBuffer", 0):
            raise ParityError(
                f"expected a TFLite model with its weights inside, found {name!r} stored behind "
                f"the flatbuffer or in another file: such a model cannot be read here"
            )
        if buffer.data is None or not len(buffer.data) or name not in dtypes or tensor.isVariable:
            continue
        if tensor.sparsity is not None:
            continue
        raw = np.asarray(buffer.data, np.uint8)
        shape = tuple(int(size) for size in (tensor.shape if tensor.shape is not None else ()))
        if types[tensor.type] == "INT4":
            raw = _nibbles(raw)[: int(np.prod(shape))]
        yield name, raw.view(dtypes[name]).reshape(shape)


def _nibbles(raw: Array) -> Array:
    """4-bit integers, two a byte, the lower half first."""
    pairs = np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1).astype(np.int8)
    return ((pairs ^ 8) - 8).view(np.uint8)


def _unpack_weights(
    ops: tuple[Op, ...], constants: dict[str, Array], quantization: Mapping[str, Quantization]
) -> None:
    """Add what DEQUANTIZE makes of a constant: float16 weights are kept that way."""
    for op in ops:
        if op.kind != "DEQUANTIZE" or op.inputs[0] not in constants:
            continue
        stored = constants[op.inputs[0]]
        if stored.dtype == np.float16:
            constants[op.outputs[0]] = stored.astype(np.float32)
        elif op.inputs[0] in quantization:
            constants[op.outputs[0]] = dequantize(stored, quantization[op.inputs[0]])


def _problems(
    model: Any, ops: tuple[Op, ...], names: tuple[str, ...], dtypes: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    tensors = dict(zip(names, model.subgraphs[0].tensors, strict=True))
    types = _words("TensorType")
    for op in ops:
        ends = [name for name in (*op.inputs, *op.outputs) if name]
        variable = [name for name in ends if tensors[name].isVariable]
        sparse = [name for name in ends if tensors[name].sparsity is not None]
        unknown = [name for name in ends if name not in dtypes]
        if any(key.endswith("subgraph_index") or key == "subgraph" for key in op.attributes):
            yield op.index, f"{op.kind} runs subgraphs of its own (control flow)"
        elif variable or op.kind in _STATEFUL:
            what = f"variable tensor {variable[0]!r}" if variable else "a resource"
            yield op.index, f"{op.kind} keeps state between runs ({what})"
        elif op.kind in _RANDOM:
            yield op.index, f"{op.kind} draws random numbers"
        elif sparse:
            yield op.index, f"{op.kind} reads the sparse tensor {sparse[0]!r}"
        elif unknown:
            word = types[tensors[unknown[0]].type]
            yield op.index, f"{op.kind} has a tensor of {word}: {unknown[0]!r}"
