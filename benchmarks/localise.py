"""Does the table of layers point at the layer that was damaged? Seeded faults, many trials.

    python -m benchmarks.localise --trials 120 --seed 1

Each trial damages one layer of a bundled detector's export (and of the published one, where
PARITY_ZOO names the folder of published detectors), compares it with the native reference and asks
which region is the top suspect. A hit is a region of at most three ops (quantise and dequantise not
counted) that holds the damaged op. A fault that does not change the output is drawn again. Pairs of
the alignment are checked against a truth found by brute force: the reference tensors to which each
tensor of the *healthy* candidate is numerically nearest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import faults_onnx, faults_tflite
from benchmarks.localise_cases import Case, Feeds, cases, open_file
from parity.layers.align.forcing import is_result
from parity.layers.align.matching import Matching, TracedGraph
from parity.layers.align.regions import counted
from parity.layers.graph.view import View
from parity.layers.numbers.divergence import relative
from parity.layers.subjects.subject import Subject
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import LayerTable
from parity.runtimes.contract import AdapterError
from parity.tensors import Array

HIT_OPS = 3


class Remembered:
    """A subject whose run of one image is kept: the reference is the same in every trial."""

    def __init__(self, subject: Subject, feeds: Feeds) -> None:
        self._subject = subject
        self.graph = subject.graph
        self.values = {name: np.array(array) for name, array in subject.trace(feeds)}

    def trace(self, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        yield from self.values.items()

    def clean(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        return {name: self.values[name] for name in self.graph.outputs}

    def replay(self, feeds: Any) -> Any:
        return self._subject.replay(feeds)

    def close(self) -> None:
        self._subject.close()


@dataclass(eq=False)
class Bench:
    """One case, open: its reference's run, the healthy candidate's outputs, the truth of pairs."""

    case: Case
    reference: Remembered
    feeds: tuple[Feeds, Feeds]
    outputs: dict[str, Array]
    truth: dict[str, set[str]]
    own_error: float
    control: LayerTable


def opened(case: Case) -> Bench:
    """Run both healthy sides once and find the truth."""
    native, ours = case.reference()
    healthy = open_file(case.candidate)
    theirs = {healthy.graph.inputs[0]: case.feed}
    reference = Remembered(native, ours)
    values = {**theirs, **{name: np.array(array) for name, array in healthy.trace(theirs)}}
    sides = TracedGraph.of(reference, {**ours, **reference.values}), TracedGraph.of(healthy, values)
    truth = true_pairs(Matching(*sides), 0.2 if case.quantized else 1e-3)
    outputs = {name: np.array(array) for name, array in healthy.clean(theirs).items()}
    control = compare_layers(reference, healthy, [(ours, theirs)], case.quantized)
    outs = [row.rel_l2 for row in control.rows if row.candidate_tensor in outputs]
    healthy.close()
    own = max((error for error in outs if error is not None), default=0.0)
    return Bench(case, reference, (ours, theirs), outputs, truth, own, control)


def true_pairs(matching: Matching, limit: float) -> dict[str, set[str]]:
    """By candidate tensor, the reference tensors it is numerically nearest to, and their equals."""
    ours, theirs = matching.reference, matching.candidate
    named = [*ours.view.inputs]
    named += [name for op in ours.view.data_ops() for name in op.outputs if name in ours.values]
    found = {}
    for op in theirs.view.data_ops():
        for name in op.outputs:
            if not is_result(theirs.view, op, name) or name not in theirs.values:
                continue
            value = theirs.values[name]
            errors = {}
            for one in named:
                if ours.values[one].size == value.size:
                    brought = matching.bring(one, name)
                    if brought is not None and brought.shape == value.shape:
                        errors[one] = relative(brought, value)
            best = min(errors.values(), default=np.inf)
            near = {one for one, error in errors.items() if error <= max(best * 1.05, 1e-5)}
            rival = min((e for one, e in errors.items() if one not in near), default=np.inf)
            if best < limit and rival > 2 * best:
                found[name] = near
    return found


@dataclass
class Tally:
    """What the trials added up to, for one kind of number."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    pairs_missed: Counter[str] = field(default_factory=Counter)

    def add(self, found: Mapping[str, str], truth: Mapping[str, set[str]], names: set[str]) -> None:
        for name in names:
            if name not in found:
                self.missed += 1
                self.pairs_missed[name] += 1
            elif found[name] in truth[name]:
                self.right += 1
            else:
                self.wrong += 1
                self.pairs_missed[f"{name} as {found[name]}"] += 1

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.wrong + self.missed, 1)


@dataclass(frozen=True)
class Trial:
    """One fault and what the table said of it."""

    case: str
    fault: str
    quantized: bool
    damaged: frozenset[str]
    rank: int | None
    size: int
    seconds: float
    top: str


def library(path: str, quantized: bool) -> tuple[Any, Mapping[str, Callable[..., set[str]]]]:
    """The surgery of a file format and its faults."""
    module: Any = faults_onnx if path.endswith(".onnx") else faults_tflite
    return module.Model, module.INT8 if quantized else module.FLOAT


def changed(bench: Bench, outputs: Mapping[str, Array]) -> bool:
    """Whether a fault shows at the output: beyond rounding, beyond what int8 costs anyway."""
    apart = [relative(bench.outputs[name], outputs[name]) for name in bench.outputs]
    return max(apart) > max(1e-3, 0.5 * bench.own_error)


def trial(
    bench: Bench, fault: str, rng: np.random.Generator, tallies: dict[str, Tally]
) -> Trial | None:
    """One fault; None where there was no site for it or the output does not show it."""
    surgery, faults = library(bench.case.candidate, bench.case.quantized)
    model = surgery(bench.case.candidate)
    damaged = faults[fault](model, rng)
    if not damaged:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/damaged{Path(bench.case.candidate).suffix}"
        model.save(path)
        subject = open_file(path)
        try:
            try:
                outputs = subject.clean(bench.feeds[1])
            except AdapterError:
                return None  # not a model any more
            if not changed(bench, outputs):
                return None
            started = time.perf_counter()
            table = compare_layers(bench.reference, subject, [bench.feeds], bench.case.quantized)
            seconds = time.perf_counter() - started
            _tally(bench, subject, table, damaged, tallies)
            return _judged(bench, fault, subject, table, damaged, seconds)
        finally:
            subject.close()


def _tally(
    bench: Bench, subject: Subject, table: LayerTable, damaged: set[str], tallies: dict[str, Tally]
) -> None:
    found = {row.candidate_tensor: row.reference_tensor for row in reversed(table.rows)}
    names = {name for op in subject.graph.ops for name in op.outputs}
    behind = downstream(subject, damaged)
    known = {name for name in bench.truth if name in names and name not in damaged}
    tallies["before"].add(found, bench.truth, known - behind)
    tallies["behind"].add(found, bench.truth, known & behind)


def downstream(subject: Subject, damaged: set[str]) -> set[str]:
    """Every tensor that is made of damaged ones."""
    found = set(damaged)
    for op in subject.graph.ops:
        if found.intersection(op.inputs):
            found.update(op.outputs)
    return found


def _judged(
    bench: Bench, fault: str, subject: Subject, table: LayerTable, damaged: set[str], seconds: float
) -> Trial:
    by_index = {op.index: op for op in subject.graph.ops}
    view = View(subject.graph, {})
    rank, size, top = None, 0, ""
    for place, row in enumerate(table.suspects(10)):
        ops = [by_index[index] for index in row.candidate_ops]
        top = top or f"{row.candidate} [{row.candidate_op}] {row.local_rel_l2} {row.suspicion:.3g}"
        if any(damaged.intersection(op.outputs) for op in ops):
            size = counted(view, ops)
            if size <= HIT_OPS:
                rank = place
            break
    return Trial(
        bench.case.name, fault, bench.case.quantized, frozenset(damaged), rank, size, seconds, top
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--fault", default="", help="faults whose name contains this")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    benches = [opened(case) for case in cases() if asked.only in case.name]
    tallies = {"healthy": Tally(), "before": Tally(), "behind": Tally()}
    for bench in benches:
        control(bench, tallies["healthy"])
    trials: list[Trial] = []
    menu = [
        (bench, fault)
        for bench in benches
        for fault in library(bench.case.candidate, bench.case.quantized)[1]
        if asked.fault in fault
    ]
    barren: Counter[tuple[str, str]] = Counter()
    while menu and len(trials) < asked.trials:
        bench, fault = menu[int(rng.integers(len(menu)))]
        one = trial(bench, fault, rng, tallies)
        if one is None:
            barren[bench.case.name, fault] += 1
            if barren[bench.case.name, fault] >= 8:
                menu.remove((bench, fault))
        else:
            barren[bench.case.name, fault] = 0
            trials.append(one)
    report(trials, tallies, benches)


def control(bench: Bench, tally: Tally) -> None:
    """The healthy pair: its alignment against the truth."""
    found = {row.candidate_tensor: row.reference_tensor for row in reversed(bench.control.rows)}
    tally.add(found, bench.truth, set(bench.truth))


def report(trials: list[Trial], tallies: dict[str, Tally], benches: list[Bench]) -> None:
    """Print every figure, and every miss."""
    print(f"{'alignment':<10} {'precision':>9} {'recall':>7} {'pairs':>7}")
    for name, tally in tallies.items():
        pairs = tally.right + tally.wrong + tally.missed
        print(f"{name:<10} {tally.precision:>9.4f} {tally.recall:>7.4f} {pairs:>7}")
        for what, count in tally.pairs_missed.most_common(8):
            print(f"    {count} x {what[-110:]}")
    print(f"\n{'localisation':<12} {'trials':>6} {'top-1':>6} {'top-3':>6}")
    for quantized, name in ((False, "float"), (True, "int8")):
        some = [one for one in trials if one.quantized is quantized]
        print(f"{name:<12} {len(some):>6} {share(some, 1):>6.3f} {share(some, 3):>6.3f}")
    for fault in sorted({one.fault for one in trials}):
        for quantized in (False, True):
            some = [one for one in trials if (one.fault, one.quantized) == (fault, quantized)]
            if some:
                kind = "int8" if quantized else "float"
                shares = f"{share(some, 1):>6.3f} {share(some, 3):>6.3f}"
                print(f"  {kind:<6}{fault:<22} {len(some):>4} {shares}")
    for one in trials:
        if one.rank != 0:
            names = [name[-50:] for name in sorted(one.damaged)]
            print(f"  miss: {one.case} | {one.fault} | {names}")
            print(f"        rank {one.rank}, region of {one.size}; top {one.top[-150:]}")
    print("\ncontrols (healthy pairs): regions that are marked all the same")
    for bench in benches:
        if not bench.case.unlike:
            show_control(bench)
    print("\npairs that differ to begin with, and what is marked in them")
    for bench in benches:
        if bench.case.unlike:
            show_control(bench)
            print(f"      {bench.case.unlike}")
    if trials:
        times = sorted(one.seconds for one in trials)
        print(f"\ntime a table: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")


def show_control(bench: Bench) -> None:
    """What is marked in a pair that nothing was done to, and the time of its table."""
    marked = bench.control.suspects(99)
    names = ", ".join(f"{row.candidate[-40:]} ({row.suspicion:.1f})" for row in marked[:8])
    spent = bench.control.seconds
    print(
        f"  {bench.case.name:<26} {len(marked):>3} {names}  "
        f"[trace {spent['trace']:.2f} align {spent['align']:.2f} local {spent['local']:.2f} s]"
    )


def share(trials: list[Trial], count: int) -> float:
    """Of trials, how many were hit within the first ``count`` suspects."""
    hits = sum(one.rank is not None and one.rank < count for one in trials)
    return hits / len(trials) if trials else float("nan")


if __name__ == "__main__":
    main()
