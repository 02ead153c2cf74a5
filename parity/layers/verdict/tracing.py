"""One image's tensors of a network, and whether looking at them changed its outputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from parity.layers.numbers.divergence import relative
from parity.layers.subjects.subject import Feeds, Subject
from parity.tensors import Array


def all_tensors(subject: Subject, feeds: Feeds) -> dict[str, Array]:
    """One image's tensors, inputs included; a tensor that the subject may reuse is copied."""
    values = {name: np.asarray(array) for name, array in feeds.items()}
    for name, array in subject.trace(feeds):
        values[name] = owned(subject, array)
    return values


def owned(subject: Subject, array: Array) -> Array:
    """A traced tensor for as long as its image; copied where the subject may write over it."""
    if subject.steady:
        return np.asarray(array)
    return np.array(array, copy=True)


def observer_effect(subject: Subject, feeds: Feeds, trace: Mapping[str, Array]) -> float | None:
    """The largest relative L2 between an output of the tapped run and of the deployed one."""
    clean = subject.clean(feeds)
    errors = [
        relative(clean[name], trace[name])
        for name in subject.graph.outputs
        if name in clean and name in trace and clean[name].shape == trace[name].shape
    ]
    return max(errors) if errors else None
