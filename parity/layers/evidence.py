"""What a replay folder needs of a suspect: its op, what it was fed, the reference's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parity.layers import alignment, local
from parity.layers.comparing import all_tensors
from parity.layers.layout import Array
from parity.layers.regions import regions
from parity.layers.subject import Subject
from parity.layers.table import Row

Feeds = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Evidence:
    """One op of the candidate on the reference's tensors.

    ``inputs`` are those of ``Subject.replay``; ``reference`` its outputs in the reference, by the
    candidate's tensor name and in the candidate's layout.
    """

    row: Row
    op: int
    inputs: Mapping[str, Array]
    reference: Mapping[str, Array]


def gather(
    reference: Subject,
    candidate: Subject,
    feeds: tuple[Feeds, Feeds],
    suspects: Sequence[Row],
    outputs: Mapping[str, str] | None,
) -> list[Evidence]:
    """The evidence of every suspect on one image; suspects that did not run alone are left out.

    The networks are run and aligned anew: during the comparison no tensor outlives its image.
    """
    traces = all_tensors(reference, feeds[0]), all_tensors(candidate, feeds[1])
    _, draft = alignment.align(reference, candidate, traces, outputs)
    plan = local.waves(draft.candidate.view, regions(draft), draft.of)
    view = draft.candidate.view
    others = {name: one for name, one in draft.candidate.values.items() if name not in view.data}
    replayed = local.replay(candidate, draft, plan, others)
    producers = candidate.graph.producers()
    found = []
    for row in suspects:
        op = producers.get(row.candidate_tensor)
        wanted = draft.bring(row.reference_tensor, row.candidate_tensor)
        if op is not None and wanted is not None and op.index in replayed.fed:
            inputs = replayed.fed[op.index]
            found.append(Evidence(row, op.index, inputs, {row.candidate_tensor: wanted}))
    return found
