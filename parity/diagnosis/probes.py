"""Which other reading of input or heads would have agreed: asked only after a verdict has failed.

The candidate is run again on the worst images with one thing read otherwise, which is named only
if those images then agree within the tolerance and no head is further from the reference's: a
budget may cover noise that hides a bias. A runtime that does not answer the same twice, or whose
worst images agree when nothing is changed, is not asked. The verdict stays what it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from parity.agreement import ImageAgreement, budget, differences, judge, nonfinite, under_settings
from parity.detections import Side
from parity.diagnosis.patterns import SAME
from parity.diagnosis.readings import Reading, readings
from parity.errors import ParityError
from parity.pipeline import Network, Pipeline, Stages
from parity.pipeline import decoder as decoder_of
from parity.preprocess import Prepared
from parity.record import RuntimeRecord
from parity.suite import Suite

IMAGES = 3  # images on which a reading must agree
SECONDS = 10.0  # no further reading is tried after that
REPEATABLE = 1e-4  # relative L2 of two runs on one image from which it matters

Reference = Callable[[str], Stages]
Heads = dict[str, np.ndarray[Any, Any]]


def probe(
    suite: Suite, pipeline: Pipeline, reference: Reference, record: RuntimeRecord
) -> tuple[str, ...]:
    """Sentences about what makes the worst images agree, or that nothing did."""
    deadline = time.monotonic() + SECONDS
    names = _worst(record)
    if not names:
        return ()
    unstable = _unstable(pipeline, names, suite.images)
    if unstable:
        return (unstable,)
    asked = _Asked(suite, pipeline, reference, names)
    if asked.before.agrees:
        return ()
    these = "the worst image" if len(names) == 1 else f"the {len(names)} worst images"
    found, tried = [], 0
    for one in readings(pipeline.runtime, suite.runtimes[suite.reference], len(suite.classes)):
        if time.monotonic() > deadline:
            break
        tried += 1
        if asked.explains(one):
            found.append(f"{one.words}: then {these} agree{'s' * (len(names) == 1)}")
    if found or not tried:
        return tuple(found)
    none = f"none of {tried} other readings of input and heads makes {these} agree"
    if not _every_head_differs(record, names):
        return (none,)
    if pipeline.runtime.tolerance.strict:
        return (f"{none}: are its weights those of the reference?",)
    return (f"{none}: was the quantiser calibrated on images like these?",)


def _every_head_differs(record: RuntimeRecord, names: Sequence[str]) -> bool:
    apart = [one.rel_l2 for image in record.images if image.image in names for one in image.heads]
    return bool(apart) and min(apart) > SAME


def _worst(record: RuntimeRecord) -> list[str]:
    trouble = {
        image.image: sum(not row.within for row in image.agreement.rows)
        for image in record.images
        if image.agreement is not None
    }
    worst = sorted(trouble, key=lambda image: -trouble[image])[:IMAGES]
    return [image for image in worst if trouble[image]]


def _unstable(pipeline: Pipeline, names: Sequence[str], images: Sequence[str]) -> str:
    """What to say of a runtime whose answer depends on chance, or on what it ran before."""
    found, before = "", None
    for name in (*(image for image in images if image != names[0]), names[0])[-2:]:
        try:
            prepared = pipeline.prepared(name)
            first, second = (_copied(pipeline.network(name, prepared)) for _ in range(2))
        except ParityError:
            return ""
        apart = _apart(first, second)
        found = ""
        if apart > REPEATABLE:
            stale = before is not None and _apart(first, before) <= REPEATABLE
            cause = (
                "the first is that of the image before it"
                if stale
                else "it depends on chance, or on what was run before"
            )
            found = f"run twice on {name} it gives two answers (relative L2 {apart:.2g}): {cause}"
        before = second
    return found


def _copied(network: Network) -> Heads:
    return {name: np.array(array) for name, array in network.heads.items()}


def _apart(first: Heads, second: Heads) -> float:
    return max((one.rel_l2 for one in differences(first, second)), default=0.0)


@dataclass(frozen=True)
class _Outcome:
    """Whether the images agree, how many rows do not, and how far each head is in all."""

    agrees: bool
    trouble: int = 0
    apart: dict[str, float] = field(default_factory=dict)


class _Asked:
    """The worst images, and what becomes of them under a reading."""

    def __init__(
        self, suite: Suite, pipeline: Pipeline, reference: Reference, names: Sequence[str]
    ) -> None:
        self._suite = suite
        self._pipeline = pipeline
        self._reference = reference
        self._names = names
        self._runs: dict[str, Network] = {}
        self.before = self._outcome(Reading(""), whole=True)

    def explains(self, reading: Reading) -> bool:
        """Whether every image agrees under it, and nothing is further off than before."""
        before, after = self.before, self._outcome(reading)
        return (
            after.agrees
            and after.trouble < before.trouble
            and all(
                after.apart[head] <= before.apart[head] + SAME
                for head in set(before.apart) & set(after.apart)
            )
        )

    def _outcome(self, reading: Reading, *, whole: bool = False) -> _Outcome:
        """All images, or only up to the first that does not agree."""
        tolerance = self._pipeline.runtime.tolerance
        compared: dict[str, ImageAgreement] = {}
        apart: dict[str, float] = {}
        for name in self._names:
            try:
                ours, theirs = self._reference(name), self._read(reading, name)
            except ParityError:
                return _Outcome(False)
            if ours.side is None or theirs is None:
                return _Outcome(False)
            side, heads = theirs
            compared[name] = self._judged(ours, side)
            if compared[name].findings and not whole:
                return _Outcome(False)
            for one in differences(ours.network.heads, heads):
                apart[one.head] = apart.get(one.head, 0.0) + one.rel_l2
        agrees = not budget(compared, tolerance).findings
        agrees &= not any(one.findings for one in compared.values())
        trouble = sum(not row.within for one in compared.values() for row in one.rows)
        return _Outcome(agrees, trouble, apart)

    def _judged(self, ours: Stages, theirs: Side) -> ImageAgreement:
        assert ours.side is not None
        placement = ours.prepared.placement
        deliberate = self._pipeline.runtime.deliberate
        return judge(
            under_settings(ours.side, theirs) if deliberate else ours.side,
            theirs,
            self._pipeline.runtime.tolerance,
            (placement.scale_x, placement.scale_y),
        )

    def _read(self, reading: Reading, name: str) -> tuple[Side, Heads] | None:
        prepared = self._pipeline.prepared(name, reading.recipe)
        heads: Heads = self._network(reading, name, prepared).heads
        if reading.heads is not None:
            heads = dict(reading.heads(heads))
        if nonfinite(heads, ""):
            return None
        decoder, runtime = self._pipeline.decoder, self._pipeline.runtime
        if reading.decode is not None:
            decoder = decoder_of(self._suite, replace(runtime, decode=reading.decode))
        side = decoder.side(heads, prepared, runtime.tolerance.band)
        if reading.change is not None:
            side = reading.change(side, prepared)
        return side, heads

    def _network(self, reading: Reading, name: str, prepared: Prepared) -> Network:
        """The heads; those of the candidate's own input are kept for every other reading."""
        if reading.transpose:
            turned = np.ascontiguousarray(prepared.canvas.transpose(1, 0, 2))
            return self._pipeline.network(name, replace(prepared, canvas=turned))
        if reading.recipe is not None:
            return self._pipeline.network(name, prepared)
        if name not in self._runs:
            self._runs[name] = self._pipeline.network(name, prepared)
        return self._runs[name]
