"""The accumulated table of a pair of ONNX files, as a process of its own.

``python -m benchmarks.layers_table MODEL IMAGES COUNT``: as ``layers_floor.py``, with all figures.
"""

from __future__ import annotations

import sys

import numpy as np

from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.verdict.comparing import compare_layers
from parity.runtimes.contract import Artifact


def main() -> None:
    path, images, count = sys.argv[1], np.load(sys.argv[2], mmap_mode="r"), int(sys.argv[3])
    sides = [OnnxSubject(Artifact(model=path, options={"threads": 1})) for _ in range(2)]
    (name,) = sides[0].graph.inputs
    feeds = (({name: image}, {name: image}) for image in images[:count])
    table = compare_layers(sides[0], sides[1], feeds, False, with_local=False)
    assert len(table.rows) > 1
    for side in sides:
        side.close()


if __name__ == "__main__":
    main()
