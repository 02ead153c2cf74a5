"""What quantisation must cost each region of a candidate, and how well the ranges fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.layers import quantized
from parity.layers.cutting import Grid
from parity.layers.draft import Draft
from parity.layers.file_subject import FileSubject
from parity.layers.layout import Array
from parity.layers.local import Replayed
from parity.layers.regions import Region
from parity.layers.rounding import range_parts
from parity.layers.subject import Subject
from parity.runtimes.contract import Quantization
from parity.runtimes.graph import Op

Feeds = dict[int, dict[str, Array]]


@dataclass(frozen=True)
class Fit:
    """The range score of a tensor, and how many times the best score that its values allow.

    ``clips`` says that most of it is clipping: the range is too narrow, and not too wide.
    """

    score: float
    times: float
    clips: bool = False


def _fit(grid: Grid, values: Array) -> Fit | None:
    if not np.isfinite(values).all():
        return None
    best = quantized.range_score(_best(grid.dtype, values), values)
    clipping, steps = range_parts(grid, values)
    score = clipping + steps
    return Fit(score, score / best if best else 1.0, clipping > steps)


def _best(dtype: str, values: Array) -> Grid:
    """The grid that reaches exactly from the least to the greatest value, and holds zero."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    kind = np.iinfo(dtype)
    scale = (high - low) / (int(kind.max) - int(kind.min)) or 1.0
    zero = int(kind.min) - round(low / scale)
    return Grid(Quantization((scale,), (zero,)), dtype)


class Expecting:
    """The expected errors of one image after another; sessions stay open until ``close``."""

    def __init__(self, draft: Draft, candidate: Subject, plan: Sequence[Sequence[Op]]) -> None:
        self._draft, self._plan = draft, plan
        self._files = candidate if isinstance(candidate, FileSubject) else None
        self._twins = quantized.Expectation(self._files) if self._files is not None else None
        self._made: dict[str, quantized.Twin] = {}
        self._refused: dict[int, str] = {}

    def run(self, replayed: Replayed) -> None:
        """One image: every op as a float op, exact and rounded, on what the replay was fed.

        Both are handed on inside a region, so that its expected error is that of its whole chain.
        """
        self._made, self._refused = {}, {}
        if self._twins is None:
            return
        for wave in self._plan:
            exact, noisy = self._operands(wave, replayed)
            for index, answer in self._twins.twins(exact, noisy).items():
                if isinstance(answer, str):
                    self._refused[index] = answer
                else:
                    self._made.update(answer)

    def _operands(self, wave: Sequence[Op], replayed: Replayed) -> tuple[Feeds, Feeds]:
        exact: Feeds = {}
        noisy: Feeds = {}
        for op in wave:
            fed: Mapping[str, Array] | None = replayed.fed.get(op.index)
            if fed is None:
                continue
            twins = {name: self._made[name] for name in fed if self._inside(name)}
            exact[op.index] = {**fed, **{name: twin.exact for name, twin in twins.items()}}
            noisy[op.index] = {**fed, **{name: twin.noisy for name, twin in twins.items()}}
        return exact, noisy

    def _inside(self, name: str) -> bool:
        """Whether a tensor lies within a region, so that the noise before it counts."""
        return name in self._made and name not in self._draft.of

    def error(self, region: Region) -> float | str | None:
        """The expected relative L2 of a region's output, or why it is not known."""
        twin = self._made.get(region.pair.candidate)
        if twin is not None:
            return quantized.distance([twin])
        return next(
            (self._refused[op.index] for op in region.ops if op.index in self._refused), None
        )

    def range_score(self, region: Region) -> Fit | None:
        """How badly the grids of a region fit the reference; None where it has none.

        The worst of its tensors counts; for those inside the region, what the exact ops make of the
        reference's tensors stands for the reference.
        """
        if self._files is None:
            return None
        grids = self._files.grids
        values = {
            name: self._made[name].exact
            for op in region.ops
            for name in op.outputs
            if name in self._made
        }
        last = self._draft.reference.values.get(region.pair.reference)
        if last is not None:
            values[region.pair.candidate] = last
        fits = [_fit(grids[name], value) for name, value in values.items() if name in grids]
        return max((one for one in fits if one), key=lambda one: one.times, default=None)

    def exact(self, feeds: Mapping[int, Mapping[str, Array]]) -> dict[str, Array]:
        """By tensor name, what ops make of these operands as float ops; refusals are left out."""
        if self._twins is None:
            return {}
        answers = self._twins.twins(feeds).values()
        return {
            name: twin.exact
            for answer in answers
            if not isinstance(answer, str)
            for name, twin in answer.items()
        }

    def coarseness(self, region: Region) -> float | None:
        """How much coarser than need be the region's weights are stored; 1 is as fine as can be."""
        if self._twins is None:
            return None
        found = [self._twins.coarseness(op.index) for op in region.ops]
        return max((one for one in found if one is not None), default=None)

    def close(self) -> None:
        """Release the sessions."""
        if self._twins is not None:
            self._twins.close()
