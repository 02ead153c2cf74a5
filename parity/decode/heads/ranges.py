"""What values look like that are read in the wrong unit or at the wrong step, and what to say."""

from __future__ import annotations

import numpy as np

from parity.decode.heads.candidates import SCORE_SLACK, Array, DecodeError, Floats
from parity.decode.heads.units import CHANCE, FAR, RELATIVE, Size, odds


def typical(values: Floats) -> float:
    """Median magnitude of the finite values; NaN where there are none or where they are all equal.

    A median, so that single wild boxes of low score, which every detector has, decide nothing. A
    constant head is judged elsewhere.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0 or finite.min() == finite.max():
        return float("nan")
    return float(np.median(np.abs(finite)))


def check_unit(centres: Floats, normalized: bool, size: Size, name: str, other: str = "") -> None:
    """Raise where centres (A, 2) are in pixels but declared relative to the input, or reversed.

    Relative centres lie within 0..1, give or take; that those in pixels of an input of ``size`` do
    is chance, and likely only for few of them, or on a tiny input. A single box may be anywhere:
    of those ``units.Pixels`` keeps count. ``other``: what else pixels may turn out to be that are
    none.
    """
    found = typical(centres)
    words = f"found centres of median {found:.4g}"
    if normalized and found > FAR:
        raise DecodeError(
            f"{name}: expected boxes relative to the input with normalized = true, {words}; "
            f"pixels? say normalized = false"
        )
    with np.errstate(all="ignore"):
        inside = int((np.abs(centres) <= RELATIVE).all(axis=1).sum())
    if not normalized and found <= FAR and odds(inside - 1, size, RELATIVE) < CHANCE:
        raise DecodeError(
            f"{name}: expected boxes in pixels of the input with normalized = false, {words}; "
            f"normalized? say normalized = true{other}"
        )


def check_box_unit(boxes: Floats, box_format: str, normalized: bool, size: Size, name: str) -> None:
    """As ``check_unit``, of boxes (A, 4) in ``box_format``; boxes without area, as padding is, are
    left out. Boxes of which most reach far beyond 1 are pixels, wherever their centres are.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    corners = box_format != "cxcywh"
    with np.errstate(all="ignore"):
        solid = ((high > low) if corners else (high > 0)).all(axis=1)
        centres = (low + high) / 2 if corners else low
        reach = (high if corners else low + high / 2)[solid]
        if not normalized and reach.size and np.median(reach.max(axis=1)) > FAR:
            return
        check_unit(centres[solid], normalized, size, name)


def check_scores(values: Array, activation: str, name: str, missing: str = "sigmoid") -> None:
    """Raise for scores outside 0..1. NaN passes: whether heads are finite is judged elsewhere.

    ``missing``: the activation that logits of the family go through.
    """
    low, high = _extremes(values)
    if not (low < -SCORE_SLACK or high > 1.0 + SCORE_SLACK):
        return
    raise DecodeError(
        f"{name}: expected scores within 0..1 with activation = '{activation}', "
        f"found {low:.6g}..{high:.6g}; logits? say activation = '{missing}'"
    )


def check_logits(values: Array, activation: str, name: str) -> None:
    """Raise for values to be activated that are all within 0..1: logits are not, scores are.

    One value below 0 is that of a logit, however small they all are. A constant head is judged
    elsewhere.
    """
    low, high = _extremes(values)
    if activation == "none" or low == high:
        return
    if low < 0.0 or high > 1.0 + SCORE_SLACK or np.isnan(low):
        return
    raise DecodeError(
        f"{name}: expected logits with activation = '{activation}', found {low:.6g}..{high:.6g}; "
        f"scores already? say activation = 'none'"
    )


def _extremes(values: Array) -> tuple[float, float]:
    """Least and largest, but for NaN; NaN where there is nothing else."""
    if values.size == 0:
        return float("nan"), float("nan")
    with np.errstate(all="ignore"):
        low, high = float(values.min()), float(values.max())  # much faster than nanmin
    if not np.isnan(low):
        return low, high
    rest = values[~np.isnan(values)]
    return _extremes(rest)
