"""The ``[decode]`` tables of a network: its likely family, and what of its keys was seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.decode import Likelihood, leading, likely
from parity.decode.families import family as named
from parity.decode.settings import suppresses
from parity.proposing.lines import Entry, note
from parity.proposing.looking import Model

_WHY = {
    "activation": "seen: the range of the scores",
    "background": "column of no class; assumed from the number and the sums of the columns",
    "columns": "seen: how many; their order as far as rows were found, but for x or y",
    "box_format": "seen: sizes or corners that fit; xyxy and yxyx look the same",
    "heads": "seen: the shapes",
    "layout": "seen: the shapes",
    "normalized": "seen: the range of the boxes",
    "stride": "seen: pixels of the input for each cell",
}


@dataclass(frozen=True)
class Reading:
    """How the heads of one network are read: the likely families, the first of them in use."""

    ranking: tuple[Likelihood, ...]

    @property
    def first(self) -> Likelihood | None:
        """The likeliest family, None where the heads are of none that is known."""
        return self.ranking[0] if self.ranking else None

    @property
    def family(self) -> str | None:
        """Its name."""
        return self.first.family if self.first else None

    @property
    def sure(self) -> bool:
        """Whether enough speaks for it, and clearly more than for the next."""
        return leading(self.ranking) is not None


def read(model: Model, classes: int | None) -> Reading:
    """The likely families of a network; ``classes`` where somebody has said how many there are."""
    return Reading(likely(model.heads, classes, model.size))


def as_reference(reading: Reading, reference: Reading) -> Reading:
    """The reading of a candidate: the reference's family where its own is not clearly another."""
    same = tuple(one for one in reading.ranking if one.family == reference.family)
    return reading if reading.sure or not same else Reading(same)


def decode_entries(reading: Reading) -> tuple[Entry, ...]:
    """The entries of ``[decode]``, the reasons first."""
    why = "TODO: the heads look like no family that is known"
    unknown = (Entry("function", "module:function", why),)
    family = unknown if reading.first is None else reading_entries(reading)
    entries = [*family, Entry("score_threshold", 0.5, "assumed")]
    if suppresses(reading.family) == "inside":
        entries.append(note("NMS is inside a model of this family"))
    elif suppresses(reading.family) == "nowhere":
        entries.append(note("a model of this family needs no NMS"))
    else:
        entries += [
            Entry("nms_iou", 0.45, "assumed"),
            Entry("nms", "class", "assumed"),
            Entry("max_detections", 100, "assumed"),
        ]
    return tuple(entries)


def reading_entries(reading: Reading) -> tuple[Entry, ...]:
    """What was seen, and the family."""
    first, *others = reading.ranking
    entries = [note(f"seen: {reason}") for reason in first.reasons]
    if others:
        weights = ", ".join(f"{one.family} {one.weight:.2f}" for one in others[:3])
        entries.append(note(f"evidence 0..1: {first.family} {first.weight:.2f}, then {weights}"))
    doubt = "" if reading.sure else "TODO: check this, not enough speaks for it; "
    return (*entries, Entry("family", first.family, f"{doubt}what the heads look like"))


def nms_entries(reading: Reading, reference: Reading) -> tuple[Entry, ...]:
    """The NMS of a candidate, where its family has another than the reference's."""
    without = [suppresses(one.family) != "decoding" for one in (reading, reference)]
    if without[0] == without[1]:
        return ()
    why = "it is inside the model, or not needed" if without[0] else "assumed"
    return (Entry("nms", "none" if without[0] else "class", why),)


def family_entries(first: Likelihood, model: Model, folder: Path) -> tuple[Entry, ...]:
    """The entries of ``[decode.FAMILY]``; ``folder`` is the suite's."""
    entries = [Entry(key, value, _why(key, value)) for key, value in first.table.items()]
    suggest = named(first.family).suggest
    if suggest is None:
        return tuple(entries)
    heads = {role: model.heads[name] for role, name in first.outputs.items()}
    suggested = suggest(heads, model.path, folder)
    return (*(Entry(one.key, one.value, one.why) for one in suggested), *entries)


def _why(key: str, value: Any) -> str:
    """How a value came about; one picture need not show every class, but may show that one is 0."""
    if key == "first_class":
        return "seen: class 0" if value == 0 else "assumed: class 0 was not seen on this picture"
    return _WHY.get(key, "seen")


def differing(first: Likelihood, reference: Likelihood) -> dict[str, Any]:
    """Keys of the family's table that this network needs otherwise than the reference."""
    return {
        key: value
        for key, value in first.table.items()
        if key != "background" and reference.table.get(key, value) != value
    }


def outputs_of(first: Likelihood, model: Model) -> dict[str, str] | None:
    """``outputs = { ... }`` where shapes alone would leave a choice between outputs."""
    bound = dict(first.outputs)
    if not bound or len(model.heads) == 1:
        return None
    shapes = [tuple(model.heads[name].shape) for name in bound.values()]
    clear = len(bound) == len(model.heads) and len(set(shapes)) == len(shapes)
    return None if clear else bound
