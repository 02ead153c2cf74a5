"""int8 ONNX by ONNX Runtime's static quantisation, in the QDQ format.

Weights per channel and activations, both in uint8: with int8 weights, processors without VNNI
saturate where two products are added, and the same file would find other things on another machine.
The last convolution before an output and what comes after it (box arithmetic, sigmoid, softmax)
stay float32: there is little to gain, and a box in pixels does not fit into 256 steps.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from parity.export.exporters import onnx_files
from parity.export.job import Job
from parity.export.ranges import Ranges
from parity.tensors import Array

_OPSET = 13  # the first with QuantizeLinear per channel; below it the result does not load
_HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm")


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Quantise the source's file on the representative images."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    opset = onnx_files.checked_opset(job, onnx.defs.onnx_opset_version(), "onnx", default=None)
    source, feeds = job.open(), job.feeds()
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, made = (Path(folder) / f"{step}.onnx" for step in ("plain", "ready", "made"))
        onnx.save(_upgraded(onnx.load(job.source_path), opset), plain)
        quant_pre_process(str(plain), str(ready))
        model = onnx.load(ready)
        onnx_files.rename(model.graph)
        onnx.save(model, ready)
        ranges = _ranges(model, source.input.name, feeds)
        quantization.quantize_static(
            str(ready),
            str(made),
            _reader(quantization, {source.input.name: source.example}),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QUInt8,
            per_channel=True,
            nodes_to_exclude=_tail(model.graph),
            extra_options={"TensorQuantOverrides": ranges},
        )
        onnx_files.write(job, onnx.load(made), target)
    return job.calibration_notes()


def _upgraded(model: Any, opset: int | None) -> Any:
    from onnx import version_converter

    wanted = max(opset or onnx_files.opset_of(model), _OPSET)
    if onnx_files.opset_of(model) == wanted:
        return model
    return version_converter.convert_version(model, wanted)


def _tail(graph: Any) -> list[str]:
    """The last convolutions and matrix products on the way to the outputs, and all after them."""
    ahead: set[str] = set()  # values that something heavy still reads, directly or not
    tail = []
    for node in reversed(graph.node):
        more = any(name in ahead for name in node.output)
        if node.op_type in _HEAVY or more:
            ahead.update(node.input)
        if not more:
            tail.append(node.name)
    return tail


def _ranges(
    model: Any, name: str, feeds: Callable[[], Iterator[Array]]
) -> dict[str, list[dict[str, Any]]]:
    """The range of every activation, as the quantiser wants to be told."""
    import onnx
    import onnxruntime

    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    outputs = {one.name for one in tapped.graph.output}
    wanted = [one for node in tapped.graph.node for one in node.output if one not in outputs]
    tapped.graph.output.extend(onnx.ValueInfoProto(name=one) for one in wanted if one)
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        tapped.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs() if one.type == "tensor(float)"]
    ranges = Ranges()
    for array in feeds():
        ranges.add(name, array)
        for one, value in zip(names, session.run(names, {name: array}), strict=True):
            ranges.add(one, value)
    found = {}
    for one in (name, *names):
        low, high = ranges.of(one)
        found[one] = [{"rmin": low, "rmax": high}]
    return found


def _reader(quantization: Any, feed: dict[str, Array]) -> Any:
    """One image, because the quantiser insists on finding ranges of its own first."""

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = [feed]

        def get_next(self) -> dict[str, Array] | None:
            return self.left.pop() if self.left else None

    return Reader()
