"""What a process of its own costs a runtime, beside a bare copy of the tensors that travel.

Reach: an image costs at most as much more as copying its tensors twice plus a tenth of the
inference; for detections (inputs and heads) and for a trace of every layer. Each number is the
lower quartile of its runs: two processes that take turns are the first to suffer from others.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import ROOT
from parity import runtimes
from parity.isolation import Launch, Workplace
from parity.layers.subjects.onnx import file as onnx_file
from parity.runtimes.contract import Adapter, Artifact

SUITE = ROOT / "golden" / "parts_ssd"
ONE_THREAD = {"threads": 1}
Arrays = dict[Any, np.ndarray[Any, Any]]


def main(images: int = 80) -> None:
    """Print milliseconds an image."""
    with tempfile.TemporaryDirectory() as scratch:
        print("isolation, ms an image      here    apart    more   copied twice + a tenth    reach")
        for name, kind, artifact in _runs():
            _line(name, kind, artifact, _heads, images)
        for name, kind, artifact in _traces(Path(scratch)):
            _line(name, kind, artifact, _streamed, images)


def _runs() -> list[tuple[str, str, Artifact]]:
    return [
        ("onnx heads", "onnxruntime", Artifact(str(SUITE / "detector.onnx"), options=ONE_THREAD)),
        ("int8 heads", "tflite", Artifact(str(SUITE / "detector_int8.tflite"), options=ONE_THREAD)),
    ]


def _traces(scratch: Path) -> list[tuple[str, str, Artifact]]:
    """Models that show every tensor: ONNX with all of them as outputs, TFLite preserving them."""
    file = onnx_file.read(str(SUITE / "detector.onnx"))
    path = scratch / "tapped.onnx"
    path.write_bytes(onnx_file.tapped(file, onnx_file.tappable(file), None))
    plain = {**ONE_THREAD, "optimization": "disabled"}
    return [("onnx trace", "onnxruntime", Artifact(str(path), options=plain))]


def _heads(adapter: Adapter, feeds: Arrays) -> Arrays:
    return adapter.run(feeds)


def _streamed(adapter: Adapter, feeds: Arrays) -> Arrays:
    return dict(adapter.stream(feeds))  # type: ignore[attr-defined]


def _line(
    name: str,
    kind: str,
    artifact: Artifact,
    work: Callable[[Adapter, Arrays], Arrays],
    images: int,
) -> None:
    here, apart = runtimes.load(kind)(artifact), Workplace(Launch(), kind).open(artifact)
    (spec,) = here.inputs()
    image = np.random.default_rng(0).random([size or 1 for size in spec.shape or ()])
    feeds = {spec.name: image.astype(spec.dtype)}
    found = {name: array.copy() for name, array in work(here, feeds).items()}
    targets = [np.empty_like(array) for array in (*feeds.values(), *found.values())]
    work(apart, feeds)
    times: dict[str, list[float]] = {"here": [], "apart": [], "copy": []}
    for _ in range(images):
        times["here"].append(_timed(lambda: work(here, feeds)))
        times["apart"].append(_timed(lambda: work(apart, feeds)))
        times["copy"].append(_timed(lambda: _copy(targets, [*feeds.values(), *found.values()])))
    here.close()
    apart.close()
    inside, outside, copy = (
        statistics.quantiles(times[key], n=4)[0] for key in ("here", "apart", "copy")
    )
    allowed = 2 * copy + 0.1 * inside
    size = sum(array.nbytes for array in targets) / (1 << 20)
    print(
        f"{name:12} {size:6.1f} MiB {inside:10.2f} {outside:8.2f} {outside - inside:7.2f}"
        f" {allowed:24.2f}    {'held' if outside - inside <= allowed else 'MISSED'}"
    )


def _copy(targets: list[np.ndarray[Any, Any]], sources: list[np.ndarray[Any, Any]]) -> None:
    for target, source in zip(targets, sources, strict=True):
        np.copyto(target, source)


def _timed(work: Callable[[], Any]) -> float:
    gc.disable()
    started = time.perf_counter()
    work()
    elapsed = (time.perf_counter() - started) * 1e3
    gc.enable()
    return elapsed


if __name__ == "__main__":
    main()
