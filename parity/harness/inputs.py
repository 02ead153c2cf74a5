"""What a runtime is fed beside what the reference is fed, where their recipes differ."""

from __future__ import annotations

from parity.agreement import InputDifference, input_difference
from parity.preprocess import Prepared
from parity.suite import Recipe


def fed_otherwise(
    ours: Recipe, theirs: Recipe, reference: Prepared, candidate: Prepared
) -> InputDifference | None:
    """How far the inputs differ; None where one recipe has made both."""
    if ours == theirs or ours.digest() == theirs.digest():
        return None
    spans = None if ours.function is not None else ours.spans()
    return input_difference(reference.canvas, candidate.canvas, spans)
