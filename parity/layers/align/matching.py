"""Which tensor is matched with which so far: both graphs as one run showed them, and the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parity.errors import ParityError
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.graph.layout import Layout, bring, scaled
from parity.layers.graph.layout_inference import infer_layouts
from parity.layers.graph.ordering import reordered
from parity.layers.graph.view import View
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import Op
from parity.tensors import Array


class AlignmentError(ParityError):
    """Two networks have nothing in common that could be compared: exit code 3."""


@dataclass(frozen=True)
class Pair:
    """One tensor of both sides and why it is one: input, consumer, output, join, values, quantiles.

    ``error`` is the relative L2 that teacher forcing found, where it was asked.
    """

    reference: str
    candidate: str
    evidence: str
    error: float | None = None


@dataclass(eq=False)
class TracedGraph:
    """One graph with what one run showed of it."""

    view: View
    values: Mapping[str, Array]
    layouts: Mapping[str, Layout]

    @classmethod
    def of(cls, subject: Subject, values: Mapping[str, Array]) -> TracedGraph:
        """From a subject and its trace of one image (inputs included)."""
        shapes = {name: tuple(array.shape) for name, array in values.items()}
        view = View(subject.graph, shapes)
        return cls(view, values, infer_layouts(view))

    def channel_axis(self, name: str, channels: int) -> int | None:
        """The axis of a tensor that is all of so many channels; None where there is none."""
        layout = self.layouts.get(name)
        return None if layout is None else layout.channel_axis(channels)


@dataclass(eq=False)
class Matching:
    """The pairs found so far.

    ``of`` gives each candidate tensor its reference tensor; where a single op of the candidate
    reads another one, ``by_reader`` has it: (op index, candidate tensor) → reference tensor.
    ``own`` are inputs of a candidate that prepares its image itself: no tensor of the reference is
    one of them, and ops that read them are fed the candidate's. ``scales`` are, by candidate
    tensor, how many times the reference's its channels are, where the next layer undoes that;
    ``not_undone``, by op index, are input channels for which it does not (``scales/``).
    ``ordered`` are candidate tensors whose values are compared in the order that they have (see
    ``graph/ordering.py``). ``outputs`` gives the candidate's outputs their reference outputs, as
    far as that is known or told by the graphs.
    """

    reference: TracedGraph
    candidate: TracedGraph
    anchored: tuple[AnchorPair, ...] = ()
    pairs: list[Pair] = field(default_factory=list)
    of: dict[str, str] = field(default_factory=dict)
    by_reader: dict[tuple[int, str], str] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    scales: Mapping[str, Array] = field(default_factory=dict)
    not_undone: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    ordered: frozenset[str] = frozenset()
    outputs: Mapping[str, str] = field(default_factory=dict)

    def add(
        self, reference: str, candidate: str, evidence: str, error: float | None = None
    ) -> bool:
        """Pair two tensors of one size; false where sizes differ or the pair was known.

        Tensors whose numbers say nothing are paired with none.
        """
        if self.reference.view.size(reference) != self.candidate.view.size(candidate):
            return False
        if self.reference.view.opaque(reference) or self.candidate.view.opaque(candidate):
            return False
        known = self.of.get(candidate)
        root = self.reference.view.root
        if known is None:
            self.of[candidate] = reference
        elif root(known) == root(reference) or any(
            (one.reference, one.candidate) == (reference, candidate) for one in self.pairs
        ):
            return False
        self.pairs.append(Pair(reference, candidate, evidence, error))
        return True

    def brought(self, candidate: str, reader: int | None = None) -> Array | None:
        """The reference's values of a paired tensor, laid out as the candidate has it.

        An input of the candidate's own has the candidate's values.
        """
        if candidate in self.own:
            return self.candidate.values.get(candidate)
        name = self.of.get(candidate)
        if reader is not None:
            name = self.by_reader.get((reader, candidate), name)
        return None if name is None else self.bring(name, candidate)

    def operand(self, op: Op, name: str) -> Array | None:
        """What a candidate op reads as the reference had it; None where the reference has no such
        tensor. What is no data (a computed shape) comes from the candidate's run.
        """
        if name not in self.candidate.view.data:
            return self.candidate.values.get(name)
        return self.brought(name, op.index)

    def bring(self, reference: str, candidate: str) -> Array | None:
        """A reference tensor laid out as a candidate tensor; None where that is not possible."""
        array = self.reference.values.get(reference)
        shape = self.candidate.view.shapes.get(candidate)
        if array is None or shape is None:
            return None
        ours = self.reference.layouts.get(reference)
        theirs = self.candidate.layouts.get(candidate)
        if self.misordered(reference, candidate):
            theirs = ours
        brought = bring(array, ours, theirs, shape)
        scales = self.scales.get(candidate)
        if brought is None or scales is None or theirs is None:
            return brought
        return scaled(brought, theirs, scales)

    def misordered(self, reference: str, candidate: str) -> bool:
        """Whether the candidate's values lie in another order than the reference's must."""
        if candidate not in self.ordered:
            return False
        if self.reference.view.shapes.get(reference) != self.candidate.view.shapes.get(candidate):
            return False
        layouts = self.reference.layouts.get(reference), self.candidate.layouts.get(candidate)
        return reordered(*layouts)
