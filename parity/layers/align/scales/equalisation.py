"""Cross-layer equalisation: channels that one layer of the candidate scales and the next unscales.

Cross-layer equalisation (Nagel et al., Data-Free Quantization, 2019) evens out the ranges of
weights before they are quantised: it multiplies output channel c of a layer by s[c] and divides
input channel c of the next layer by s[c]. A ReLU, a pooling and whatever else lets a positive scale
pass may lie between. The network computes the same function, but the tensors between the two layers
are s times the reference's, and are to be compared so.

The weights alone tell s: the layer before has output scales s, the layer behind input scales 1 / s
(``layer_scales.py``; gains of folded batch norms are divided out). Where the two disagree about a
channel, the layer before counts: then the layer behind, which does not undo that channel's scale,
has a local error.

Two things are never excused so. The scale of a graph output is undone by nobody. And weights tell s
only up to one number, its *size*, which the biases tell, as they are scaled too. Without biases
layers can hand a size on, and nobody can tell which of them is off as a whole: where the last one
ends at another size than the reference's, each of them is compared as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from parity.layers.align.matching import Matching
from parity.layers.align.scales.layer_scales import LayerScales, layer_scales, norm_gains
from parity.layers.align.scales.output_scales import (
    OutputScale,
    scale_made,
    size_of,
    undone,
    with_biases,
)
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import bare_type, function
from parity.layers.graph.view import View
from parity.tensors import Array

_UNSCALED = 1e-4
"""Distance of signatures up to which weights differ by output scales at most."""

_PASSING = frozenset({Role.IDENTITY, Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.QUANTISE,
                      Role.POOL, Role.RESIZE})  # fmt: skip
_RECTIFYING = ("leakyrelu", "prelu", "abs")


@dataclass(eq=False)
class Equalisation:
    """What the candidate's weights say of equalised channels.

    ``scales`` are, by candidate tensor, how many times the reference's each channel is,
    (channels,); ``not_undone``, by op index, the input channels whose scale it does not undo.
    """

    scales: dict[str, Array] = field(default_factory=dict)
    not_undone: dict[int, tuple[int, ...]] = field(default_factory=dict)


def equalisation(matching: Matching) -> Equalisation:
    """The channels that are scaled between anchored layers of the candidate."""
    return _Search(matching).run()


class _Search:
    """One time through the anchored pairs in the candidate's execution order."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._view = matching.candidate.view
        self._pairs = {pair.candidate.op.index: pair for pair in matching.anchored}
        self._weights: dict[int, LayerScales | None] = {}
        self._found = Equalisation()
        self._unsized: set[str] = set()  # scaled tensors whose size no bias tells
        outputs = self._view.graph.outputs
        self._given_out = {same for name in outputs for same in self._view.climb(name)}

    def run(self) -> Equalisation:
        for index in sorted(self._pairs):
            pair = self._pairs[index]
            weights = self._weights_of(pair)
            depthwise = weights is not None and weights.depthwise
            if pair.distance <= _UNSCALED and not depthwise:
                continue
            if weights is not None and depthwise and _is_uniform(weights.output):
                continue
            self._equalised_with(pair, weights)
        self._drop_wrong_sizes()
        return self._found

    def _weights_of(self, pair: AnchorPair) -> LayerScales | None:
        """The scales between a layer's weights, as far as those alone tell them."""
        index = pair.candidate.op.index
        if index not in self._weights:
            self._weights[index] = layer_scales(self._matching, pair)
        return self._weights[index]

    def _weights_fed(self, pair: AnchorPair) -> LayerScales | None:
        """The same of a layer whose input is known to be scaled, or not to be: it undoes that."""
        fed = self._found.scales.get(pair.candidate.read, np.ones(1))
        return self._weights_of(pair) or layer_scales(self._matching, pair, 1 / fed)

    def _equalised_with(self, pair: AnchorPair, weights: LayerScales | None) -> None:
        """See whether a layer undoes what the layer before it scales, and note what is scaled."""
        path, before = self._layer_before(pair.candidate.read)
        if before is None or any(name in self._found.scales for name in path):
            return
        if not self._given_out.isdisjoint(path):
            return
        for made in self._output_scales(before):
            for own, read in self._input_scales(pair, weights, made.scale):
                channels = undone(made, own, read)
                if channels is None:
                    continue
                self._weights[pair.candidate.op.index] = own
                self._note(path, made)
                if made.before is not None:
                    self._note(self._layer_before(before.candidate.read)[0], made.before)
                if not channels.all():
                    left = tuple(int(one) for one in np.flatnonzero(~channels))
                    self._found.not_undone[pair.candidate.op.index] = left
                return

    def _input_scales(
        self, pair: AnchorPair, weights: LayerScales | None, made: Array
    ) -> Iterator[tuple[LayerScales, Array]]:
        """A layer's weights and input scales; of one with too few weights to tell them alone, those
        that undo ``made``, if the weights allow for them."""
        if weights is None:
            weights = layer_scales(self._matching, pair, 1 / made)
        if weights is None:
            return
        if not weights.depthwise:
            yield weights, weights.input
            return
        for norms in norm_gains(self._matching, pair):
            yield weights, weights.output / norms.ratio

    def _note(self, path: Sequence[str], made: OutputScale) -> None:
        for name in path:
            if self._matching.candidate.channel_axis(name, len(made.scale)) is not None:
                self._found.scales[name] = made.scale
                if not made.sized:
                    self._unsized.add(name)

    def _layer_before(self, name: str) -> tuple[list[str], AnchorPair | None]:
        """The tensors from this one up to the anchored layer that makes them, and that layer; None
        where an op between them does not let scales pass."""
        path = [name]
        while (op := self._view.producers.get(path[-1])) is not None:
            if op.index in self._pairs:
                return path, self._pairs[op.index]
            inputs = self._view.data_inputs(op)
            if len(inputs) != 1 or not _passes(self._view, op.index):
                break
            path.append(inputs[0])
        return path, None

    def _output_scales(self, pair: AnchorPair) -> Iterator[OutputScale]:
        """What a layer may scale its output channels by: one reading for each way in which norms
        may be folded into it on either side."""
        weights = self._weights_fed(pair)
        if weights is None:
            return
        fed = self._found.scales.get(pair.candidate.read)
        for norms in norm_gains(self._matching, pair):
            own = scale_made(weights, fed) / norms.ratio
            yield with_biases(own, weights, norms)
            if not weights.depthwise or fed is not None:
                continue
            path, before = self._layer_before(pair.candidate.read)
            if before is None or not self._given_out.isdisjoint(path):
                continue
            for one in self._output_scales(before):
                if one.before is None and one.scale.size == own.size:
                    yield replace(with_biases(own * one.scale, weights, norms), before=one)

    def _drop_wrong_sizes(self) -> None:
        """Take back the scales of layers that hand a size on to one that ends at another size."""
        right: set[str] = set()
        wrong = []
        for index in sorted(self._pairs):
            pair = self._pairs[index]
            if pair.candidate.op.outputs[0] in self._unsized:
                continue
            ends_right = self._ends_right(pair)
            if ends_right:
                right.update(name for _, path in self._chain(pair) for name in path)
            elif ends_right is not None:
                wrong.append(pair)
        for pair in wrong:
            for index, path in self._chain(pair):
                if not right.isdisjoint(path):
                    break
                self._found.not_undone.pop(index, None)
                for name in path:
                    self._found.scales.pop(name, None)

    def _chain(self, pair: AnchorPair) -> Iterator[tuple[int, list[str]]]:
        """From a layer upwards, while biases tell no size: the op and what it reads."""
        above: AnchorPair | None = pair
        while above is not None and above.candidate.read in self._unsized:
            index = above.candidate.op.index
            path, above = self._layer_before(above.candidate.read)
            yield index, path

    def _ends_right(self, pair: AnchorPair) -> bool | None:
        """Whether a layer that reads a scale of unknown size makes what the reference has, at the
        reference's size; None of other layers, and where that is not known."""
        name = pair.candidate.read
        fed = self._found.scales.get(name)
        weights = self._weights_fed(pair) if name in self._unsized else None
        if weights is None or fed is None:
            return None
        known = self._found.scales.get(pair.candidate.op.outputs[0], np.ones(1))
        each = [
            scale_made(weights, fed) / norms.ratio / known
            for norms in norm_gains(self._matching, pair)
        ]
        sizes = [float(size_of(np.log(one[~weights.dead_outputs]))) for one in each]
        return min(map(abs, sizes)) < weights.tolerance if sizes else None


def _is_uniform(scales: Array) -> bool:
    return bool(np.ptp(np.log(scales)) < 1e-3)


def _passes(view: View, index: int) -> bool:
    """Whether a positive scale of a channel goes through an op unchanged."""
    op = view.by_index[index]
    if view.roles[index] in _PASSING:
        return True
    kind = bare_type(view.graph, op)
    known = function(view.graph, op) == "relu" and "6" not in kind
    return view.roles[index] is Role.ACTIVATION and (known or kind in _RECTIFYING)
