"""What of the suite's ``[decode]`` still holds for a runtime of another family."""

import pytest

from parity.suite.merging import laid

SUITE = {
    "family": "yolov8",
    "score_threshold": 0.5,
    "score_floor": 0.4,
    "nms": "class",
    "nms_iou": 0.5,
    "max_detections": 20,
}


@pytest.mark.parametrize("family", ["yolo-end2end", "tf-od-api", "detr"])
def test_a_family_that_suppresses_elsewhere_has_limits_of_its_own(family: str) -> None:
    """Else the suite's max_detections would cut what the network gives, unseen."""
    found = laid("decode", SUITE, {"family": family})
    assert found == {"family": family, "score_threshold": 0.5, "nms_iou": 0.5}


def test_a_family_of_the_same_kind_keeps_the_limits_of_nms() -> None:
    """Both suppress in decoding; the floor was baked into the other network."""
    kept = {key: value for key, value in SUITE.items() if key != "score_floor"}
    assert laid("decode", SUITE, {"family": "yolov5"}) == kept | {"family": "yolov5"}


def test_what_the_runtime_says_itself_holds() -> None:
    """Whatever the family."""
    found = laid("decode", SUITE, {"family": "yolo-end2end", "max_detections": 7})
    assert found["max_detections"] == 7


def test_a_network_without_nms_does_not_hand_its_none_to_a_family_that_needs_one() -> None:
    """nms = "none" of a DETR says nothing of a YOLO."""
    found = laid("decode", {"family": "detr", "nms": "none"}, {"family": "yolov8"})
    assert "nms" not in found
