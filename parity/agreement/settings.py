"""Settings of NMS, top-k and threshold in which two sides differ: what they change alone."""

from __future__ import annotations

from dataclasses import replace

from parity.detections import Side


def changed_by_settings(reference: Side, candidate: Side) -> int:
    """How many of the reference's detections come or go where the candidate's settings choose.

    Both choose among the reference's own proposals, so that nothing else can be the reason. Of a
    side that does not show its proposals the threshold alone is known.
    """
    other = under_settings(reference, candidate)
    if other.result is reference.result:
        return int((reference.deployed ^ other.deployed).sum())
    return int((reference.deployed_proposals ^ other.deployed_proposals).sum())


def under_settings(reference: Side, candidate: Side) -> Side:
    """The reference as it would be deployed with the candidate's settings, as far as known."""
    ours, theirs = reference.suppression, candidate.suppression
    unknown = reference.proposals is None or candidate.proposals is None
    if unknown or ours.rule == theirs.rule:
        return replace(reference, threshold=candidate.threshold)
    assert reference.proposals is not None
    return Side.of(reference.proposals, candidate.threshold, reference.floor, theirs)
