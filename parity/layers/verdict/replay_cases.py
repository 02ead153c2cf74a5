"""What a replay folder needs of a suspect: its ops, what they were fed, the reference's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.layers.align import alignment
from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region, regions
from parity.layers.graph.semantics import variable_inputs
from parity.layers.subjects.subject import Feeds, Subject
from parity.layers.verdict.table import LayerRow
from parity.layers.verdict.tracing import all_tensors
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class ReplayCase:
    """The ops of one region of the candidate on the reference's tensors.

    ``inputs`` are what the ops, by index in execution order, read from others; ``reference`` is
    what the region makes in the reference. Both are by the candidate's tensor name and in the
    candidate's layout.
    """

    row: LayerRow
    ops: tuple[int, ...]
    inputs: Mapping[str, Array]
    reference: Mapping[str, Array]


def replay_cases(
    reference: Subject,
    candidate: Subject,
    feeds: tuple[Feeds, Feeds],
    suspects: Sequence[LayerRow],
    outputs: Mapping[str, str] | None,
) -> list[ReplayCase | str]:
    """The case of every suspect on one image, or why there is none.

    The networks are run and aligned anew: during the comparison no tensor outlives its image.
    """
    traces = all_tensors(reference, feeds[0]), all_tensors(candidate, feeds[1])
    _, matching = alignment.align(reference, candidate, traces, outputs)
    found = {(one.pair.reference, one.pair.candidate): one for one in regions(matching)}
    return [
        _case(matching, row, found.get((row.reference_tensor, row.candidate_tensor)))
        for row in suspects
    ]


def _case(matching: Matching, row: LayerRow, region: Region | None) -> ReplayCase | str:
    if region is None:
        return "on that image the networks are aligned in another way"
    wanted = matching.bring(row.reference_tensor, row.candidate_tensor)
    if wanted is None:
        return "the layouts of both sides do not tell how to compare its result"
    made = {name for op in region.ops for name in op.outputs}
    inputs: dict[str, Array] = {}
    for op in region.ops:
        for name in variable_inputs(matching.candidate.view.graph, op):
            if name in made:
                continue
            value = matching.operand(op, name)
            if value is None:
                return f"the reference has no tensor for its input {name}"
            if name in inputs and not np.array_equal(inputs[name], value):
                return f"its ops read {name} where the reference's read different tensors"
            inputs[name] = value
    ops = tuple(op.index for op in region.ops)
    return ReplayCase(row, ops, inputs, {row.candidate_tensor: wanted})
