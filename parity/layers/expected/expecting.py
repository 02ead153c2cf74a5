"""What quantisation must cost each region of a candidate, and how well the ranges fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from parity.layers.align.local import Replayed
from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region
from parity.layers.expected import fixed_grids, quantized, true_weights
from parity.layers.expected.integer_weights import Twin, distance
from parity.layers.numbers import ranges
from parity.layers.numbers.divergence import norm, relative
from parity.layers.numbers.grids import Grid
from parity.layers.numbers.ranges import Fit
from parity.layers.subjects.file_subject import FileSubject
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import Op
from parity.tensors import Array

Feeds = dict[int, dict[str, Array]]


class Expecting:
    """The expected errors of one image after another; sessions stay open until ``close``."""

    def __init__(
        self, matching: Matching, candidate: Subject, plan: Sequence[Sequence[Op]]
    ) -> None:
        self._matching, self._plan = matching, plan
        self._files = candidate if isinstance(candidate, FileSubject) else None
        self._twins = None
        if self._files is not None:
            self._twins = quantized.Expectation(self._files, true_weights.given(matching))
        self._made: dict[str, Twin] = {}
        self._refused: dict[int, str] = {}
        self._fed: Mapping[int, Mapping[str, Array]] = {}
        self._fits: dict[str, Fit | None] = {}

    def run(self, replayed: Replayed) -> None:
        """One image: every op as a float op, exact and rounded, on what the replay was fed.

        Both are handed on inside a region, so that its expected error is that of its whole chain.
        """
        self._made, self._refused, self._fed, self._fits = {}, {}, replayed.fed, {}
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
        return name in self._made and name not in self._matching.of

    def error(self, region: Region) -> float | str | None:
        """The expected relative L2 of a region's output, or why it is not known."""
        twin = self._made.get(region.pair.candidate)
        if twin is not None:
            return distance([twin])
        return next(
            (self._refused[op.index] for op in region.ops if op.index in self._refused), None
        )

    def samples(self, region: Region, expected: float) -> float:
        """How many independent errors a region's local error is made of.

        The values of its output, as far as their errors come from the activations; the values of a
        weight, as far as they come from its rounding, which all positions share.
        """
        twin = self._made.get(region.pair.candidate)
        if twin is None or self._twins is None or not expected:
            return math.inf
        inverse = [1 / max(twin.exact.size, 1)]
        for op in region.ops:
            noise, count = self._twins.weights.noise(op.index) or (0.0, 1)
            share = min(noise / expected, 1.0) ** 2
            inverse.append(share**2 / count + (1 - share) ** 2 / max(twin.exact.size, 1))
        return 1 / max(inverse)

    def two_steps(self, region: Region) -> float:
        """The relative L2 of an error of two steps in one value, or of one step in four."""
        made, twin = region.pair.candidate, self._made.get(region.pair.candidate)
        if self._files is None or twin is None or made not in self._files.grids:
            return 0.0
        size = norm(twin.exact)
        return 2 * max(self._files.grids[made].quantization.scale) / size if size else 0.0

    def fit(self, region: Region) -> Fit | None:
        """How badly the grids of a region fit the reference; None where it has none.

        What the region makes is judged as it is. The tensors inside it, for which the exact ops on
        the reference's tensors stand for the reference, are judged by what their grids do to what
        the region makes: a coarse variance may harm nothing.
        """
        if self._files is None:
            return None
        grids, made = self._files.grids, region.pair.candidate
        last = self._matching.reference.values.get(region.pair.reference)
        if made in self._matching.scales:
            last = self._matching.bring(region.pair.reference, made)
        own = None
        if last is not None and made in grids:
            own = ranges.fit(grids[made], last, self._fixed(made))
        within = ranges.worst(self._inner(name) for name in self._between(region) if name in grids)
        if within is None or within.excess <= 1:
            return own or within
        return ranges.worst((own, self._harm(region, within)))

    def _inner(self, name: str) -> Fit | None:
        """How badly the grid of a tensor inside a region fits; the same for all that hold it."""
        if name not in self._fits:
            assert self._files is not None
            grid, exact = self._files.grids[name], self._made[name].exact
            self._fits[name] = ranges.fit(grid, exact, self._fixed(name))
        return self._fits[name]

    def _fixed(self, name: str) -> Grid | None:
        """The grid that a tensor has by the definition of the op that makes it, if it has one."""
        grid = None if self._files is None else self._files.grids.get(name)
        view = self._matching.candidate.view
        return None if grid is None else fixed_grids.fixed(view, name, grid.dtype)

    def _between(self, region: Region) -> list[str]:
        names = [name for op in region.ops for name in op.outputs if name in self._made]
        return [name for name in names if name != region.pair.candidate]

    def _harm(self, region: Region, within: Fit) -> Fit | None:
        """By how much grids inside a region harm its result more than the best ones would.

        None where the exact ops cannot tell.
        """
        if self._files is None or region.pair.candidate not in self._made:
            return None
        grids = {name: self._files.grids[name] for name in self._between(region)
                 if name in self._files.grids}  # fmt: skip
        best = {
            name: self._fixed(name) or ranges.best_grid(grid.dtype, self._made[name].exact)
            for name, grid in grids.items()
        }
        exact = self._made[region.pair.candidate].exact
        found = [self._through(region, some) for some in (grids, best)]
        if found[0] is None or found[1] is None:
            return None
        harm, least = (relative(exact, one) for one in found if one is not None)
        times = harm / least if least else 1.0
        return Fit(within.score, times, times / ranges.TIMES if harm > ranges.SCORE else 0.0)

    def _through(self, region: Region, grids: Mapping[str, Grid]) -> Array | None:
        """What the exact ops of a region make where only these tensors are rounded."""
        made: dict[str, Array] = {}
        for op in region.ops:
            fed = self._fed.get(op.index)
            if fed is None:
                return None
            fresh = self.exact({op.index: {name: made.get(name, one) for name, one in fed.items()}})
            made.update(
                {name: grids[name].onto(one) if name in grids else one
                 for name, one in fresh.items()}
            )  # fmt: skip
        return made.get(region.pair.candidate)

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
        found = [self._twins.weights.coarseness(op.index) for op in region.ops]
        return max((one for one in found if one is not None), default=None)

    def close(self) -> None:
        """Release the sessions."""
        if self._twins is not None:
            self._twins.close()
