"""What ``parity check`` costs beside a bare script that runs the same inferences.

Reach: marginal cost of an image ≤ 1.15 of the bare script's (slope from 16 to 64 images, all
runtimes), start-up ≤ 1.3 of its imports and loads, peak memory ≤ 1.2 of its.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import cv2

from benchmarks.processes import ROOT, alternate, medians

FEW, MANY = 16, 64
SUITE = ROOT / "golden" / "parts_ssd"
# Parity may be broken on pictures drawn just now (1); not to be judged (2, 3) is no cost at all.
CHECK = """
import sys
from parity.cli import main
sys.exit(main(["check", sys.argv[1]]) > 1)
"""


def main(runs: int = 3) -> None:
    """Print medians and ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        suites = {count: _suite(Path(scratch), count) for count in (FEW, MANY)}
        commands = {}
        for count, suite in suites.items():
            commands[f"bare {count}"] = ["benchmarks/bare.py", str(suite)]
            commands[f"parity {count}"] = ["-c", CHECK, str(suite)]
        costs = medians(alternate(commands, runs))
    slope, start, processor = {}, {}, {}
    for name in ("bare", "parity"):
        few, many = costs[f"{name} {FEW}"], costs[f"{name} {MANY}"]
        slope[name] = (many.seconds - few.seconds) / (MANY - FEW)
        start[name] = few.seconds - FEW * slope[name]
        processor[name] = (many.processor - few.processor) / (MANY - FEW)
    memory = {name: costs[f"{name} {MANY}"].memory for name in ("bare", "parity")}
    print(f"check of {SUITE.name}, medians of {runs} runs    bare   parity    ratio   reach")
    _line("one more image, all runtimes [ms]", slope, 1e3, 1.15)
    _line("the same in processor time [ms]", processor, 1e3, 1.15)
    _line("start: imports and models [s]", start, 1, 1.3)
    _line(f"peak memory, {MANY} images [MiB]", memory, 1 / (1 << 20), 1.2)


def _line(words: str, values: dict[str, float] | dict[str, int], unit: float, reach: float) -> None:
    bare, ours = values["bare"] * unit, values["parity"] * unit
    print(f"{words:40} {bare:8.2f} {ours:8.2f} {ours / bare:8.2f}   ≤ {reach}")


def _suite(scratch: Path, images: int) -> Path:
    """The bundled suite with that many freshly drawn images, without goldens or labels."""
    sys.path.insert(0, str(SUITE.parent))
    from scenes import render

    folder = scratch / str(images)
    shutil.copytree(SUITE, folder, ignore=shutil.ignore_patterns("images", "golden", "labels.json"))
    (folder / "images").mkdir()
    for number in range(images):
        picture = cv2.cvtColor(render(9_000_000 + number).image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "images" / f"{number:03d}.jpg"), picture)
    path = folder / "parity.toml"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("labels", "images"))]
    kept.insert(kept.index("[detector]") + 1, 'images = ["images/*.jpg"]')
    path.write_text("\n".join(kept))
    return path


if __name__ == "__main__":
    main()
