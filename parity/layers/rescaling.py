"""Channels that one layer of the candidate scales and the next one scales back.

Cross-layer equalisation (Nagel et al., Data-Free Quantization, 2019) multiplies the output channels
of a layer by s and divides the next layer's input channels by s: through a ReLU, a pooling or
whatever else lets a positive factor pass, the function stays what it was, and the tensors between
are s times those of the reference. That is told by the weights alone, channel by channel: the next
layer's weights must be the reference's divided by what the layer before is multiplied by. Where the
two disagree about a channel, that of the layer before counts: then the layer behind, which does not
undo it, has a local error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from parity.layers.anchors import AnchorPair
from parity.layers.draft import Draft
from parity.layers.folding import Fold, channel_axis, fold, gains
from parity.layers.layout import Array
from parity.layers.semantics import Role, function, plain_kind
from parity.layers.view import View

_ALIKE = 1e-4
"""Distance of signatures up to which weights differ by factors of whole output channels at most."""

_SAME_SIZE = 0.02
"""How far from one another, in logarithms, channels may be that tell one size."""

_PASSING = frozenset({Role.IDENTITY, Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.QUANTISE,
                      Role.POOL, Role.RESIZE})  # fmt: skip
_RECTIFYING = ("leakyrelu", "leaky_relu", "prelu", "abs")


@dataclass(eq=False)
class Rescaled:
    """Candidate tensor → the factor of each channel; candidate op → channels that it misreads."""

    factors: dict[str, Array] = field(default_factory=dict)
    misread: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Option:
    """One way to read a producer: what it multiplies its channels by, if ``before`` is what its
    own input is multiplied by (a depthwise layer; None where that is known)."""

    factor: Array
    before: Array | None = None


def rescaled(draft: Draft) -> Rescaled:
    """The channels that are scaled between anchored layers; see above."""
    return _Search(draft).run()


class _Search:
    """One time through the anchored pairs in the candidate's execution order."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._view = draft.candidate.view
        self._pairs = {pair.candidate.op.index: pair for pair in draft.anchored}
        self._folds: dict[int, Fold | None] = {}
        self._found = Rescaled()

    def run(self) -> Rescaled:
        for index in sorted(self._pairs):
            pair = self._pairs[index]
            weights = self._fold(pair)
            if weights is None or (pair.distance <= _ALIKE and not weights.depthwise):
                continue
            if weights.depthwise and self._uniform(weights.made):
                continue
            self._behind(pair, weights)
        return self._found

    def _fold(self, pair: AnchorPair) -> Fold | None:
        index = pair.candidate.op.index
        if index not in self._folds:
            self._folds[index] = fold(self._draft, pair)
        return self._folds[index]

    @staticmethod
    def _uniform(factors: Array) -> bool:
        return bool(np.ptp(np.log(factors)) < 1e-3)

    def _behind(self, pair: AnchorPair, weights: Fold) -> None:
        """See whether the layer before a pair scales what its weights scale back."""
        path, before = self._above(pair.candidate.read)
        if before is None or any(name in self._found.factors for name in path):
            return
        reads = [weights.made / gain for gain in gains(self._draft, pair)] if (
            weights.depthwise) else [weights.read]  # fmt: skip
        for option, read in product(self._options(before), reads):
            agreeing = _agreeing(option.factor, read, weights.tolerance)
            if agreeing is None:
                continue
            self._settle(path, option.factor)
            if option.before is not None:
                self._settle(self._above(before.candidate.read)[0], option.before)
            if not agreeing.all():
                channels = tuple(int(one) for one in np.flatnonzero(~agreeing))
                self._found.misread[pair.candidate.op.index] = channels
            return

    def _settle(self, path: Sequence[str], factor: Array) -> None:
        for name in path:
            if channel_axis(self._draft.candidate, name, len(factor)) is not None:
                self._found.factors[name] = factor

    def _above(self, name: str) -> tuple[list[str], AnchorPair | None]:
        """The tensors up to the anchored layer that makes them, if factors pass all between."""
        path = [name]
        while (op := self._view.producers.get(path[-1])) is not None:
            if op.index in self._pairs:
                return path, self._pairs[op.index]
            inputs = self._view.data_inputs(op)
            if len(inputs) != 1 or not _passes(self._view, op.index):
                break
            path.append(inputs[0])
        return path, None

    def _options(self, pair: AnchorPair) -> Iterator[_Option]:
        """What a layer may multiply its channels by; norms may be folded into it on either side."""
        weights = self._fold(pair)
        if weights is None:
            return
        read = self._found.factors.get(pair.candidate.read)
        if not weights.depthwise:
            size = 1.0 if read is None or weights.read.size != read.size else float(
                _middle(weights.read * read))  # fmt: skip
            own = weights.made * (size if read is not None else float(_middle(weights.read)))
            for gain in gains(self._draft, pair):
                yield _Option(_pinned(own / gain, pair))
            return
        for gain in gains(self._draft, pair):
            own = weights.made / gain
            yield _Option(own if read is None else own * read)
            _, before = self._above(pair.candidate.read)
            if (
                read is None
                and before is not None
                and (self._fold(before) or weights) is not weights
            ):
                for one in self._options(before):
                    if one.before is None and one.factor.size == own.size:
                        yield _Option(own * one.factor, one.factor)


def _agreeing(factor: Array, read: Array, tolerance: float) -> Array | None:
    """Which channels are scaled back; None where that is no rule: where nothing is scaled, or less
    than half of what is scaled on either side is also scaled on the other."""
    if factor.size != read.size:
        return None
    one, other = np.log(factor / _middle(factor)), np.log(read / _middle(read))
    both = one + other
    agreeing = np.abs(both - _middle(both)) < tolerance
    scaled = (np.abs(one) > tolerance) | (np.abs(other) > tolerance)
    told = agreeing & (np.abs(one) > tolerance) & (np.abs(other) > tolerance)
    enough = scaled.any() and told.sum() >= 0.5 * scaled.sum()
    return np.asarray(agreeing) if enough else None


def _pinned(factor: Array, pair: AnchorPair) -> Array:
    """With the size that the biases tell, which are multiplied by the same: so a fault in all of a
    weight is none in the size of what it makes."""
    ours, theirs = pair.reference.bias, pair.candidate.bias
    known = (np.abs(ours) > 1e-3 * np.abs(ours).max(initial=0)) & (theirs * ours > 0)
    times = (theirs / np.where(known, ours, 1) / factor)[known]
    size = _middle(times) if times.size else np.ones(())
    agree = np.abs(np.log(times / size)) < _SAME_SIZE
    # A norm adds to a bias, so that it tells no size; then hardly any two channels agree.
    return np.asarray(factor * size) if agree.sum() >= max(2, 0.5 * factor.size) else factor


def _passes(view: View, index: int) -> bool:
    """Whether a positive factor of a channel goes through an op unchanged."""
    op = view.by_index[index]
    if view.roles[index] in _PASSING:
        return True
    kind = plain_kind(view.graph.format, op.kind).lower()
    known = function(view.graph, op) == "relu" and "6" not in kind
    return view.roles[index] is Role.ACTIVATION and (known or kind in _RECTIFYING)


def _middle(values: Array) -> Array:
    return np.asarray(np.sort(values, axis=None)[values.size // 2])
