"""How far boxes in one unit reach, and raw offsets that are decoded boxes already."""

from __future__ import annotations

import numpy as np

from parity.decode.heads.candidates import Array, DecodeError, Floats

Size = tuple[int, int]

RELATIVE = 1.05  # as far as relative boxes reach, give or take a step of quantisation
FAR = 2.0  # and as far as hardly any of them does
CHANCE = 1e-4  # of refusing boxes that are in pixels: a tenth of one false alarm in a thousand
_ANCHORS = 64  # anchors that show whether boxes follow them
_FOLLOWS = 0.8  # correlation: raw offsets of real detectors had up to .32, decoded boxes from .98


def odds(count: int, size: Size, bound: float) -> float:
    """The chance that ``count`` points anywhere in a frame all lie within ``bound`` of its corner.

    ``size`` is (height, width). On a frame of a few pixels that says nothing: it is 1.
    """
    height, width = size
    return float((min(1.0, bound / width) * min(1.0, bound / height)) ** max(count, 0))


def check_raw(values: Array, anchors: Floats, name: str, expected: str, remedy: str) -> None:
    """Raise where raw offsets (A, 4) lie where their anchors (A, 2) do: these are decoded boxes.

    Relative or in pixels, in either order of x and y. Offsets are from the anchor, and so do not
    follow it.
    """
    if len(anchors) < _ANCHORS:
        return
    step = max(1, len(anchors) // 1024)
    points, places = np.asarray(values[::step, :2], np.float64), anchors[::step]
    both = np.concatenate([points, places], axis=1).T
    if not np.isfinite(both).all():
        return
    centred = both - both.mean(axis=1, keepdims=True)
    products = centred @ centred.T
    lengths = np.sqrt(products.diagonal())
    if not lengths.all():
        return
    found = (products / np.outer(lengths, lengths))[:2, 2:]
    follows = max(min(found[0, 0], found[1, 1]), min(found[0, 1], found[1, 0]))
    if follows > _FOLLOWS:
        raise DecodeError(
            f"{name}: expected {expected}, found boxes that lie where their anchors do (a "
            f"correlation of {follows:.3f}): decoded already? {remedy}"
        )
