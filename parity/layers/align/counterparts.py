"""Ops that have no partner by value, but a counterpart: one of their kind that reads the same.

An op whose result has another size than the reference's (a suppression that keeps other boxes), or
other values altogether, is paired with no tensor. Where one op of its kind reads the same tensors
on the other side, it is compared with that one all the same: the difference is the finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from parity.layers.align.matching import Matching, Pair
from parity.layers.align.regions import Region, Unpaired, is_computing, region
from parity.layers.graph.semantics import op_type
from parity.layers.graph.view import View
from parity.runtimes.contract import Op

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Counterparts:
    """Regions of ops and their counterparts, and the unpaired layers that are left without them."""

    regions: tuple[Region, ...]
    unpaired: tuple[Unpaired, ...]


def counterparts(matching: Matching, unpaired: tuple[Unpaired, ...]) -> Counterparts:
    """Regions for those unpaired layers of the candidate that have a counterpart."""
    names = {side: {(one.layer, one.kind) for one in unpaired if one.side == side}
             for side in ("reference", "candidate")}  # fmt: skip
    own = {name: name for name in matching.of.values()}
    mine = _by_key(matching.reference.view, names["reference"], own)
    yours = _by_key(matching.candidate.view, names["candidate"], matching.of)
    found, gone = [], set()
    for key, ops in yours.items():
        partners = mine.get(key, [])
        if len(ops) != 1 or len(partners) != 1:
            continue
        (op,), (partner,) = ops, partners
        pair = Pair(partner.outputs[0], op.outputs[0], "place")
        found.append(region(matching, pair))
        gone |= {("candidate", op.name, op.kind), ("reference", partner.name, partner.kind)}
    left = [one for one in unpaired if (one.side, one.layer, one.kind) not in gone]
    return Counterparts(tuple(found), tuple(left))


def _by_key(view: View, names: set[tuple[str, str]], known: dict[str, str]) -> dict[Key, list[Op]]:
    """Unpaired ops by kind and by the reference tensors that they read; see through what moves."""
    found: dict[Key, list[Op]] = {}
    for op in _unpaired(view, names):
        read = [_known(view, name, known) for name in view.data_inputs(op)]
        if read and all(read) and op.outputs[0] not in known:
            key = op_type(view.graph, op), tuple(one for one in read if one)
            found.setdefault(key, []).append(op)
    return found


def _unpaired(view: View, names: set[tuple[str, str]]) -> Iterable[Op]:
    return (op for op in view.data_ops() if is_computing(view, op) and (op.name, op.kind) in names)


def _known(view: View, name: str, known: dict[str, str]) -> str | None:
    """The reference tensor that is read, also where values are only moved on the way."""
    return next((known[one] for one in view.climb(name) if one in known), None)
