"""The floor of a table of layers: two tapped sessions, three sums a tensor, nothing else.

``python benchmarks/layers_floor.py MODEL IMAGES COUNT``: IMAGES is a ``.npy`` of float32 images,
each with its batch axis. One image at a time; the tensors of both sides are written into the same
memory for every image.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime

Outputs = dict[str, np.ndarray[Any, Any]]


def tapped(model: bytes) -> tuple[Any, Any, Outputs]:
    """A session with one thread and no optimisation, its binding, and the outputs' memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding, held = session.io_binding(), {}
    for spec in session.get_outputs():
        known = spec.shape and all(isinstance(size, int) for size in spec.shape)
        if spec.type == "tensor(float)" and known:
            held[spec.name] = np.empty(spec.shape, np.float32)
            value = onnxruntime.OrtValue.ortvalue_from_numpy(held[spec.name])
            binding.bind_ortvalue_output(spec.name, value)
        else:
            binding.bind_output(spec.name, "cpu")
    return session, binding, held


def tensors(session: Any, binding: Any, held: Outputs) -> Iterator[tuple[str, Any]]:
    """One run's tensors."""
    for spec, value in zip(session.get_outputs(), binding.get_outputs(), strict=True):
        yield spec.name, held[spec.name] if spec.name in held else value.numpy()


def main() -> None:
    path, images, count = sys.argv[1], np.load(sys.argv[2], mmap_mode="r"), int(sys.argv[3])
    model = onnx.load(path)
    known = {one.name for one in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    content = model.SerializeToString()
    sides = [tapped(content) for _ in range(2)]
    fed = sides[0][0].get_inputs()[0]
    sums: dict[str, Any] = {}
    for image in images[:count]:
        for session, binding, _ in sides:
            binding.bind_cpu_input(fed.name, np.ascontiguousarray(image))
            session.run_with_iobinding(binding)
        values = zip(*(tensors(*side) for side in sides), strict=True)
        for (name, one), (_, other) in values:
            first, second = one.ravel(), other.ravel()
            apart = second - first
            sums[name] = apart @ apart, first @ first, np.abs(apart).max(initial=0)
    assert len(sums) > 1


if __name__ == "__main__":
    main()
