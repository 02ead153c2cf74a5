"""The ``[decode]`` tables of a network: its likely family, and what of its keys was seen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.decode import Likelihood, leading, likely
from parity.proposing.lines import Entry, note
from parity.proposing.looking import Model
from parity.suite.families import NMS_FREE, NMS_INSIDE

PRIORS = "priors.npy"

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
    if reading.family in NMS_INSIDE:
        entries.append(note("NMS is inside a model of this family"))
    elif reading.family in NMS_FREE:
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
    without = [one.family in {*NMS_INSIDE, *NMS_FREE} for one in (reading, reference)]
    if without[0] == without[1]:
        return ()
    why = "it is inside the model, or not needed" if without[0] else "assumed"
    return (Entry("nms", "none" if without[0] else "class", why),)


def family_entries(first: Likelihood, model: Model, folder: Path) -> tuple[Entry, ...]:
    """The entries of ``[decode.FAMILY]``; ``folder`` is the suite's."""
    entries = [Entry(key, value, _why(key, value)) for key, value in first.table.items()]
    if first.family == "ssd":
        entries = [*_priors(first, model, folder), *entries]
    return tuple(entries)


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


def _priors(first: Likelihood, model: Model, folder: Path) -> list[Entry]:
    anchors = model.heads[first.outputs["boxes"]].shape[1]
    found = model.path.parent / PRIORS
    if _rows(found) == anchors:
        name = Path(os.path.relpath(found, folder)).as_posix()
        why = f"seen: a file ({anchors}, 4) beside the model; its numbers are not checked"
        entry = Entry("priors", name, why)
    else:
        why = (
            f"TODO: a .npy ({anchors}, 4) of cx, cy, w, h relative to the input, or maps and sizes"
        )
        entry = Entry("priors", PRIORS, why)
    return [entry, Entry("variances", [0.1, 0.2], "assumed, as in the paper; not seen")]


def _rows(path: Path) -> int | None:
    """The rows of a .npy file of shape (A, 4)."""
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError, AttributeError):
        return None
    return int(shape[0]) if len(shape) == 2 and shape[1] == 4 else None
