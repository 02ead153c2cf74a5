"""Which op of one graph holds the weight of which op of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from parity.layers.align.weights.signatures import Anchor, anchors
from parity.layers.align.weights.weight_matrix import matrix
from parity.layers.graph.roles import LOOK_THROUGH, WEIGHTED, Role
from parity.layers.graph.semantics import function
from parity.layers.graph.view import View
from parity.layers.numbers.channel_scales import fit_scales
from parity.tensors import Array

SAME_WEIGHT = 0.05
"""Root mean square distance of signatures up to which a weight counts as the same one; measured:
1e-6 between float formats, 0.01 for int8, 0.03 for weights 20 % off, above 0.1 between layers."""

SCALED_BACK = 1e-3
"""The least distance of weights that are alike only but for scaled input channels."""

_FOLDED = 0.05
_STRUCTURE = 0.3
_SIZE = 0.3
_ORDER = 1e-6
_TIE = 1e-3
_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class AnchorPair:
    """Two ops that hold the same weight, and on what grounds it is believed."""

    reference: Anchor
    candidate: Anchor
    distance: float
    agreement: float
    ambiguous: bool

    @property
    def same_result(self) -> bool:
        """Whether both ops compute the same: no batch norm was folded into one of them alone."""
        ours, theirs = self.reference, self.candidate
        if self.distance > SAME_WEIGHT:  # damaged: channels tell nothing, the whole may
            off = abs(_rms(theirs.scale) / (_rms(ours.scale) or 1) - 1)
        else:
            each = theirs.scale / np.where(ours.scale > 0, ours.scale, 1)
            off = median(np.abs(each - 1).tolist())
        shift = float(np.abs(theirs.bias - ours.bias).max())
        size = max(float(np.abs(ours.bias).max()), float(np.abs(theirs.bias).max()))
        return off < _FOLDED and shift <= _FOLDED * size

    @property
    def evidence(self) -> str:
        """In words: by what the pair was found."""
        if self.distance > SAME_WEIGHT:
            return f"place (weights differ: {self.distance:.2g})"
        return "weight (ambiguous)" if self.ambiguous else "weight"


def pair(reference: View, candidate: View) -> tuple[AnchorPair, ...]:
    """Pair the anchors of two graphs by weight, and by their place where weights are alike.

    What weights alone decide comes first; then, in rounds, the anchors around an undecided one say
    where it belongs: what lies before and behind it, which activations are around it, in which slot
    of a concatenation it ends, the sizes of what it reads and writes. What is left of a shape and
    has the place of its partner is paired although its weight differs, as that is what a damaged
    weight looks like.
    """
    ours, theirs = anchors(reference), anchors(candidate)
    if not ours or not theirs:
        return ()
    distances = _distances(ours, theirs)
    _see_through_scales(distances, (reference, ours), (candidate, theirs))
    context = _Context(reference, candidate, ours, theirs)
    fixed = _certain(distances)
    rows, columns, cost = _assign(distances, context, fixed)
    for _ in range(_ROUNDS):
        again = _accepted(rows, columns, distances, context, fixed)
        if again == fixed:
            break
        fixed = again
        rows, columns, cost = _assign(distances, context, fixed)
    chosen = _accepted(rows, columns, distances, context, fixed)
    agreements = context.agreements(chosen)
    return tuple(
        AnchorPair(
            ours[i],
            theirs[j],
            float(distances[i, j]),
            float(agreements[i, j]),
            _is_tie(cost, i, j),
        )
        for i, j in sorted(chosen.items(), key=lambda pair: pair[1])
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _distances(ours: Sequence[Anchor], theirs: Sequence[Anchor]) -> Array:
    """Root mean square of the signatures' difference; infinite where element counts differ."""
    table = np.full((len(ours), len(theirs)), np.inf)
    for i, one in enumerate(ours):
        for j, other in enumerate(theirs):
            if (one.elements, one.channels) == (other.elements, other.channels):
                apart = one.signature - other.signature
                table[i, j] = np.sqrt(np.mean(apart**2))
    return table


def _see_through_scales(
    distances: Array,
    reference: tuple[View, Sequence[Anchor]],
    candidate: tuple[View, Sequence[Anchor]],
) -> None:
    """Set the distance of those that are nothing like any other, but for factors of whole input
    and output channels, to what those leave."""
    alike = distances <= SAME_WEIGHT
    rows, columns = (np.flatnonzero(~alike.any(axis=one)).tolist() for one in (1, 0))
    theirs = {j: matrix(candidate[0], candidate[1][j].op) for j in columns}
    for i in rows:
        mine = matrix(reference[0], reference[1][i].op)
        for j, yours in theirs.items():
            if mine is None or yours is None or mine.shape != yours.shape:
                continue
            found = fit_scales(mine, yours) if np.isfinite(distances[i, j]) else None
            if found is not None:
                distances[i, j] = max(found.misfit, SCALED_BACK)


def _certain(distances: Array) -> dict[int, int]:
    """Pairs that weights alone decide: alike, and nothing else on either side nearly as alike."""
    found = {}
    for i, row in enumerate(distances):
        j = int(np.argmin(row))
        if row[j] > SAME_WEIGHT:
            continue
        rivals = np.concatenate([np.delete(row, j), np.delete(distances[:, j], i)])
        if rivals.size == 0 or rivals.min() > 2 * row[j] + SAME_WEIGHT / 2:
            found[i] = j
    return found


class _Context:
    """Where anchors lie relative to each other in two graphs."""

    def __init__(
        self, reference: View, candidate: View, ours: Sequence[Anchor], theirs: Sequence[Anchor]
    ) -> None:
        self._before = (_before(reference, ours), _before(candidate, theirs))
        slots = (_slots(reference, ours), _slots(candidate, theirs))
        self.slots = np.array([[a != b for b in slots[1]] for a in slots[0]], dtype=float)
        self.functions = _unlike(_functions(reference, ours), _functions(candidate, theirs))
        sizes = [np.array([(a.read_size, a.written_size) for a in side]) for side in (ours, theirs)]
        self.sizes = np.mean(sizes[0][:, None] != sizes[1], axis=2)

    def agreements(self, fixed: dict[int, int]) -> Array:
        """(ours, theirs): the share of the fixed pairs before and behind that both agree about."""
        rows, columns = list(fixed), list(fixed.values())
        mine = np.hstack([self._before[0][:, rows], self._before[0].T[:, rows]]).astype(float)
        yours = np.hstack([self._before[1][:, columns], self._before[1].T[:, columns]]).astype(
            float
        )
        both = mine @ yours.T
        either = mine.sum(axis=1)[:, None] + yours.sum(axis=1)[None, :] - both
        shared: Array = np.divide(both, either, out=np.ones_like(both), where=either > 0)
        return shared


def _before(view: View, found: Sequence[Anchor]) -> Array:
    """[i, j]: whether anchor j lies upstream of anchor i."""
    rows = {anchor.op.index: row for row, anchor in enumerate(found)}
    above: dict[str, Array] = {}
    table = np.zeros((len(found), len(found)), dtype=bool)
    for op in view.data_ops():
        mask = np.zeros(len(found), dtype=bool)
        for name in view.data_inputs(op):
            if name in above:
                mask |= above[name]
        if op.index in rows:
            table[rows[op.index]] = mask
            mask = mask.copy()
            mask[rows[op.index]] = True
        above.update(dict.fromkeys(op.outputs, mask))
    return table


def _slots(view: View, found: Sequence[Anchor]) -> list[tuple[int, ...]]:
    """Down from each anchor while one op reads on: the slots of the joins that it ends in."""
    return [_slots_below(view, anchor.op.outputs[0]) for anchor in found]


def _slots_below(view: View, name: str) -> tuple[int, ...]:
    slots: list[int] = []
    while len(readers := view.consumers.get(name, ())) == 1:
        op = readers[0]
        inputs = view.data_inputs(op)
        if view.roles[op.index] is Role.CONCAT and len(inputs) > 1:
            slots.append(inputs.index(name))
        if view.roles[op.index] in WEIGHTED:
            break
        name = op.outputs[0]
    return tuple(slots)


def _functions(view: View, found: Sequence[Anchor]) -> Array:
    """(anchors, 2): the activations that made what each reads, and that read what it makes."""
    return np.array([(_above(view, anchor), _below(view, anchor)) for anchor in found])


def _above(view: View, anchor: Anchor) -> str:
    op = view.producers.get(view.root(anchor.read))
    return "" if op is None else function(view.graph, op)


def _below(view: View, anchor: Anchor) -> str:
    """The first activation below while one op reads on, past norms and what only moves values."""
    name = anchor.op.outputs[0]
    while len(readers := view.consumers.get(name, ())) == 1:
        op = readers[0]
        if found := function(view.graph, op):
            return found
        if view.roles[op.index] not in (Role.NORM, *LOOK_THROUGH):
            break
        name = op.outputs[0]
    return ""


def _unlike(ours: Array, theirs: Array) -> Array:
    """(ours, theirs): how many activations differ; one that is not shown may be part of an op."""
    shown = (ours != "")[:, None] & (theirs != "")
    unlike: Array = np.sum(shown & (ours[:, None] != theirs), axis=2)
    return unlike


def _assign(
    distances: Array, context: _Context, fixed: dict[int, int]
) -> tuple[list[int], list[int], Array]:
    """The cheapest assignment of all anchors; weights first, then place, then order."""
    rows, columns = np.indices(distances.shape)
    drift = np.abs(rows / distances.shape[0] - columns / distances.shape[1])
    cost = np.minimum(distances, 1.0) + _SIZE * context.sizes + 0.05 * context.slots
    cost += 0.06 * context.functions
    cost += _STRUCTURE * (1 - context.agreements(fixed))
    cost[~np.isfinite(distances)] = 1e3
    chosen = _cheapest(cost + _ORDER * drift)
    return [int(i) for i in chosen[0]], [int(j) for j in chosen[1]], cost


def _cheapest(cost: Array) -> tuple[Array, Array]:
    """The assignment of least cost. Where every row's best column is its own, that is it: then
    scipy, whose import takes longer than a whole alignment, is not asked.
    """
    best = cost.argmin(axis=1)
    if len(set(best.tolist())) == best.size:
        return np.arange(best.size), best
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return rows, columns


def _accepted(
    rows: list[int],
    columns: list[int],
    distances: Array,
    context: _Context,
    fixed: dict[int, int],
) -> dict[int, int]:
    """Assigned pairs of like weights, and those that all others agree about."""
    agreements = context.agreements(fixed)
    found = {}
    for i, j in zip(rows, columns, strict=True):
        if not np.isfinite(distances[i, j]):
            continue
        placed = bool(fixed) and agreements[i, j] >= 0.999 and context.sizes[i, j] == 0
        if distances[i, j] <= SAME_WEIGHT or placed:
            found[i] = j
    return found


def _is_tie(cost: Array, row: int, column: int) -> bool:
    """Whether another partner would have cost as good as nothing more."""
    rivals = np.delete(cost[row], column)
    return bool(rivals.size) and bool(rivals.min() <= cost[row, column] + _TIE)
