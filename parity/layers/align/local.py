"""Local errors: what each region of the candidate makes of the reference's own tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region
from parity.layers.graph.semantics import variable_inputs
from parity.layers.graph.view import View
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import Op
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class Replayed:
    """Candidate tensor → what its region made of it, and op index → why an op did not run alone.

    ``fed`` are the data operands of every op that ran, by op index and tensor name.
    """

    outputs: Mapping[str, Array]
    failures: Mapping[int, str]
    fed: Mapping[int, Mapping[str, Array]]


def waves(view: View, regions: Sequence[Region], known: Mapping[str, str]) -> list[list[Op]]:
    """The ops of all regions by need, see ``by_need``; the same for every image."""
    return by_need(view, (op for region in regions for op in region.ops), known)


def by_need(view: View, ops: Iterable[Op], known: Mapping[str, str]) -> list[list[Op]]:
    """Ops whose operands are all paired first, then what builds on them; a wave is one replay."""
    left = {op.index: op for op in ops}
    ready = {*known, *view.inputs}
    found = []
    while left:
        wave = [op for op in left.values() if all(one in ready for one in view.data_inputs(op))]
        if not wave:
            break
        found.append(sorted(wave, key=lambda op: op.index))
        for op in wave:
            ready.update(op.outputs)
            del left[op.index]
    return found


def replay(subject: Subject, matching: Matching, plan: Sequence[Sequence[Op]]) -> Replayed:
    """One image: every op of the plan on the reference's tensors, which ``matching`` holds."""
    made: dict[str, Array] = {}
    failures: dict[int, str] = {}
    fed: dict[int, Mapping[str, Array]] = {}
    for wave in plan:
        asked = {}
        for op in wave:
            feeds = _feeds(matching, op, made)
            if isinstance(feeds, str):
                failures[op.index] = feeds
            else:
                asked[op.index] = fed[op.index] = feeds
        answers = subject.replay(asked) if asked else {}
        for op in wave:
            answer = answers.get(op.index)
            if isinstance(answer, str):
                failures[op.index] = answer
            elif answer is not None:
                made.update(answer)
    return Replayed(made, failures, fed)


def _feeds(matching: Matching, op: Op, made: Mapping[str, Array]) -> dict[str, Array] | str:
    """An op's operands as the reference had them, or why they are not to be had."""
    feeds = {}
    for name in variable_inputs(matching.candidate.view.graph, op):
        value = matching.operand(op, name)
        if value is None and name in matching.of:
            return f"the layout of its input {name} is not known well enough to bring it over"
        if value is None:
            value = made.get(name)
        if value is None:
            return f"its input {name} has no partner and could not be made"
        feeds[name] = value
    return feeds
