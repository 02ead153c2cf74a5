"""The preprocessing that is usual for a family, and what of it the input itself shows."""

from __future__ import annotations

from parity.decode.families import family as named
from parity.proposing.lines import Entry
from parity.proposing.looking import Model

_ANY = {"resize": "stretch", "color": "RGB", "range": [0, 1]}  # where nothing is known

_GREY = Entry("color", "grey", "seen: the network takes one channel; its luma is the decoder's")


def recipe_entries(model: Model, family: str | None) -> tuple[Entry, ...]:
    """The entries of ``[preprocess]`` for the network of ``model``."""
    usual = dict((named(family).recipe if family else {}) or _ANY)
    grey = model.color == "grey"
    if grey:  # mean and std are those of three channels
        usual = {k: v for k, v in usual.items() if k not in ("color", "mean", "std")}
    seen = _seen_range(model)
    if seen is not None:
        usual = {k: v for k, v in usual.items() if k not in ("range", "mean", "std")}
    if seen is not None and model.resizes:
        why = "assumed: the input takes whole pixels of any size, so that the model resizes them"
        color = _GREY if grey else Entry("color", "RGB", "assumed; not seen")
        return Entry("resize", "none", why), color, seen
    whose = f"assumed, as is usual for {family}; not seen" if family else "assumed; not seen"
    entries = [Entry("size", list(model.size), f"height, width; {model.size_why}")]
    entries += [
        Entry(key, value, whose) for key, value in usual.items() if key in ("resize", "pad")
    ]
    entries.append(Entry("kernel", "opencv:linear", "assumed; not seen"))
    entries += [
        Entry(key, value, whose) for key, value in usual.items() if key not in ("resize", "pad")
    ]
    if grey:
        entries.append(_GREY)
    if seen is not None:
        entries.append(seen)
    return tuple(entries)


def _seen_range(model: Model) -> Entry | None:
    """The range that integers at the input stand for, where it is one of the usual ones."""
    low, high = model.values
    spec = model.input
    if not spec.dtype.startswith(("int", "uint")):
        return None
    if spec.quantization is None:
        return Entry("range", [0, 255], f"seen: the input takes {spec.dtype} as they are")
    why = f"seen: the input is {spec.dtype}, its scale and zero point cover {low:.4g}..{high:.4g}"
    for usual in ((0, 1), (-1, 1), (0, 255)):
        slack = 0.02 * (usual[1] - usual[0])
        if abs(low - usual[0]) < slack and abs(high - usual[1]) < slack:
            return Entry("range", list(usual), why)
    return None
