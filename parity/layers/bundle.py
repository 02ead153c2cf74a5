"""Replay folders: one op with the inputs that it had, ready to attach to a bug report.

Where only several ops together have a partner in the reference, it is these, as they are connected.
``model.onnx`` or ``model.tflite`` holds them alone; ``inputs.npz`` what it is fed, as the runtime
takes it; ``reference.npz`` and ``candidate.npz`` its outputs there and here, as real numbers, all
under the names of the model's inputs and outputs. ``replay.py`` runs it with the runtime alone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.errors import ParityError
from parity.files import write_all
from parity.layers.cutting import Ends, Port
from parity.layers.file_subject import FileSubject, run, stored
from parity.runtimes.contract import AdapterError
from parity.runtimes.graph import Op

Array = NDArray[Any]

_ONNX = """\
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = {threads}
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
session = onnxruntime.InferenceSession(str(here / "model.onnx"), options, providers={providers})
names = [output.name for output in session.get_outputs()]
found = dict(zip(names, session.run(names, inputs)))
"""
_TFLITE = """\
{library}

model = {interpreter}(str(here / "model.tflite"), num_threads={threads}{resolver})
model.allocate_tensors()
for one in model.get_input_details():
    model.set_tensor(one["index"], inputs[one["name"]])
model.invoke()
found = {{one["name"]: model.get_tensor(one["index"]) for one in model.get_output_details()}}
"""
_SCRIPT = '''\
"""Runs one op on the inputs it had in the reference, and compares what comes out."""

from pathlib import Path

import numpy as np

OP = {op}
OUTPUTS = {outputs}  # name in the model: (tensor, scale, zero point)
here = Path(__file__).parent
inputs, reference, candidate = (
    dict(np.load(here / f"{{name}}.npz")) for name in ("inputs", "reference", "candidate")
)
{runtime}
print(OP)
for name, (tensor, scale, zero) in OUTPUTS.items():
    value = found[name].astype(np.float64)
    if scale is not None:
        value = ((value - zero) * scale).astype(np.float32).astype(np.float64)
    error, size = np.abs(value - reference[name]), np.linalg.norm(reference[name])
    moved = np.abs(value - candidate[name]).max(initial=0)
    relative = np.linalg.norm(error) / size if size else float("inf")
    print(f"{{tensor}}: max_abs {{error.max(initial=0):.6g}}, rel_l2 {{relative:.6g}}")
    print(f"{{tensor}}: {{moved:.6g}} from the recorded output")
'''
_LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}
_INTERPRETERS = {
    "litert": ("from ai_edge_litert import interpreter as lite", "lite.Interpreter"),
    "tflite-runtime": ("from tflite_runtime import interpreter as lite", "lite.Interpreter"),
    "tensorflow": ("import tensorflow as tf", "tf.lite.Interpreter"),
}


@dataclass(frozen=True)
class Bundle:
    """A replay folder, and the lines that its script prints where its numbers are reproduced."""

    folder: Path
    lines: tuple[str, ...]


def write_bundle(
    folder: Path,
    subject: FileSubject,
    indices: Sequence[int],
    inputs: Mapping[str, Array],
    reference: Mapping[str, Array],
) -> Bundle:
    """Cut one op out, or several as they are connected; run them and write the replay folder.

    ``indices`` are those of the ops in execution order, and ``inputs`` what they read from others,
    by tensor name; ``reference`` holds the reference's outputs of the last op by tensor name, in
    the candidate's layout; outputs that it lacks are not compared. Raises ``ParityError`` where the
    ops cannot be cut or run alone.
    """
    fed = {name: np.asarray(array) for name, array in inputs.items()}
    ops = [subject.graph.ops[index] for index in indices]
    last = indices[-1]
    _refuse(subject, ops, fed)
    try:
        cut = subject.joined(indices, {name: array.shape for name, array in fed.items()})
        opened = subject.open(cut)
    except (AdapterError, ValueError) as error:
        raise _unable(ops, str(error)) from error
    try:
        raw, unfit = stored(cut, {last: fed})
        if unfit:
            raise _unable(ops, unfit[last])
        outputs = dict(run(subject, opened, {last: fed}))[last]
    finally:
        opened.adapter.close()
    ports = [port for port in cut.ends[last].outputs if port.tensor in reference]
    ends = Ends(cut.ends[last].inputs, tuple(ports))
    here = {port.name: outputs[port.tensor] for port in ends.outputs}
    there = {port.name: np.asarray(reference[port.tensor]) for port in ends.outputs}
    _check(ends, here, there)
    title = _printable(" + ".join(f"{op.kind} {op.name!r}" for op in ops))
    lines = [title, *(line for one in ends.outputs for line in _lines(one, here, there))]
    contents = {
        f"model{subject.suffix}": cut.content,
        "inputs.npz": _npz(raw),
        "reference.npz": _npz(there),
        "candidate.npz": _npz(here),
        "replay.py": _script(subject, title, ends).encode(),
    }
    write_all(folder, contents)
    return Bundle(folder, tuple(lines))


def _refuse(subject: FileSubject, ops: Sequence[Op], fed: Mapping[str, Array]) -> None:
    """Raise ``ParityError`` where it is known beforehand that ops cannot run on these inputs."""
    made = {name for op in ops for name in op.outputs}
    for op in ops:
        given = {name: fed[name] for name in subject.operands(op) if name in fed}
        inner = {name: np.zeros(0) for name in subject.operands(op) if name in made}
        reason = subject.refusal(op.index, {**given, **inner})
        if reason is not None:
            raise _unable([op], reason)


def _unable(ops: Sequence[Op], reason: str) -> ParityError:
    listed = ", ".join(str(op.index) for op in ops)
    if len(ops) == 1:
        return ParityError(f"op {listed}: expected an op that runs alone, found: {reason}")
    return ParityError(f"ops {listed}: expected ops that run without others, found: {reason}")


def _check(ends: Ends, here: Mapping[str, Array], there: Mapping[str, Array]) -> None:
    if not ends.outputs:
        raise ParityError("expected the reference's output of the op, found none")
    for port in ends.outputs:
        shapes = there[port.name].shape, here[port.name].shape
        if shapes[0] != shapes[1]:
            raise ParityError(
                f"{port.tensor}: expected the reference's output in the candidate's shape "
                f"{shapes[1]}, found {shapes[0]}"
            )


def _lines(port: Port, here: Mapping[str, Array], there: Mapping[str, Array]) -> tuple[str, str]:
    """What the script prints of one output where it computes what was computed here."""
    reference = there[port.name]
    error = np.abs(here[port.name].astype(np.float64) - reference)
    size = np.linalg.norm(reference)
    relative = np.linalg.norm(error) / size if size else float("inf")
    tensor = _printable(port.tensor)
    return (
        f"{tensor}: max_abs {error.max(initial=0):.6g}, rel_l2 {relative:.6g}",
        f"{tensor}: 0 from the recorded output",
    )


def _script(subject: FileSubject, title: str, ends: Ends) -> str:
    outputs = {port.name: (_printable(port.tensor), *_grid(port)) for port in ends.outputs}
    parts = {"op": ascii(title), "outputs": ascii(outputs)}
    return _SCRIPT.format(**parts, runtime=_runtime(subject))


def _grid(port: Port) -> tuple[Any, Any]:
    """Scale and zero point of an output, in nested lists that broadcast along the channels."""
    if port.quantization is None:
        return None, None
    found = port.quantization
    if len(found.scale) == 1:
        return found.scale[0], found.zero_point[0]
    raise ParityError(
        f"{port.tensor}: expected one scale for an op's output, found {len(found.scale)}"
    )


def _runtime(subject: FileSubject) -> str:
    options = subject.artifact.options
    threads = options.get("threads") or 1
    if subject.kind == "onnxruntime":
        provider = options.get("provider") or "CPUExecutionProvider"
        level = _LEVELS[options.get("optimization", "all")]
        providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
        return _ONNX.format(threads=threads, level=level, providers=ascii(providers))
    interpreter = options.get("interpreter", "litert")
    library, name = _INTERPRETERS[interpreter]
    resolver = ""
    if options.get("delegate") == "none":
        module = "tf.lite.experimental" if interpreter == "tensorflow" else "lite"
        kind = f"{module}.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"
        resolver = f", experimental_op_resolver_type={kind}"
    return _TFLITE.format(library=library, interpreter=name, threads=threads, resolver=resolver)


def _printable(text: str) -> str:
    """A name from a file on one line, without control characters."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _npz(arrays: Mapping[str, Array]) -> bytes:
    memory = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(memory, **named)
    return memory.getvalue()
