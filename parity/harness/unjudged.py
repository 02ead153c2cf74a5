"""What of the outputs nobody judges, looked at once for each runtime of a run."""

from __future__ import annotations

from dataclasses import replace

from parity.decode import Decoder, Unread
from parity.decode.unread import beside, carried_over
from parity.pipeline import Stages
from parity.record import RuntimeRecord

Found = tuple[Unread, ...]
Seen = tuple[Decoder, Stages]
_REFERENCE = ""  # its key: it may be judged itself, by its name, against its golden


class Unjudged:
    """Collects what is not read of the reference's and of each candidate's outputs.

    A family tells it of the first image. A function is asked on the first image on which it finds
    anything, and of heads of one kind once for all runtimes.
    """

    def __init__(self) -> None:
        self._by_family: dict[str, Found] = {}
        self._by_function: dict[str, Found] = {}

    def look(self, reference: Seen, name: str, own: Seen) -> None:
        """One image of a runtime and of what it is judged against, each with its decoder."""
        self._take(_REFERENCE, *reference)
        told = self._by_function.get(_REFERENCE)
        if told is not None and name not in self._by_function and self._alike(reference, own):
            heads = reference[1].network.heads, own[1].network.heads
            self._by_function[name] = carried_over(told, *heads)
        self._take(name, *own)

    def told(self, record: RuntimeRecord, reference: str) -> RuntimeRecord:
        """The record with what nobody judges, as data and as notes."""
        found = beside(self._of(record.name), self._of(_REFERENCE), reference)
        return replace(
            record, unread=found, notes=(*record.notes, *(one.sentence() for one in found))
        )

    def _of(self, name: str) -> Found:
        return self._by_family.get(name, ()) + self._by_function.get(name, ())

    def _take(self, name: str, decoder: Decoder, stages: Stages) -> None:
        self._by_family.setdefault(name, stages.network.unread)
        if name in self._by_function or stages.side is None or not len(stages.side.seen):
            return
        found = decoder.unread_by_function(stages.network.heads, stages.prepared.size)
        if found is not None:
            self._by_function[name] = found

    def _alike(self, one: Seen, other: Seen) -> bool:
        """Whether one function reads outputs of the same shapes in the same order."""
        shapes = [[head.shape for head in seen[1].network.heads.values()] for seen in (one, other)]
        return one[0].function == other[0].function and shapes[0] == shapes[1]
