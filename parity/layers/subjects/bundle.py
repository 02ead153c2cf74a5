"""Replay folders: one op with the inputs that it had, ready to attach to a bug report.

Where only several ops together have a partner in the reference, it is these, as they are connected.
``model.onnx`` or ``model.tflite`` holds them alone; ``inputs.npz`` what they are fed, as the
runtime takes it; ``reference.npz`` and ``candidate.npz`` their outputs there and here, as real
numbers, all under the names of the model's inputs and outputs. ``replay.py`` runs them with the
runtime alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.errors import ParityError
from parity.files import write_all
from parity.layers.subjects.cutting import Ends, Port
from parity.layers.subjects.file_subject import FileSubject
from parity.runtimes.contract import AdapterError, Op
from parity.tensors import Array

_SCRIPT = """\
{title}
import os, numpy as np
{library}
os.chdir(os.path.dirname(os.path.abspath(__file__)))
inputs, reference, candidate = [dict(np.load(f"{{name}}.npz")) for name in {files}]
{runtime}print(__doc__)
for name, wanted in reference.items():
    value = {value}
    error, size = value - wanted.astype(float), np.linalg.norm(wanted.astype(float))
    relative = np.linalg.norm(error) / size if size else (np.inf if error.any() else 0.0)
    same = np.array_equal(value, candidate[name], equal_nan=True)
    print(f"max_abs {{abs(error).max(initial=0):.6g}}, rel_l2 {{relative:.6g}},"
          f" {{np.sum(~np.isfinite(value))}} of {{value.size}} not finite, as recorded: {{same}}")
"""


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
        raw, _ = cut.stored({last: fed})
        outputs = subject.run(opened, {last: fed})[last]
        if isinstance(outputs, str):
            raise _unable(ops, outputs)
    finally:
        opened.adapter.close()
    ports = [port for port in cut.ends[last].outputs if port.tensor in reference]
    ends = Ends(cut.ends[last].inputs, tuple(ports))
    here = {port.name: outputs[port.tensor] for port in ends.outputs}
    there = {port.name: np.asarray(reference[port.tensor]) for port in ends.outputs}
    _check(ends, here, there)
    title = _title(ops)
    lines = [title, *(_line(here[port.name], there[port.name]) for port in ends.outputs)]
    contents = {
        f"model{subject.suffix}": cut.content,
        "inputs.npz": _npz(raw),
        "reference.npz": _npz(there),
        "candidate.npz": _npz(here),
        "replay.py": _script(subject, title, ends).encode(),
    }
    write_all(folder, contents)
    return Bundle(folder, tuple(lines))


def _title(ops: Sequence[Op]) -> str:
    named = " + ".join(f"{op.kind} {_short(op.name)!r}" for op in ops)
    return _printable(f"{named}, fed with the reference's tensors")


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


def _line(here: Array, there: Array) -> str:
    """What the script prints of one output where it computes what was computed here."""
    wanted = there.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = here.astype(np.float64) - wanted
    size = np.linalg.norm(wanted)
    relative = np.linalg.norm(error) / size if size else (np.inf if error.any() else 0.0)
    return (
        f"max_abs {np.abs(error).max(initial=0):.6g}, rel_l2 {relative:.6g}, "
        f"{np.sum(~np.isfinite(here))} of {here.size} not finite, as recorded: True"
    )


def _script(subject: FileSubject, title: str, ends: Ends) -> str:
    run_alone = subject.script()
    return _SCRIPT.format(
        title=ascii(title),
        library=run_alone.library,
        files=("inputs", "reference", "candidate"),
        runtime=run_alone.lines,
        value=_value(ends.outputs),
    )


def _value(ports: Iterable[Port]) -> str:
    """The expression for an output as real numbers, as ``Port.value`` gives them."""
    grids = {port.name: _grid(port) for port in ports if port.quantization}
    if not grids:
        return "found[name].astype(float)"
    scales = {name: scale for name, (scale, _) in grids.items()}
    zeros = {name: zero for name, (_, zero) in grids.items()}
    return (
        f"np.float32((found[name].astype(float) - {zeros}.get(name, 0)) * {scales}.get(name, 1.0))"
        f".astype(float)"
    )


def _grid(port: Port) -> tuple[float, int]:
    """Scale and zero point of a quantised output."""
    found = port.quantization
    assert found is not None
    if len(found.scale) == 1:
        return found.scale[0], found.zero_point[0]
    raise ParityError(
        f"{port.tensor}: expected one scale for an op's output, found {len(found.scale)}"
    )


def _short(name: str, longest: int = 60) -> str:
    """A name, cut in its middle: converters join the names of all that they fuse."""
    if len(name) <= longest:
        return name
    return f"{name[: longest // 2]}...{name[-longest // 2 :]}"


def _printable(text: str) -> str:
    """A name from a file on one line, without control characters."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _npz(arrays: Mapping[str, Array]) -> bytes:
    memory = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(memory, **named)
    return memory.getvalue()
