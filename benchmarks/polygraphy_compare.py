"""All tensors of an ONNX file against itself by Polygraphy; arguments as of ``layers_floor.py``."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnxruntime
from polygraphy import constants
from polygraphy.backend.onnx import BytesFromOnnx, ModifyOutputs, OnnxFromPath
from polygraphy.backend.onnxrt import OnnxrtRunner
from polygraphy.comparator import Comparator


def _session(content: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def main() -> None:
    path, images, count = sys.argv[1], np.load(sys.argv[2], mmap_mode="r"), int(sys.argv[3])
    tapped = BytesFromOnnx(ModifyOutputs(OnnxFromPath(path), outputs=constants.MARK_ALL))
    content = tapped()
    name = _session(content).get_inputs()[0].name
    runners = [OnnxrtRunner(lambda: _session(content), name=side) for side in ("one", "other")]
    results = Comparator.run(runners, data_loader=[{name: image} for image in images[:count]])
    assert bool(Comparator.compare_accuracy(results))


if __name__ == "__main__":
    main()
