"""Raw heads of two runtimes side by side: what no detection could reveal or would hide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from parity.agreement.findings import Finding
from parity.runtimes.contract import TensorSpec
from parity.tensors import Array, may_hold_nonfinite

Range = tuple[float, float]

_NOISE = 32  # steps by which a quantised value may be off for another reason


@dataclass(frozen=True)
class HeadDifference:
    """How far one head of the candidate is from the reference's; real numbers, float64 sums.

    ``reference_range`` and ``candidate_range``: lowest and highest value on this image. ``step``:
    what the candidate's number format cannot tell apart, or its tolerance does not ask for.
    """

    head: str
    max_abs: float
    rel_l2: float
    reference_range: Range | None = None
    candidate_range: Range | None = None
    step: float = 0.0


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
) -> list[Finding]:
    """Compare heads of the same meaning on one image: one-sided, shape, wrapped around.

    ``specs`` are the candidate's, by head.
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
        found += _wrapped(name, ours, theirs, specs.get(name))
    return found


def constant_heads(images: Iterable[Iterable[HeadDifference]]) -> list[Finding]:
    """Heads with one and the same value on all images, where the reference's vary by over a step.

    All images are looked at together, as a head may well rest on one of them: a score head where
    nothing is to be found.
    """
    ranges: dict[str, list[HeadDifference]] = {}
    for image in images:
        for one in image:
            ranges.setdefault(one.head, []).append(one)
    found = []
    for name, heads in sorted(ranges.items()):
        low, high = _span(one.candidate_range for one in heads)
        least, most = _span(one.reference_range for one in heads)
        step = max(one.step for one in heads)
        if low == high and most - least > step:
            facts = {"head": name, "value": low, "variation": most - least, "step": step}
            found.append(Finding("constant-head", facts))
    return found


def differences(
    reference: Mapping[str, Array],
    candidate: Mapping[str, Array],
    specs: Mapping[str, TensorSpec] | None = None,
    least_step: Mapping[str, float] | None = None,
) -> tuple[HeadDifference, ...]:
    """The distance of every head that both sides have in one shape and finite.

    ``specs`` are the candidate's, by head; ``least_step`` is, by head, what its tolerance does not
    tell apart.
    """
    found = []
    for name in sorted(set(reference) & set(candidate)):
        ours, theirs = reference[name], candidate[name]
        if ours.shape != theirs.shape or not ours.size:
            continue
        here, there = _range(ours), _range(theirs)
        if not np.isfinite((*here, *there)).all():
            continue
        delta = np.subtract(theirs, ours, dtype=np.float64)
        norm, error = _norm(ours), _norm(delta)
        relative = error / norm if norm else (float("inf") if error else 0.0)
        least = (least_step or {}).get(name, 0.0)
        found.append(
            HeadDifference(
                name,
                abs(max(float(delta.max()), -float(delta.min()))),
                relative,
                here,
                there,
                max(least, _step(theirs, (specs or {}).get(name))),
            )
        )
    return tuple(found)


def _range(values: Array) -> Range:
    """The lowest and the highest value: NaN or infinite where one of the values is."""
    return float(values.min()), float(values.max())


def _norm(values: Array) -> float:
    """Root of the sum of squares, in float64."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return float(np.sqrt(np.einsum("i,i->", flat, flat)))


def _step(values: Array, spec: TensorSpec | None) -> float:
    """A quantised head's step; of floats the least normal number: below it, many kernels flush."""
    if spec is not None and spec.quantization is not None:
        return max(map(float, spec.quantization.scale))
    return float(np.finfo(values.dtype).tiny) if values.dtype.kind == "f" else 0.0


def _span(ranges: Iterable[Range | None]) -> Range:
    """From the lowest to the highest value; (inf, -inf) where none is known."""
    known = [one for one in ranges if one is not None]
    lows, highs = [low for low, _ in known], [high for _, high in known]
    return min(lows, default=float("inf")), max(highs, default=float("-inf"))


def _wrapped(name: str, ours: Array, theirs: Array, spec: TensorSpec | None) -> list[Finding]:
    """Quantised values off by 256 steps: read with the wrong sign, or wrapped around.

    Of the values that are more than half the range away, nine of ten (and at least three) must be
    off by 256 steps, give or take ``_NOISE``.
    """
    if spec is None or spec.quantization is None or len(spec.quantization.scale) != 1:
        return []
    if spec.dtype not in ("int8", "uint8"):
        return []
    steps = np.abs(np.subtract(theirs, ours, dtype=np.float64)) / spec.quantization.scale[0]
    far = steps[steps > 128]
    wrapped = int((np.abs(far - 256) <= _NOISE).sum())
    if wrapped < 3 or wrapped < 0.9 * len(far):
        return []
    return [Finding("wrap-around", {"head": name, "count": wrapped, "total": int(theirs.size)})]
