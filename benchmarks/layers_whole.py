"""The whole table with local errors, and the two tapped runs that it cannot do without.

``python -m benchmarks.layers_whole MODEL IMAGES COUNT FILE``: IMAGES as of ``layers_floor.py``, in
the model's layout. Writes the seconds of each as JSON, in turn within one process, subjects opened
anew for each; what the first of all costs (imports, first pages) is left out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.localise_cases import open_file
from parity.layers.verdict.comparing import compare_layers
from parity.tensors import Array

Feeds = dict[str, Array]


def tapped(path: str, feeds: list[Feeds]) -> tuple[float, float]:
    """Wall and processor seconds of two tapped runs, every tensor asked for."""
    started = time.perf_counter(), time.process_time()
    sides = [open_file(path) for _ in range(2)]
    for one in feeds:
        for side in sides:
            for _name, _array in side.trace(one):
                pass
    spent = time.perf_counter() - started[0], time.process_time() - started[1]
    for side in sides:
        side.close()
    return spent


def whole(path: str, feeds: list[Feeds]) -> tuple[float, float, float]:
    """Wall and processor seconds of the table, and those of the alignment in it."""
    started = time.perf_counter(), time.process_time()
    sides = [open_file(path) for _ in range(2)]
    table = compare_layers(sides[0], sides[1], ((one, one) for one in feeds), False)
    spent = time.perf_counter() - started[0], time.process_time() - started[1]
    for side in sides:
        side.close()
    return *spent, table.seconds["align"]


def measured(path: str, images: Array, runs: int) -> Iterator[dict[str, tuple[float, ...]]]:
    """Both in turn, after one of each that is not counted."""
    side = open_file(path)
    name = side.graph.inputs[0]
    side.close()
    feeds = [{name: image} for image in images]
    for turn in range(runs + 1):
        found: dict[str, tuple[float, ...]] = {"tapped": tapped(path, feeds)}
        found["whole"] = whole(path, feeds)
        if turn:
            yield found


def main() -> None:
    path, images, count = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
    Path(sys.argv[4]).write_text(json.dumps(list(measured(path, images[:count], 3))))


if __name__ == "__main__":
    main()
