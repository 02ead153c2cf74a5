"""Settings of NMS, top-k and threshold in which two sides differ: what they change alone."""

from __future__ import annotations

from parity.detections import Side


def alike(reference: Side, candidate: Side) -> bool:
    """Whether both sides choose among proposals by the same rules."""
    same_rules = reference.suppression.rule == candidate.suppression.rule
    return same_rules and reference.threshold == candidate.threshold


def changed_by_settings(reference: Side, candidate: Side) -> int:
    """How many of the reference's detections come or go where the candidate's settings choose.

    Both choose among the reference's own proposals, so that nothing else can be the reason. 0 where
    a side does not show its proposals: its settings are unknown then.
    """
    if reference.proposals is None or candidate.proposals is None or alike(reference, candidate):
        return 0
    other = under_settings(reference, candidate)
    return int((reference.deployed_proposals ^ other.deployed_proposals).sum())


def under_settings(reference: Side, candidate: Side) -> Side:
    """The reference as it would be deployed with the candidate's settings.

    A side that does not show its proposals stays as it is.
    """
    if reference.proposals is None or candidate.proposals is None or alike(reference, candidate):
        return reference
    suppression, threshold = candidate.suppression, candidate.threshold
    return Side.of(reference.proposals, threshold, reference.floor, suppression)
