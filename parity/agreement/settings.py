"""Settings of choice, NMS, top-k and threshold in which two sides differ: what they change."""

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
    if theirs.choice is None:  # chosen before it is shown, and how is not known
        theirs = replace(theirs, choice=ours.choice)
    unknown = reference.proposals is None or candidate.proposals is None
    if unknown or (ours.rule, ours.choice) == (theirs.rule, theirs.choice):
        return replace(reference, threshold=candidate.threshold)
    assert reference.proposals is not None
    return Side.of(reference.proposals, candidate.threshold, reference.floor, theirs)
