"""Settings that are meant to be other than the reference's: judged as they are deployed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from planting import POINTS, Fault, Planted, codes, surest

MEANT = """
decode = { score_threshold = 0.3, nms_iou = 0.7, max_detections = 12 }
settings = "deliberate"
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The healthy network under other settings, and the same with every score a little lower."""
    faults = {
        "meant": Fault(table=MEANT),
        "lower": Fault(lambda graph: graph.after("scores", "Mul", np.float32(0.97)), table=MEANT),
    }
    suite = Planted(tmp_path_factory.mktemp("deliberate"), faults, images=3)
    yield suite
    suite.close()


def test_deliberate_settings_hold_and_a_note_says_what_they_change(planted: Planted) -> None:
    """The reference is judged as it would be deployed with them, down to the lower threshold."""
    record = planted.judge("meant")
    assert record.verdict == "pass"
    (note,) = [one for one in record.notes if one.startswith("settings = 'deliberate'")]
    changed = sum(one.agreement.deliberate for one in record.images if one.agreement is not None)
    assert changed > 0
    assert f"change {changed} detections of the reference" in note


def test_deliberate_settings_hide_no_fault(planted: Planted) -> None:
    """Scores that are 3 % lower are still scores that differ."""
    record = planted.judge("lower")
    assert record.verdict == "fail"
    assert "score" in codes(record)
    assert "settings" not in codes(record)


def test_a_lost_object_below_the_references_own_threshold_is_found(tmp_path: Path) -> None:
    """What only the candidate's lower threshold deploys is compared too."""
    suite = Planted(tmp_path, {"lost": Fault(table=MEANT)}, images=3)
    image, _, points = surest(suite)
    mask = np.ones((1, POINTS, 1), np.float32)
    mask[0, points] = 0
    suite.faults["lost"] = Fault(lambda graph: graph.after("scores", "Mul", mask), table=MEANT)
    record = suite.judge("lost")
    found = next(one for one in record.images if one.image == image)
    assert "lost" in {one.code for one in found.findings}
    suite.close()
