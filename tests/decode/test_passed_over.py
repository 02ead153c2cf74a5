"""What a family's choice passes over is shown beside what it chooses, with its row and score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.boxes import Placement
from parity.decode import decode, to_side
from parity.decode.families.centernet import CenterNet
from parity.decode.families.detr import Detr
from parity.decode.families.yolov5 import YoloV5
from parity.decode.families.yolov8 import YoloV8
from parity.decode.settings import Decode
from parity.detections import ProposalSet, Side

SIZE = (64, 96)
BOX = [30.0, 20.0, 10.0, 8.0]


def side(family: str, heads: dict[str, Any], classes: int = 3, floor: float = 0.3) -> Side:
    """Heads of one image, decoded by a family's own rules."""
    tables = {
        "yolov5": YoloV5(),
        "yolov8": YoloV8(),
        "detr": Detr(activation="none"),
        "centernet": CenterNet(),
    }
    settings = Decode(family=family, score_threshold=0.4, **{family: tables[family]})
    given = {name: np.array(head, dtype=np.float32)[None] for name, head in heads.items()}
    return to_side(decode(given, settings, classes, SIZE), settings, floor, Placement())


def shown(found: Side) -> ProposalSet:
    assert found.proposals is not None
    return found.proposals


def scored(found: Side) -> dict[tuple[int, int], float]:
    """The score of each proposal, by row and class."""
    every = shown(found)
    keys = zip(every.rows.tolist(), every.found.classes.tolist(), strict=True)
    return dict(zip(keys, np.round(every.found.scores, 6).tolist(), strict=True))


EXPECTED = {(0, 1): 0.8, (0, 2): 0.7, (1, 0): 0.5}  # 0.2 lies below the floor
ROWS = [[0.2, 0.8, 0.7], [0.5, 0.1, 0.2]]
HEADS: dict[str, dict[str, Any]] = {
    "yolov8": {"predictions": np.array([[*BOX, *row] for row in ROWS]).T},
    "yolov5": {"predictions": [[*BOX, 0.8, 0.2, 1.0, 0.875], [*BOX, 0.5, 1.0, 0.1, 0.2]]},
    "detr": {
        "boxes": [[0.5, 0.5, 0.1, 0.2], [0.2, 0.2, 0.1, 0.1]],
        "logits": [[0.2, 0.8, 0.7, 0.0], [0.5, 0.1, 0.2, 0.0]],
    },
}


@pytest.mark.parametrize("family", list(HEADS))
def test_other_classes_of_a_box_are_shown_and_not_deployed(family: str) -> None:
    """Down to the floor, times the objectness where there is one."""
    found = side(family, HEADS[family])
    assert scored(found) == pytest.approx(EXPECTED)
    assert sorted(found.seen.classes.tolist()) == [0, 1]
    assert (shown(found).row_count, len(found.removed.detections)) == (2, 0)


def heatmap(**cells: float) -> dict[str, Any]:
    """Maps of 16 x 24 cells, with scores at cells that are named y_x."""
    heat = np.zeros((1, 16, 24))
    for place, score in cells.items():
        y, x = map(int, place[1:].split("_"))
        heat[0, y, x] = score
    return {"heatmap": heat, "size": np.full((2, 16, 24), 3.0), "offset": np.zeros((2, 16, 24))}


def test_cells_beside_a_peak_are_shown_and_not_deployed() -> None:
    """Each with its own box, and its cell as row, so that cells correspond on both sides."""
    found = side("centernet", heatmap(c2_3=0.8, c2_4=0.7, c9_9=0.6, c12_1=0.2), classes=1)
    assert scored(found) == pytest.approx({(51, 0): 0.8, (52, 0): 0.7, (225, 0): 0.6})
    assert found.seen.scores.tolist() == pytest.approx([0.8, 0.6])
    assert shown(found).width == 24
    moved = shown(found).found.boxes[shown(found).rows == 52][0]
    assert moved.tolist() == [10, 2, 22, 14]


def test_a_size_that_nobody_trained_beside_a_peak_is_no_error() -> None:
    """A cell that is no peak may say anything of its size, as long as nobody deploys it."""
    heads = heatmap(c2_3=0.8, c2_4=0.7)
    heads["size"][:, 2, 4] = -5.0, np.inf
    found = side("centernet", heads, classes=1)
    assert found.seen.scores.tolist() == pytest.approx([0.8])
    assert set(scored(found)) == {(51, 0), (52, 0)}
