"""What decoding and NMS cost for each family, and beside the network's own time.

Reach: decode and NMS of 10,000 proposals ≤ 50 ms. Families have the heads of their usual models
(80 classes, inputs of 300 to 640 pixels), made up, as no such model is bundled: what their
networks cost is not measured here. The bundled detectors show decoding beside their network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.decode_examples import MAKERS, Example, crowd
from benchmarks.processes import ROOT
from parity.boxes import Placement
from parity.decode import decode, to_side
from parity.decode.families import built_in
from parity.detections import Side
from parity.pipeline import Images, Pipeline
from parity.suite import load

PROPOSALS, REACH = 10_000, 50.0
BAND = 0.1
BUNDLED = (("parts_ssd", "onnx"), ("parts_free", "onnx"))


@dataclass(frozen=True, eq=False)
class Spent:
    """Milliseconds, medians, and what came of it."""

    decode: float
    nms: float
    side: Side

    @property
    def proposals(self) -> int:
        """What stood above the floor."""
        return len(self.side.seen) + len(self.side.removed.detections)


def main(runs: int = 11) -> None:
    """Print medians."""
    print(f"decode and NMS of one image down to its floor, medians of {runs} runs [ms]")
    for family in built_in():
        if family not in MAKERS:
            print(f"  {family:20} has no example heads: write a maker in decode_examples.py")
            continue
        example = MAKERS[family]()
        shapes = ", ".join(str(tuple(head.shape)) for head in example.heads.values())
        _line(family, _spent(example, runs), shapes)
    print(f"decode and NMS of {PROPOSALS} proposals of a crowd [ms]")
    for classes, nms in ((80, "class"), (1, "class"), (80, "agnostic")):
        example = crowd(PROPOSALS, classes)
        for most in (100, PROPOSALS):
            update = {"nms": nms, "max_detections": most}
            spent = _spent(_with(example, update), runs)
            words = f"{nms}, {classes} cl, ≤ {most}"
            reach = f"sum {spent.decode + spent.nms:.1f}" + (f"   ≤ {REACH:g}" * (most == 100))
            _line(words, spent, reach)
    for name, runtime in BUNDLED:
        _bundled(name, runtime)


def _with(example: Example, update: dict[str, object]) -> Example:
    changed = example.settings.model_copy(update=update)
    return Example(changed, example.heads, example.classes, example.size, example.priors)


def _line(words: str, spent: Spent, more: str) -> None:
    print(
        f"  {words:20} decode {spent.decode:7.2f}   NMS {spent.nms:7.2f}   "
        f"{spent.proposals:6} proposals, {len(spent.side.seen):5} kept   {more}"
    )


def _spent(example: Example, runs: int) -> Spent:
    how = example.settings

    def decoded() -> object:
        return decode(example.heads, how, example.classes, example.size, example.priors)

    found = decode(example.heads, how, example.classes, example.size, example.priors)
    floor = how.score_threshold - BAND

    def suppressed() -> Side:
        return to_side(found, how, floor, Placement())

    return Spent(_median(decoded, runs), _median(suppressed, runs), suppressed())


def _median(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1e3)
    return median(times[1:])  # the first one warms up


def _bundled(name: str, runtime: str) -> None:
    suite = load(ROOT / "golden" / name)
    pipeline = Pipeline(suite, runtime, Images(suite))
    spent = [pipeline.stages(image, BAND).milliseconds for image in suite.images]
    pipeline.close()
    network, decoding = (median(one[stage] for one in spent[1:]) for stage in ("network", "decode"))
    print(
        f"{name} in {suite.runtimes[runtime].table.kind}, {len(spent)} images [ms]   network "
        f"{network:.2f}   decode and NMS {decoding:.2f}   {decoding / network:.2f} of the network"
    )


if __name__ == "__main__":
    main()
