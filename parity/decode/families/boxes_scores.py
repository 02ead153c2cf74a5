"""Boxes that the network decoded itself, beside scores per class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Family, Size, boxes_role, scores_role
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Candidates, Floats, boxes_of, scores_of
from parity.decode.heads.ranges import check_box_unit

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.families import BoxesScores


def _settings(settings: Decode) -> BoxesScores:
    assert settings.boxes_scores is not None  # the suite is validated
    return settings.boxes_scores


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``boxes`` (1, A, 4) and ``scores`` (1, A, columns)."""
    return boxes_role(), scores_role(classes, _settings(settings).background)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates:
    """The candidates of one image."""
    how = _settings(settings)
    boxes = boxes_of(heads["boxes"])
    check_box_unit(boxes, how.box_format, how.normalized, size, "boxes")
    scores = scores_of(heads["scores"], len(boxes), classes, how.background, how.activation)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        pixels = to_xyxy(boxes, how.box_format, size if how.normalized else None)
    return Candidates(pixels, scores)


FAMILY = Family(roles, decode)
