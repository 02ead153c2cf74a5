"""Two networks, image after image, to one table; at most one image's tensors a side are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from parity.layers.align import alignment, local
from parity.layers.align.alignment import AlignmentError
from parity.layers.align.counterparts import counterparts
from parity.layers.align.regions import Region, in_order, regions
from parity.layers.expected.absorption import absorbed_by
from parity.layers.expected.expecting import Expecting
from parity.layers.numbers import float_formats
from parity.layers.numbers.divergence import Divergence, Limits, Meter, Spread, relative
from parity.layers.subjects.subject import Feeds, Subject
from parity.layers.verdict import region_formats
from parity.layers.verdict.measured import Comparison, Measured
from parity.layers.verdict.rows import table_of
from parity.layers.verdict.table import LayerTable
from parity.layers.verdict.tracing import all_tensors, observer_effect, owned
from parity.tensors import Array

_UNKNOWN = "the layouts of both sides do not tell how to compare them"


def compare_layers(
    reference: Subject,
    candidate: Subject,
    feeds: Iterable[tuple[Feeds, Feeds]],
    quantized: bool,
    *,
    outputs: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    with_local: bool = True,
) -> LayerTable:
    """The table of layers of a candidate against a reference, over images.

    ``feeds`` are, per image, both sides' inputs by tensor name as real numbers. ``quantized`` says
    that the candidate computes in integers: then local errors are judged against what quantisation
    must cost. ``outputs`` gives the candidate's outputs their reference outputs, where the binding
    is known. Raises ``AlignmentError`` where the two have no layer in common, or no image came.
    """
    comparison: Comparison | None = None
    engine: _Engine | None = None
    try:
        for ours, theirs in feeds:
            if comparison is None or engine is None:
                both = (ours, theirs)
                comparison = _start(reference, candidate, both, outputs, limits or Limits())
                engine = _Engine(reference, candidate, comparison, quantized, with_local)
                engine.first()
            else:
                engine.another(ours, theirs)
    finally:
        if engine is not None:
            engine.close()
    if comparison is None:
        raise AlignmentError("expected an image to compare layers on, found none")
    return table_of(comparison, quantized)


def _start(
    reference: Subject,
    candidate: Subject,
    feeds: tuple[Feeds, Feeds],
    outputs: Mapping[str, str] | None,
    limits: Limits,
) -> Comparison:
    """Trace both on the first image, align them, see whether looking changed their outputs."""
    started = time.perf_counter()
    subjects = (reference, candidate)
    traces = tuple(all_tensors(subject, one) for subject, one in zip(subjects, feeds, strict=True))
    traced = time.perf_counter() - started
    observer = {
        side: observer_effect(subject, one, trace)
        for side, subject, one, trace in zip(
            ("reference", "candidate"), subjects, feeds, traces, strict=True
        )
    }
    found, matching = alignment.align(reference, candidate, (traces[0], traces[1]), outputs)
    rest = counterparts(matching, found.unpaired)
    regioned = in_order(matching, (*regions(matching), *rest.regions))
    return Comparison(
        alignment=replace(found, unpaired=rest.unpaired),
        matching=matching,
        regions=regioned,
        measured=[Measured(region_formats.format_of(matching, region)) for region in regioned],
        limits=limits,
        observer=observer,
        seconds={"trace": traced, "align": found.seconds, "local": 0.0},
    )


class _Engine:
    """Measures one image at a time."""

    def __init__(
        self,
        reference: Subject,
        candidate: Subject,
        comparison: Comparison,
        quantized: bool,
        with_local: bool,
    ) -> None:
        self._reference, self._candidate = reference, candidate
        self._state = comparison
        matching = comparison.matching
        self._meter = Meter(comparison.limits)
        self._wanted = {one.pair.reference for one in comparison.regions} | set(
            matching.of.values()
        )
        self._places: dict[str, list[int]] = {}
        for place, region in enumerate(comparison.regions):
            self._places.setdefault(region.pair.candidate, []).append(place)
        replayed = comparison.regions if with_local else ()
        self._plan = local.waves(matching.candidate.view, replayed, matching.of)
        # Weights alone may be integers (dynamic ranges): that is noise to be expected too.
        entitled = quantized or bool(matching.candidate.view.graph.quantization)
        self._expecting = (
            Expecting(matching, candidate, self._plan) if entitled and with_local else None
        )
        data = matching.candidate.view.data
        self._no_data = {name for name in matching.candidate.values if name not in data}

    def first(self) -> None:
        """The image that the alignment was made on: both traces are at hand."""
        matching = self._state.matching
        for name, value in matching.candidate.values.items():
            self._accumulate(name, value)
        self._inputs()
        kept = self._no_data | matching.own
        matching.candidate.values = {name: matching.candidate.values[name] for name in kept}
        matching.reference.values = self._only_wanted(matching.reference.values)
        self._locals(self._state.alignment.replayed)
        self._state.alignment = replace(self._state.alignment, replayed=None)
        matching.reference.values = {}
        self._state.images += 1

    def another(self, ours: Feeds, theirs: Feeds) -> None:
        """One more image: the reference's paired tensors kept, the candidate's streamed."""
        started = time.perf_counter()
        matching = self._state.matching
        wanted = {name: np.asarray(array) for name, array in ours.items()}
        for name, array in self._reference.trace(ours):
            if name in self._wanted:
                wanted[name] = owned(self._reference, array)
        matching.reference.values = wanted
        own = {name: np.asarray(array) for name, array in theirs.items()}
        for name, array in self._candidate.trace(theirs):
            if name in self._no_data:
                own[name] = np.array(array, copy=True)
            self._accumulate(name, array)
        matching.candidate.values = own
        self._inputs()
        self._state.seconds["trace"] += time.perf_counter() - started
        self._locals()
        matching.reference.values = {}
        self._state.images += 1

    def _only_wanted(self, values: Mapping[str, Array]) -> dict[str, Array]:
        return {name: value for name, value in values.items() if name in self._wanted}

    def _inputs(self) -> None:
        """How far apart both networks' inputs are, where they are of one size."""
        matching = self._state.matching
        for pair in self._state.alignment.pairs:
            if pair.evidence != "input" or pair.candidate not in matching.candidate.values:
                continue
            brought = matching.bring(pair.reference, pair.candidate)
            if brought is not None:
                error = relative(brought, matching.candidate.values[pair.candidate])
                self._state.input_rel_l2 = max(self._state.input_rel_l2 or 0.0, error)

    def _compare(self, place: int, value: Array) -> Divergence | str:
        """One region's result beside the reference's, or why they cannot be compared."""
        region = self._state.regions[place]
        pair, matching = region.pair, self._state.matching
        exact = matching.reference.values[pair.reference]
        if exact.size != value.size:
            return f"expected shape {exact.shape}, found {value.shape}"
        brought = matching.bring(pair.reference, pair.candidate)
        if brought is None or brought.shape != value.shape:
            # Values that agree one by one are no accident, whatever is known of their layouts.
            as_it_is = self._meter.compare(exact.reshape(value.shape), value)
            agree = as_it_is.rel_l2 <= float_formats.floor(self._state.measured[place].format.unit)
            if region.pair.evidence == "place" and exact.shape == value.shape:
                return as_it_is
            return as_it_is if agree else _UNKNOWN
        return self._meter.compare(brought, value)

    def _accumulate(self, name: str, value: Array) -> None:
        for place in self._places.get(name, ()):
            measured = self._state.measured[place]
            found = self._compare(place, value)
            if not isinstance(found, str):
                measured.accumulated = _spread(measured.accumulated, found, self._state.images)
            elif found == _UNKNOWN:
                least = self._least(place, value)
                measured.at_least = max(measured.at_least, least)
                measured.note = measured.note or found
            else:
                measured.resized = measured.resized or found

    def _least(self, place: int, value: Array) -> float:
        """The relative L2 in the layout that is best for the candidate, whichever that is.

        No order of the values brings two tensors nearer than when both are sorted (rearrangement
        inequality).
        """
        exact = self._state.matching.reference.values[self._state.regions[place].pair.reference]
        least = relative(np.sort(exact, axis=None), np.sort(value, axis=None))
        return least if np.isfinite(least) else 0.0

    def _locals(self, replayed: local.Replayed | None = None) -> None:
        if not self._plan:
            return
        started = time.perf_counter()
        if replayed is None:
            replayed = local.replay(self._candidate, self._state.matching, self._plan)
        if self._expecting is not None:
            self._expecting.run(replayed)
        for place, region in enumerate(self._state.regions):
            measured = self._state.measured[place]
            value = replayed.outputs.get(region.pair.candidate)
            if value is None:
                reasons = [replayed.failures.get(op.index) for op in region.ops]
                measured.note = next((reason for reason in reasons if reason), "it was not run")
            else:
                self._local(place, value)
            if self._expecting is not None:
                self._expect(self._expecting, region, measured)
        if self._expecting is not None and not self._state.images:
            self._follow_ranges(self._expecting, replayed)
        self._state.seconds["local"] += time.perf_counter() - started

    def _local(self, place: int, value: Array) -> None:
        measured = self._state.measured[place]
        found = self._compare(place, value)
        if not isinstance(found, str):
            measured.local = _spread(measured.local, found, self._state.images)
        elif found == _UNKNOWN:
            measured.note = found
        else:
            measured.resized, measured.resized_alone = found, True

    def _follow_ranges(self, expecting: Expecting, replayed: local.Replayed) -> None:
        """See, on the first image, whether the error of a bad range reaches anything."""
        for place, measured in enumerate(self._state.measured):
            if (measured.range_excess or 0.0) > 1:
                measured.absorbed = absorbed_by(
                    expecting.exact,
                    self._state.matching,
                    self._state.regions,
                    place,
                    replayed.outputs,
                )

    def _expect(self, expecting: Expecting, region: Region, measured: Measured) -> None:
        """What quantisation must cost here; kept of the worst image for the local error."""
        first = not self._state.images
        if measured.local is not None and measured.local.image == self._state.images:
            expected = expecting.error(region)
            measured.expected = expected if isinstance(expected, float) else None
            measured.expecting = expected if isinstance(expected, str) else ""
            measured.two_steps = expecting.two_steps(region)
            if measured.expected and first:
                measured.samples = expecting.samples(region, measured.expected)
        fit = expecting.fit(region)
        if fit is not None:
            measured.range_score = max(measured.range_score or 0.0, fit.score)
            if measured.range_excess is None or fit.excess < measured.range_excess:
                measured.range_excess, measured.range_times = fit.excess, fit.times
                measured.range_clips = fit.clips
        if first:
            measured.coarseness = expecting.coarseness(region)

    def close(self) -> None:
        """Release what the expected errors need."""
        if self._expecting is not None:
            self._expecting.close()


def _spread(known: Spread | None, found: Divergence, image: int) -> Spread:
    return Spread.of(found, image) if known is None else known.add(found, image)
