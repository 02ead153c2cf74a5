"""Raw heads of two runtimes side by side: what no detection could reveal or would hide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.agreement.findings import Finding
from parity.runtimes.contract import TensorSpec
from parity.tensors import may_hold_nonfinite

Array = np.ndarray[Any, Any]

_NOISE = 32  # steps by which a quantised value may be off for another reason


@dataclass(frozen=True)
class HeadDifference:
    """How far one head of the candidate is from the reference's; real numbers, float64 sums."""

    head: str
    max_abs: float
    rel_l2: float


def nonfinite(heads: Mapping[str, Array], side: str) -> list[Finding]:
    """Heads that hold NaN or infinity: never compared, never coerced."""
    found = []
    for name, array in heads.items():
        if array.dtype.kind != "f" or not may_hold_nonfinite(array):
            continue
        bad = ~np.isfinite(array)
        count = int(bad.sum())
        if count:
            facts = {"head": name, "side": side, "count": count, "total": int(array.size)}
            found.append(Finding("nonfinite", facts | {"nan": int(np.isnan(array).sum())}))
    return found


def check_heads(
    reference: Mapping[str, Array],
    candidate: Mapping[str, Array],
    specs: Mapping[str, TensorSpec],
    least_step: Mapping[str, float],
) -> list[Finding]:
    """Compare heads of the same meaning: one-sided, shape, constant, wrapped around.

    ``specs`` are the candidate's, by head. ``least_step`` is, by head, the variation of the
    reference that a candidate may flatten, whatever its own quantisation step is.
    """
    found = []
    for name in sorted(set(reference) ^ set(candidate)):
        side = "reference" if name in reference else "candidate"
        found.append(Finding("one-sided", {"head": name, "side": side}))
    for name in sorted(set(reference) & set(candidate)):
        ours, theirs = reference[name], candidate[name]
        if ours.shape != theirs.shape:
            facts = {"head": name, "reference": list(ours.shape), "candidate": list(theirs.shape)}
            found.append(Finding("shape", facts))
            continue
        found += _constant(name, ours, theirs, specs.get(name), least_step.get(name, 0.0))
        found += _wrapped(name, ours, theirs, specs.get(name))
    return found


def differences(
    reference: Mapping[str, Array], candidate: Mapping[str, Array]
) -> tuple[HeadDifference, ...]:
    """The distance of every head that both sides have in one shape and finite."""
    found = []
    for name in sorted(set(reference) & set(candidate)):
        ours, theirs = reference[name], candidate[name]
        if ours.shape != theirs.shape or not ours.size:
            continue
        if nonfinite({"": ours, " ": theirs}, ""):
            continue
        delta = np.subtract(theirs, ours, dtype=np.float64)
        norm, error = _norm(ours), _norm(delta)
        relative = error / norm if norm else (float("inf") if error else 0.0)
        found.append(HeadDifference(name, float(np.abs(delta).max()), relative))
    return tuple(found)


def _norm(values: Array) -> float:
    """Root of the sum of squares, in float64."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return float(np.sqrt(np.einsum("i,i->", flat, flat)))


def _constant(
    name: str, ours: Array, theirs: Array, spec: TensorSpec | None, least_step: float
) -> list[Finding]:
    """A head with one value where the reference varies by more than one quantisation step."""
    if not theirs.size or theirs.min() != theirs.max():
        return []
    quantization = spec.quantization if spec is not None else None
    step = max(least_step, *quantization.scale) if quantization is not None else least_step
    variation = float(ours.max()) - float(ours.min())
    if not variation > step:
        return []
    facts = {"head": name, "value": float(theirs.flat[0]), "variation": variation, "step": step}
    return [Finding("constant-head", facts)]


def _wrapped(name: str, ours: Array, theirs: Array, spec: TensorSpec | None) -> list[Finding]:
    """Quantised values off by 256 steps: read with the wrong sign, or wrapped around.

    Of the values that are more than half the range away, nine of ten (and at least three) must be
    off by 256 steps, give or take ``_NOISE``.
    """
    if spec is None or spec.quantization is None or len(spec.quantization.scale) != 1:
        return []
    if spec.dtype not in ("int8", "uint8"):
        return []
    steps = (theirs.astype(np.float64) - ours.astype(np.float64)) / spec.quantization.scale[0]
    far = np.abs(steps[np.abs(steps) > 128])
    wrapped = int((np.abs(far - 256) <= _NOISE).sum())
    if wrapped < 3 or wrapped < 0.9 * len(far):
        return []
    return [Finding("wrap-around", {"head": name, "count": wrapped, "total": int(theirs.size)})]
