"""Channels that one layer of the candidate scales and the next one scales back.

Cross-layer equalisation (Nagel et al., Data-Free Quantization, 2019) multiplies the output channels
of a layer by s and divides the next layer's input channels by s: through a ReLU, a pooling or
whatever else lets a positive factor pass, the function stays what it was, and the tensors between
are s times those of the reference. That is told by the weights alone, channel by channel: the next
layer's weights must be the reference's divided by what the layer before is multiplied by. Where the
two disagree about a channel, that of the layer before counts: then the layer behind, which does not
undo it, has a local error.

Two things are never excused so. What the network gives out, nobody scales back. And without biases
nobody can tell in which of some layers that hand a scale on a weight is off as a whole: where the
last of them ends at another size than the reference's, each of them is compared as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parity.layers.align.anchors import AnchorPair
from parity.layers.align.folding import Fold, Gain, channel_axis, fold, gains
from parity.layers.align.matching import Matching
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import bare_type, function
from parity.layers.graph.view import View
from parity.layers.numbers.multiples import middle
from parity.tensors import Array

_ALIKE = 1e-4
"""Distance of signatures up to which weights differ by factors of whole output channels at most."""

_SAME_SIZE = 0.02
"""How far from one another, in logarithms, channels may be that tell one size."""

_EXACT = 1e-3
"""From which logarithm on a size that biases tell is believed; what norms add is only measured."""

_PASSING = frozenset({Role.IDENTITY, Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.QUANTISE,
                      Role.POOL, Role.RESIZE})  # fmt: skip
_RECTIFYING = ("leakyrelu", "prelu", "abs")


@dataclass(eq=False)
class Rescaled:
    """Candidate tensor → the factor of each channel; candidate op → channels that it misreads."""

    factors: dict[str, Array] = field(default_factory=dict)
    misread: dict[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Option:
    """One way to read a producer: what it multiplies its channels by.

    ``told`` are the channels that have weights or a bias to tell it, ``pinned`` says that biases
    tell its size. ``before`` is what its own input is multiplied by (a depthwise layer; None where
    that is known).
    """

    factor: Array
    told: Array
    pinned: bool
    before: _Option | None = None


def rescaled(matching: Matching) -> Rescaled:
    """The channels that are scaled between anchored layers; see above."""
    return _Search(matching).run()


class _Search:
    """One time through the anchored pairs in the candidate's execution order."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._view = matching.candidate.view
        self._pairs = {pair.candidate.op.index: pair for pair in matching.anchored}
        self._folds: dict[int, Fold | None] = {}
        self._found = Rescaled()
        self._unsized: set[str] = set()
        outputs = self._view.graph.outputs
        self._given = {same for name in outputs for same in self._view.climb(name)}

    def run(self) -> Rescaled:
        for index in sorted(self._pairs):
            pair = self._pairs[index]
            weights = self._fold(pair)
            depthwise = weights is not None and weights.depthwise
            if pair.distance <= _ALIKE and not depthwise:
                continue
            if weights is not None and depthwise and self._uniform(weights.made):
                continue
            self._behind(pair, weights)
        self._forget_unsized()
        return self._found

    def _fold(self, pair: AnchorPair) -> Fold | None:
        index = pair.candidate.op.index
        if index not in self._folds:
            self._folds[index] = fold(self._matching, pair)
        return self._folds[index]

    def _fed(self, pair: AnchorPair) -> Fold | None:
        """The factors of a layer whose input is known to be scaled, or not to be."""
        read = self._found.factors.get(pair.candidate.read, np.ones(1))
        return self._fold(pair) or fold(self._matching, pair, 1 / read)

    @staticmethod
    def _uniform(factors: Array) -> bool:
        return bool(np.ptp(np.log(factors)) < 1e-3)

    def _behind(self, pair: AnchorPair, weights: Fold | None) -> None:
        """See whether the layer before a pair scales what its weights scale back."""
        path, before = self._above(pair.candidate.read)
        if before is None or any(name in self._found.factors for name in path):
            return
        if not self._given.isdisjoint(path):
            return
        for option in self._options(before):
            for own, read in self._reads(pair, weights, option.factor):
                agreeing = _agreeing(option, own, read)
                if agreeing is None:
                    continue
                self._folds[pair.candidate.op.index] = own
                self._settle(path, option)
                if option.before is not None:
                    self._settle(self._above(before.candidate.read)[0], option.before)
                if not agreeing.all():
                    channels = tuple(int(one) for one in np.flatnonzero(~agreeing))
                    self._found.misread[pair.candidate.op.index] = channels
                return

    def _reads(
        self, pair: AnchorPair, weights: Fold | None, factor: Array
    ) -> Iterator[tuple[Fold, Array]]:
        """What a layer multiplies its input channels by; of one with too few weights to tell that
        alone, if it is what undoes a factor."""
        if weights is None:
            weights = fold(self._matching, pair, 1 / factor)
        if weights is None:
            return
        if not weights.depthwise:
            yield weights, weights.read
            return
        for gain in gains(self._matching, pair):
            yield weights, weights.made / gain.times

    def _settle(self, path: Sequence[str], option: _Option) -> None:
        for name in path:
            if channel_axis(self._matching.candidate, name, len(option.factor)) is not None:
                self._found.factors[name] = option.factor
                if not option.pinned:
                    self._unsized.add(name)

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
        weights = self._fed(pair)
        if weights is None:
            return
        read = self._found.factors.get(pair.candidate.read)
        for gain in gains(self._matching, pair):
            own = _made(weights, read) / gain.times
            yield _option(own, weights, gain)
            if not weights.depthwise or read is not None:
                continue
            path, before = self._above(pair.candidate.read)
            if before is None or not self._given.isdisjoint(path):
                continue
            for one in self._options(before):
                if one.before is None and one.factor.size == own.size:
                    yield replace(_option(own * one.factor, weights, gain), before=one)

    def _forget_unsized(self) -> None:
        """Take back the scales that layers hand on to one that ends at another size."""
        known: set[str] = set()
        wrong = []
        for index in sorted(self._pairs):
            pair = self._pairs[index]
            if pair.candidate.op.outputs[0] in self._unsized:
                continue
            right = self._ends_right(pair)
            if right:
                known.update(name for _, path in self._handed(pair) for name in path)
            elif right is not None:
                wrong.append(pair)
        for pair in wrong:
            for index, path in self._handed(pair):
                if not known.isdisjoint(path):
                    break
                self._found.misread.pop(index, None)
                for name in path:
                    self._found.factors.pop(name, None)

    def _handed(self, pair: AnchorPair) -> Iterator[tuple[int, list[str]]]:
        """From a layer upwards, while biases tell no size: the layer and what it reads."""
        above: AnchorPair | None = pair
        while above is not None and above.candidate.read in self._unsized:
            index = above.candidate.op.index
            path, above = self._above(above.candidate.read)
            yield index, path

    def _ends_right(self, pair: AnchorPair) -> bool | None:
        """Whether a layer makes of a scale without a size what the reference has; None for other
        layers, and where that is not known."""
        name = pair.candidate.read
        read = self._found.factors.get(name)
        weights = self._fed(pair) if name in self._unsized else None
        if weights is None or read is None:
            return None
        made = self._found.factors.get(pair.candidate.op.outputs[0], np.ones(1))
        each = [_made(weights, read) / gain.times / made for gain in gains(self._matching, pair)]
        sizes = [float(_size(np.log(one[~weights.silent]))) for one in each]
        return min(map(abs, sizes)) < weights.tolerance if sizes else None


def _made(weights: Fold, read: Array | None) -> Array:
    """What a layer multiplies its output channels by, if its input is multiplied by ``read``."""
    channels = weights.made if weights.depthwise else weights.read
    if read is None or read.size != channels.size:
        return weights.made if weights.depthwise else weights.made * weights.sizes(np.ones(1))
    return weights.made * (read if weights.depthwise else weights.sizes(read))


def _option(factor: Array, weights: Fold, gain: Gain) -> _Option:
    """With what the biases tell: of the size, and of the channels that have no weights."""
    size = _pinned(factor, gain, ~weights.silent)
    if size is not None and abs(float(np.log(size))) > _EXACT:
        factor = factor * size
    alone = weights.silent & (gain.ours * gain.theirs > 0)
    times = np.divide(gain.theirs, gain.ours, out=np.ones_like(gain.theirs), where=alone)
    factor = np.where(weights.silent, times, factor)
    return _Option(factor, ~weights.silent | alone, size is not None)


def _agreeing(option: _Option, weights: Fold, read: Array) -> Array | None:
    """Which channels are scaled back; None where that is no rule: where nothing is scaled, or less
    than half of what is scaled on either side is also scaled on the other.

    A channel without any weights on one of the sides has nothing to disagree about.
    """
    if option.factor.size != read.size:
        return None
    told, tolerance = option.told & ~weights.unread, weights.tolerance
    one, other = (
        _centred(np.log(np.where(told & (each > 0), each, np.nan)), weights.groups)
        for each in (option.factor, read)
    )
    apart = _centred(one + other, weights.groups)
    other, agreeing = apart - one, np.abs(apart) < tolerance
    scaled = (np.abs(one) > tolerance) | (np.abs(other) > tolerance)
    both = agreeing & (np.abs(one) > tolerance) & (np.abs(other) > tolerance)
    enough = scaled.any() and both.sum() >= 0.5 * scaled.sum()
    return np.asarray(agreeing | ~told) if enough else None


def _centred(values: Array, groups: int) -> Array:
    each = values.reshape(groups, -1)
    return np.asarray((each - middle(each)).ravel())


def _pinned(factor: Array, gain: Gain, telling: Array) -> Array | None:
    """How much greater the biases tell a factor to be, which are multiplied by the same: so a fault
    in all of a weight is none in the size of what it makes. None where they tell nothing."""
    ours, theirs = gain.ours, gain.theirs
    known = (np.abs(ours) > 1e-3 * np.abs(ours).max(initial=0)) & (theirs * ours > 0) & telling
    times = (theirs / np.where(known, ours, 1) / factor)[known]
    size = _size(times) if times.size else np.ones(())
    agree = np.abs(np.log(times / size)) < _SAME_SIZE
    return size if agree.sum() >= max(2, 0.5 * telling.sum()) else None


def _size(values: Array) -> Array:
    return np.asarray(middle(values.reshape(1, -1))[0, 0])


def _passes(view: View, index: int) -> bool:
    """Whether a positive factor of a channel goes through an op unchanged."""
    op = view.by_index[index]
    if view.roles[index] in _PASSING:
        return True
    kind = bare_type(view.graph, op)
    known = function(view.graph, op) == "relu" and "6" not in kind
    return view.roles[index] is Role.ACTIVATION and (known or kind in _RECTIFYING)
