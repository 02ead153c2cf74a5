"""What two runtimes were fed: how far one prepared image is from the other, before any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.tensors import Array

Shape = tuple[int, ...]

STEPS = 255.0  # of a pixel, 0..255


@dataclass(frozen=True)
class InputDifference:
    """One image as the candidate is fed it beside the reference's; None where shapes are unequal.

    ``max_abs`` and ``mean_abs`` are in the reference's units, ``max_share`` and ``mean_share`` of
    its value range, ``differing`` is the share of pixels of which any channel differs. Values that
    are not finite are counted in ``nonfinite``, where the sides differ in them, and in nothing else
    but ``differing``.
    """

    reference_shape: Shape
    candidate_shape: Shape
    max_abs: float | None = None
    mean_abs: float | None = None
    max_share: float | None = None
    mean_share: float | None = None
    differing: float | None = None
    nonfinite: int = 0

    @property
    def same(self) -> bool:
        """Whether both are fed the same."""
        return self.differing == 0.0


@dataclass(frozen=True)
class InputsDiffer:
    """The inputs of one runtime over all compared images.

    ``differ`` of ``images`` are not the reference's, ``resized`` of them in shape. Largest values
    are of the worst image, means over the images of equal shape.
    """

    images: int
    differ: int
    resized: int
    mean_abs: float | None
    mean_share: float | None
    worst_image: str
    worst: InputDifference


def input_difference(
    reference: Array, candidate: Array, spans: Sequence[float] | None
) -> InputDifference:
    """Compare two canvases, (H, W, 3) or grey (H, W, 1), or a whole batch of one in either layout.

    ``spans``: the width of the reference's value range, one a channel or one for all; None where
    it is not declared, which takes that of the tensor.
    """
    ours, theirs = _as_image(reference), _as_image(candidate)
    shapes = (tuple(reference.shape), tuple(candidate.shape))
    if ours.shape != theirs.shape:
        return InputDifference(*shapes)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    odd = ~(np.isfinite(a) & np.isfinite(b))
    apart = odd & ~((a == b) | (np.isnan(a) & np.isnan(b)))
    with np.errstate(invalid="ignore"):
        delta = np.where(odd, 0.0, np.abs(a - b))
    shares = delta / _widths(a, spans)
    pixels = ((delta > 0) | apart).any(axis=-1)
    return InputDifference(
        *shapes,
        max_abs=float(delta.max(initial=0.0)),
        mean_abs=float(delta.mean()),
        max_share=float(shares.max(initial=0.0)),
        mean_share=float(shares.mean()),
        differing=float(pixels.mean()),
        nonfinite=int(apart.sum()),
    )


def inputs_differ(found: Mapping[str, InputDifference]) -> InputsDiffer | None:
    """Put the images of one runtime together; None where none was compared."""
    if not found:
        return None
    worst = max(found, key=lambda image: _badness(found[image]))
    alike = [one for one in found.values() if one.mean_abs is not None]
    return InputsDiffer(
        images=len(found),
        differ=sum(not one.same for one in found.values()),
        resized=len(found) - len(alike),
        mean_abs=float(np.mean([one.mean_abs or 0.0 for one in alike])) if alike else None,
        mean_share=float(np.mean([one.mean_share or 0.0 for one in alike])) if alike else None,
        worst_image=worst,
        worst=found[worst],
    )


def _badness(one: InputDifference) -> tuple[bool, int, float, float]:
    return one.max_share is None, one.nonfinite, one.max_share or 0.0, one.mean_share or 0.0


def _as_image(canvas: Array) -> Array:
    """(H, W, C) of a batch of one whose one or three channels stand in one place only."""
    if canvas.ndim == 4 and canvas.shape[0] == 1:
        image: Array = canvas[0]
        planar = canvas.shape[1] in (1, 3) and canvas.shape[3] not in (1, 3)
        return image.transpose(1, 2, 0) if planar else image
    return canvas


def _widths(reference: Array, spans: Sequence[float] | None) -> Array:
    if spans is not None and len(spans) in (1, reference.shape[-1]):
        return np.array(spans, dtype=np.float64)
    values = reference[np.isfinite(reference)]
    width = float(np.ptp(values)) if values.size else 0.0
    return np.array(width or 1.0)
