"""What a table of layers costs, each figure beside a floor that runs in turn with it.

Reach: accumulated table of a same-format pair ≤ 1.5 of the floor for 1 image and ≤ 2 for 16, memory
flat in the images; alignment ≤ 1 s a model; whole table ≤ 8 of its two tapped runs, plus the
alignment. Polygraphy compares all tensors of the same pair, in an environment of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.localise_cases import Case, cases, open_file
from benchmarks.processes import ROOT, Cost, measure, medians
from parity.layers.align import alignment
from parity.layers.subjects.subject import Subject

FEW, MANY = 1, 16
REACH = {FEW: 1.5, MANY: 2.0}
NEEDS = ("polygraphy", "onnx", "onnxruntime", "numpy")
MIB = 1 << 20


def main(runs: int = 3) -> None:
    """Print medians and ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        models = _models()
        files = {suffix: _images(path, folder) for suffix, path in models.items()}
        _accumulated(models["onnx"], files["onnx"], runs, _polygraphy(folder))
        _whole(models["tflite"], files["tflite"], folder)
        _alignments(runs)


def _models() -> dict[str, Path]:
    """The published detector's raw files, or the bundled detector's."""
    zoo = os.environ.get("PARITY_ZOO")
    stem = ROOT / "golden" / "parts_ssd" / "detector"
    if zoo:
        stem = Path(zoo) / "ultralight" / "rfb320_raw"
    else:
        print("PARITY_ZOO is not set: the bundled parts_ssd instead of the published detector")
    return {suffix: stem.with_suffix(f".{suffix}") for suffix in ("onnx", "tflite")}


def _images(path: Path, folder: Path) -> Path:
    """Images that a model takes: smooth noise, no two alike."""
    side = open_file(str(path))
    head = side.graph.inputs[0]
    shape = _input_shape(side, head, path)
    side.close()
    images = np.random.default_rng(0).normal(size=(MANY, *shape)).astype(np.float32)
    target = folder / f"{path.suffix[1:]}.npy"
    np.save(target, np.clip(images / 2, -1, 1))
    return target


def _input_shape(side: Subject, name: str, path: Path) -> tuple[int, ...]:
    from parity import runtimes
    from parity.runtimes.contract import Artifact

    kind = "onnxruntime" if path.suffix == ".onnx" else "tflite"
    adapter = runtimes.load(kind)(Artifact(model=str(path), options={"threads": 1}))
    shape = adapter.inputs()[0].shape
    adapter.close()
    assert shape is not None
    return tuple(size or 1 for size in shape)


def _accumulated(model: Path, images: Path, runs: int, python: str | None) -> None:
    """The table without local errors, its floor, and Polygraphy, in turn."""
    programs = {
        "floor": (["-m", "benchmarks.layers_floor"], sys.executable),
        "parity": (["-m", "benchmarks.layers_table"], sys.executable),
    }
    if python:
        programs["polygraphy"] = (["benchmarks/polygraphy_compare.py"], python)
    costs: dict[str, list[Cost]] = {f"{one} {n}": [] for n in (FEW, MANY) for one in programs}
    for turn in range(runs + 1):
        for count in (FEW, MANY):
            for name, (start, interpreter) in programs.items():
                arguments = [*start, str(model), str(images), str(count)]
                cost = measure(arguments, python=interpreter, fine=(0,))
                if turn:
                    costs[f"{name} {count}"].append(cost)
    _print_accumulated(model, medians(costs), runs, list(programs))


def _print_accumulated(model: Path, costs: dict[str, Cost], runs: int, names: list[str]) -> None:
    print(f"accumulated table of {model.name} against itself, processes, medians of {runs} runs")
    for count in (FEW, MANY):
        floor = costs[f"floor {count}"]
        for name in names:
            one = costs[f"{name} {count}"]
            reach = f"   ≤ {REACH[count]}" if name == "parity" else ""
            print(
                f"  {count:2} images  {name:10} {one.seconds:6.2f} s  {one.processor:6.2f} s"
                f" processor  {one.memory / MIB:6.0f} MiB   {one.seconds / floor.seconds:5.2f}"
                f" of the floor, processor {one.processor / floor.processor:5.2f}{reach}"
            )
    for name in names:
        few, many = costs[f"{name} {FEW}"], costs[f"{name} {MANY}"]
        more = (many.memory - few.memory) / MIB
        image = (many.seconds - few.seconds) / (MANY - FEW) * 1e3
        print(f"  one more image  {name:10} {image:8.1f} ms; {MANY} images: {more:+.0f} MiB")


def _whole(model: Path, images: Path, folder: Path) -> None:
    print(f"whole table of {model.name} against itself, same kernels, medians of 3 runs")
    for count in (4, MANY):
        target = folder / f"whole-{count}.json"
        arguments = ["-m", "benchmarks.layers_whole", str(model), str(images), str(count)]
        measure([*arguments, str(target)], fine=(0,))
        found = json.loads(target.read_text())
        align = median(one["whole"][2] for one in found)
        for words, place in (("wall", 0), ("processor", 1)):
            base = median(one["tapped"][place] for one in found)
            spent = median(one["whole"][place] for one in found)
            print(
                f"  {count:2} images  {words:10} tapped {base:6.2f} s   whole {spent:6.2f} s, of it"
                f" alignment {align:.2f} s   {(spent - align) / base:5.2f}   ≤ 8"
            )


def _alignments(runs: int) -> None:
    print(f"alignment [s], medians of {runs} runs in one process")
    for case in cases():
        print(f"  {case.name:48} {median(_align(case) for _ in range(runs)):6.2f}   ≤ 1")


def _align(case: Case) -> float:
    """Both traces at hand, subjects opened anew."""
    reference, ours = case.reference()
    candidate = open_file(case.candidate)
    theirs = {candidate.graph.inputs[0]: case.feed}
    values = tuple(
        {**feeds, **{name: np.array(array) for name, array in side.trace(feeds)}}
        for side, feeds in ((reference, ours), (candidate, theirs))
    )
    started = time.perf_counter()
    alignment.align(reference, candidate, (values[0], values[1]))
    spent = time.perf_counter() - started
    reference.close()
    candidate.close()
    return spent


def _polygraphy(folder: Path) -> str | None:
    """The interpreter of an environment that has Polygraphy, or None: it cannot be installed."""
    target = folder / "polygraphy"
    python = target / ("Scripts" if os.name == "nt" else "bin") / "python"
    try:
        venv.create(target, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *NEEDS]
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        print(f"Polygraphy is left out, it could not be installed: {said.strip()[-200:]}")
        return None
    return str(python)


if __name__ == "__main__":
    main()
