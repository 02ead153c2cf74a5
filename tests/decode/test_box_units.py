"""Boxes in the wrong unit: relative ones read as pixels, pixels read as relative."""

from __future__ import annotations

import numpy as np
import pytest

from parity.decode import DecodeError, decode
from parity.decode.families.boxes_scores import BoxesScores
from parity.decode.heads.ranges import check_logits
from parity.decode.settings import Decode

SIZE = (240, 320)
RELATIVE = np.array([[0.1, 0.2, 0.3, 0.6], [0.4, 0.4, 0.9, 0.8], [0.5, 0.1, 0.7, 0.3]])
PIXELS = RELATIVE * [320, 240, 320, 240]


def read(boxes: np.ndarray, normalized: bool, box_format: str = "xyxy") -> np.ndarray:
    table = BoxesScores(box_format=box_format, normalized=normalized)  # type: ignore[arg-type]
    settings = Decode(family="boxes-scores", score_threshold=0.5, boxes_scores=table)
    heads = {"boxes": boxes[None], "scores": np.full((1, len(boxes), 1), 0.9)}
    return np.asarray(decode(heads, settings, 1, SIZE).boxes)


def refused(boxes: np.ndarray, normalized: bool) -> str:
    with pytest.raises(DecodeError) as caught:
        read(boxes, normalized)
    return str(caught.value)


def test_relative_boxes_declared_in_pixels_are_refused() -> None:
    """Their corners would lie within a pixel wherever the boxes are."""
    assert refused(RELATIVE, False) == (
        "boxes: expected boxes in pixels of the input with normalized = false, found centres of "
        "median 0.5; normalized? say normalized = true"
    )


def test_pixels_declared_relative_are_refused() -> None:
    """They would lie far outside of the image."""
    assert refused(PIXELS, True) == (
        "boxes: expected boxes relative to the input with normalized = true, found centres of "
        "median 120; pixels? say normalized = false"
    )


@pytest.mark.parametrize(("boxes", "normalized"), [(RELATIVE, True), (PIXELS, False)])
def test_rows_of_padding_say_nothing_of_the_unit(boxes: np.ndarray, normalized: bool) -> None:
    """Many zeros behind few boxes; an image without any box is all padding."""
    padded = np.vstack([boxes, np.zeros((50, 4))])
    np.testing.assert_allclose(read(padded, normalized)[:3], PIXELS)
    assert read(np.zeros((50, 4)), normalized).shape == (50, 4)


def test_small_logits_on_both_sides_of_0_are_logits() -> None:
    """A detector that is sure of nothing, as on a grey picture."""
    values = np.array([-0.0087, 0.0138])
    check_logits(values, "softmax", "logits")
    with pytest.raises(DecodeError) as caught:
        check_logits(np.array([0.0, 0.9]), "softmax", "logits")
    assert str(caught.value) == (
        "logits: expected logits with activation = 'softmax', found 0..0.9; scores already? say "
        "activation = 'none'"
    )
