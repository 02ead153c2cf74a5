"""A candidate that computes in integers and is judged as if it computed in floats."""

from __future__ import annotations

from pathlib import Path

from parity.errors import ParityError
from parity.runtimes.graph import Graph
from parity.suite import Runtime

_INTEGER = ("QLinear", "ConvInteger", "MatMulInteger")  # ONNX ops whose weights are integers


def quantised_hint(runtime: Runtime, folder: Path) -> tuple[str, ...]:
    """Names the int8 tolerance where the artifact is quantised throughout; nothing applies it.

    Asked only after a verdict has failed. Nothing is said where the file cannot be read as data.
    """
    if not runtime.tolerance.strict or runtime.table.kind not in ("tflite", "onnxruntime"):
        return ()
    try:
        quantised = _is_quantised(runtime.table.kind, folder / runtime.table.model)
    except (ParityError, ImportError):
        return ()
    if not quantised:
        return ()
    return (
        f"{runtime.table.model} is quantised, weights and activations, and it is judged by the "
        f'tolerance {runtime.tolerance.name}: tolerance = "int8" exists for quantised candidates '
        f"(a budget over all images), and is used only where [runtimes.{runtime.name}] says so",
    )


def _is_quantised(kind: str, path: Path) -> bool:
    """Whether every weight of the file is quantised, and its activations are."""
    from parity.layers import onnx_file, tflite_file

    if kind == "tflite":
        tflite = tflite_file.read(path)
        return bool(tflite.grids) and _in_integers(tflite.graph)
    onnx = onnx_file.read(path)
    return bool(onnx.grids) and _in_integers(onnx.graph)


def _in_integers(graph: Graph) -> bool:
    from parity.layers.semantics import WEIGHTED, role

    producers = graph.producers()
    weighted = [op for op in graph.ops if role(graph, op) in WEIGHTED]
    stored = (
        op.kind.startswith(_INTEGER)
        or any(
            name in graph.constants and name in graph.quantization
            for one in op.inputs[1:2]
            for name in (one, *(producers[one].inputs[:1] if one in producers else ()))
        )
        for op in weighted
    )
    return bool(weighted) and all(stored)
