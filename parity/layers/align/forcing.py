"""Teacher forcing: what a candidate op makes of the reference's tensors tells which one it makes.

Each op whose output has no partner yet runs on its operands as the reference had them. Errors of
the ops before it are not in its output, so the alignment is as good behind a fault as before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from parity.layers.align.matching import Matching
from parity.layers.align.structure import Upstream, Upstreams, pair_operands, upstream
from parity.layers.graph.roles import LOOK_THROUGH
from parity.layers.graph.semantics import stores, variable_inputs
from parity.layers.graph.view import View
from parity.layers.numbers.divergence import norm, relative
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import Op
from parity.tensors import Array

SURE = 0.02
"""Relative L2 up to which a value is a reference tensor at once, and is replaced by it."""

CLOSE = 0.3
"""... and up to which it is taken for the nearest one, once every op has had its say."""

ALIKE = 0.05
"""Distance of quantiles up to which a value is taken for the tensor of the most similar one."""

_QUANTILES = np.linspace(0, 1, 33)
_PASSES = 4


def force(matching: Matching, candidate: Subject) -> None:
    """Pair what is left of the candidate's tensors by values, op by op in topological order.

    A pass carries on what no reference tensor surely is. What is merely near to one is decided at
    the end of the pass, the nearest first: in a chain of convolution, scale and shift against one
    folded convolution, the shift is its match, although the scale came first and was near.
    """
    known = _Prints(matching.reference.values)
    for _ in range(_PASSES):
        before = len(matching.pairs)
        one = _Pass(matching, candidate, known)
        one.run()
        pair_operands(matching, matching.pairs[before:], one.upstreams)
        if len(matching.pairs) == before:
            break


class _Prints:
    """Norms and quantiles of the reference's tensors, each computed once."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        self._values = values
        self._norms: dict[str, float] = {}
        self._quantiles: dict[str, Array] = {}

    def norm(self, name: str) -> float:
        if name not in self._norms:
            self._norms[name] = norm(self._values[name])
        return self._norms[name]

    def quantiles(self, name: str) -> Array:
        if name not in self._quantiles:
            self._quantiles[name] = quantiles(self._values[name])
        return self._quantiles[name]


class _Pass:
    """One time through the candidate's ops that have no partner."""

    def __init__(self, matching: Matching, subject: Subject, known: _Prints) -> None:
        self._matching = matching
        self._subject = subject
        self._known = known
        self._view = matching.candidate.view
        self.upstreams: Upstreams = upstream(matching)
        self._derived: dict[str, Array] = {}
        self._near: list[tuple[float, str, str, str]] = []
        self._options = self._by_place()
        self._taken = {matching.reference.view.root(name) for name in matching.of.values()}

    def _by_place(self) -> dict[tuple[int, Upstream | None], list[str]]:
        """Reference tensors by their size and the anchors above them."""
        view = self._matching.reference.view
        found: dict[tuple[int, Upstream | None], list[str]] = {}
        for op in view.data_ops():
            if view.roles[op.index] in LOOK_THROUGH:
                continue
            for name in op.outputs:
                key = (view.size(name), self.upstreams[0].get(name))
                found.setdefault(key, []).append(name)
        return found

    def run(self) -> None:
        """Waves of ops whose operands are known; each wave is one replay."""
        waiting = self._needed()
        while waiting:
            ready = {op.index: feeds for op in waiting if (feeds := self._feeds(op)) is not None}
            if not ready:
                break
            results = self._subject.replay(ready)
            for op in waiting:
                if op.index in ready:
                    self._settle(op, results.get(op.index, "it was not run"))
            waiting = [op for op in waiting if op.index not in ready]
        for error, reference, name, evidence in sorted(self._near):
            if self._free(reference) and name not in self._matching.of:
                self._pair(reference, name, evidence, error)

    def _needed(self) -> list[Op]:
        """The ops that make a result without a partner, and those that make what they read."""
        wanted: set[str] = set()
        found = []
        for op in reversed(self._view.data_ops()):
            if not self._done(op) and any(
                name in wanted or self._is_open(op, name) for name in op.outputs
            ):
                found.append(op)
                wanted.update(self._view.data_inputs(op))
        return found[::-1]

    def _is_open(self, op: Op, name: str) -> bool:
        view = self._view
        return name in view.data and name not in self._matching.of and is_result(view, op, name)

    def _done(self, op: Op) -> bool:
        """Whether every output of the op that anybody reads has its partner and its value."""
        of, outputs = self._matching.of, self._view.graph.outputs
        used = [one for one in op.outputs if one in self._view.consumers or one in outputs]
        return all(one in of and self._matching.brought(one) is not None for one in used)

    def _feeds(self, op: Op) -> Mapping[str, Array] | None:
        feeds = {}
        for name in variable_inputs(self._view.graph, op):
            value = self._matching.operand(op, name)
            if value is None:
                value = self._derived.get(name)
            if value is None:
                return None
            feeds[name] = value
        return feeds

    def _settle(self, op: Op, result: dict[str, Array] | str) -> None:
        if isinstance(result, str):
            self._matching.failures[op.index] = result
            own = self._matching.candidate.values
            result = {name: own[name] for name in op.outputs if name in own}
        for name in op.outputs:
            if name in result and name in self._view.data:
                self._derived[name] = result[name]
                if self._is_open(op, name):
                    self._match(name, result[name])

    def _match(self, name: str, value: Array) -> None:
        """Pair what is surely one reference tensor; note what it is near to."""
        key = (value.size, self.upstreams[1].get(self._view.root(name)))
        options = [one for one in self._options.get(key, ()) if self._free(one)]
        size = norm(value)
        errors = [self._apart(one, name, value, size) for one in options]
        if errors and min(errors) < SURE:
            best = errors.index(min(errors))
            self._pair(options[best], name, "values", errors[best])
            return
        near = [(e, one, name, "values") for e, one in zip(errors, options, strict=True)]
        near = [one for one in near if one[0] < CLOSE]
        self._near += near
        if options and not near and name not in self._matching.scales:
            self._similar(name, value, options)

    def _similar(self, name: str, value: Array, options: Sequence[str]) -> None:
        """Note the tensor whose values are spread most alike, wherever in it they lie."""
        spread = quantiles(value)
        distances = [distance(self._known.quantiles(one), spread) for one in options]
        if min(distances) < ALIKE:
            best = options[distances.index(min(distances))]
            self._near.append((CLOSE + min(distances), best, name, "quantiles"))

    def _pair(self, reference: str, name: str, evidence: str, error: float) -> None:
        told = error if evidence == "values" else None
        if self._matching.add(reference, name, evidence, told):
            self._taken.add(self._matching.reference.view.root(reference))

    def _free(self, reference: str) -> bool:
        return self._matching.reference.view.root(reference) not in self._taken

    def _apart(self, reference: str, name: str, value: Array, size: float) -> float:
        """Relative L2 under the implied layout; not computed where the norms rule a match out."""
        own = self._known.norm(reference)
        if abs(own - size) > CLOSE * own and name not in self._matching.scales:
            return np.inf
        brought = self._matching.bring(reference, name)
        return np.inf if brought is None else relative(brought, value)


def quantiles(array: Array) -> Array:
    """33 values of the sorted tensor, evenly spaced: the same in every layout."""
    ordered = np.sort(array.astype(np.float32), axis=None)
    places = _QUANTILES * (ordered.size - 1)
    below = places.astype(np.int64)
    low, high = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)]
    found: Array = low + (high - low) * (places - below)
    return found


def distance(reference: Array, candidate: Array) -> float:
    """How far two quantile fingerprints are apart, relative to the reference's size."""
    scale = float(np.sqrt(np.mean(reference**2)))
    apart = float(np.sqrt(np.mean((reference - candidate) ** 2)))
    return apart / scale if scale and np.isfinite(apart) else float("inf")


def is_result(view: View, op: Op, name: str) -> bool:
    """Whether a tensor is a layer's result: not moved values, and not about to be rounded."""
    if stores(view.graph, op):
        return True
    readers = view.consumers.get(name, ())
    rounded = bool(readers) and all(stores(view.graph, one) for one in readers)
    return view.roles[op.index] not in LOOK_THROUGH and not rounded
