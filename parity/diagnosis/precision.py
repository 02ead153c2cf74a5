"""A candidate that computes in integers and is judged as if it computed in floats."""

from __future__ import annotations

from pathlib import Path

from parity import runtimes
from parity.errors import ParityError
from parity.runtimes.contract import Graph
from parity.suite import Runtime

_INTEGER = ("QLinear", "ConvInteger", "MatMulInteger")  # ONNX ops whose weights are integers


def quantised_hint(runtime: Runtime, folder: Path) -> tuple[str, ...]:
    """Names the int8 tolerance where most of the artifact is quantised; nothing applies it.

    Asked only after a verdict has failed. Nothing is said where the file cannot be read as data.
    """
    inside = runtimes.descriptor(runtime.table.kind).inside
    if not runtime.tolerance.strict or inside not in ("onnx", "tflite"):
        return ()
    try:
        integers, layers = _quantised(inside, folder / runtime.table.model)
    except (ParityError, ImportError):
        return ()
    if 2 * integers <= layers:
        return ()
    return (
        f"{runtime.table.model} computes in integers ({integers} of {layers} layers with weights) "
        f'and is judged by the tolerance {runtime.tolerance.name}: tolerance = "int8" exists for '
        f"quantised candidates (a budget over all images), and is used only where "
        f"[runtimes.{runtime.name}] says so",
    )


def _quantised(inside: str, path: Path) -> tuple[int, int]:
    """How many layers have quantised weights, and how many there are; none without activations."""
    from parity.layers.subjects.onnx import file as onnx_file
    from parity.layers.subjects.tflite import file as tflite_file

    file = tflite_file.read(path) if inside == "tflite" else onnx_file.read(path)
    return _counts(file.graph) if file.grids else (0, 0)


def _counts(graph: Graph) -> tuple[int, int]:
    from parity.layers.graph.roles import WEIGHTED
    from parity.layers.graph.semantics import role

    producers = graph.producers()
    weighted = [op for op in graph.ops if role(graph, op) in WEIGHTED]
    integers = 0
    for op in weighted:
        weight = op.inputs[1] if len(op.inputs) > 1 else ""
        unpacked = producers.get(weight)
        stored = (weight, *(unpacked.inputs[:1] if unpacked is not None else ()))
        integers += op.kind.startswith(_INTEGER) or any(
            name in graph.constants and name in graph.quantization for name in stored
        )
    return integers, len(weighted)
