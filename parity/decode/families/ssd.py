"""SSD: offsets against priors, and scores.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2: an offset (x, y) is
relative to the prior's size, an offset (w, h) is a logarithm of the ratio of sizes; both are
divided by variances when trained and multiplied when decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Family, Size, boxes_role, scores_role
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    Floats,
    Ints,
    Undecoded,
    encoded_boxes_of,
    scores_of,
)
from parity.decode.heads.units import check_raw

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.families import Ssd


_DECODED = "say family = 'boxes-scores'"


def _settings(settings: Decode) -> Ssd:
    assert settings.ssd is not None  # the suite is validated
    return settings.ssd


def _priors(priors: Floats | None) -> Floats:
    if priors is None:
        raise ValueError("expected the priors of an ssd, found nothing")
    return priors


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``boxes`` (1, A, 4) and ``scores`` (1, A, columns), with as many rows as priors."""
    anchors = len(_priors(priors))
    return boxes_role(anchors), scores_role(classes, _settings(settings).background, anchors)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates:
    """The candidates of one image; ``priors`` (A, 4) are cx, cy, w, h relative to the input."""
    ssd, anchors = _settings(settings), _priors(priors)
    offsets = encoded_boxes_of(heads["boxes"], len(anchors))
    check_raw(offsets, anchors[:, :2], "boxes", "offsets against priors", _DECODED)
    scores = scores_of(heads["scores"], len(anchors), classes, ssd.background, ssd.activation)

    def boxes(rows: Ints) -> Floats:
        chosen = np.asarray(offsets[rows], dtype=np.float64)
        return to_xyxy(_decoded(chosen, anchors[rows], ssd), "cxcywh", size)

    return Candidates(Undecoded(len(anchors), boxes), scores)


def _decoded(offsets: Floats, priors: Floats, ssd: Ssd) -> Floats:
    """Boxes as cx, cy, w, h relative to the input. Four variances are ordered as the offsets."""
    one = ssd.variances
    variances = np.array(one if len(one) == 4 else (one[0], one[0], one[1], one[1]))
    with np.errstate(all="ignore"):  # a wild offset gives an infinite box, judged with its score
        scaled = offsets * variances
        if ssd.box_format == "cycxhw":
            scaled = scaled[:, [1, 0, 3, 2]]
        centres = priors[:, :2] + scaled[:, :2] * priors[:, 2:]
        sizes = priors[:, 2:] * np.exp(scaled[:, 2:])
    return np.concatenate([centres, sizes], axis=1)


FAMILY = Family(roles, decode, crossed="see priors and variances")
