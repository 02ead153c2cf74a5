"""Tables put over tables, key by key: a runtime's over the suite's, a cell's over a runtime's."""

from __future__ import annotations

from typing import Any

from parity.decode.settings import suppresses
from parity.suite.recipe import bases

_KEPT_BY_FUNCTION = ("score_threshold", "score_floor", "nms_iou", "nms", "max_detections", "clip")


def laid(key: str, below: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """The keys of ``preprocess`` or ``decode`` over those below that still apply under them."""
    if key == "preprocess":
        below, override = bases.expanded(below), bases.expanded(override)
        return _overlaid(bases.kept(below, override), override)
    return _overlaid(_kept(below, override), override)


def _kept(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """The keys of ``decode`` below that still apply under another family or function."""
    if "function" in override:
        return {key: value for key, value in base.items() if key in _KEPT_BY_FUNCTION}
    family = override.get("family", base.get("family"))
    if family == base.get("family"):
        return base
    lost = {"score_floor"}  # baked into the other network
    if suppresses(family) != suppresses(base.get("family")):
        lost |= {"nms", "max_detections"}  # each kind of family has its own
    return {
        key: value for key, value in base.items() if key in _KEPT_BY_FUNCTION and key not in lost
    }


def _overlaid(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        below = base.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _overlaid(below, value) if both and below is not None else value
    return merged
