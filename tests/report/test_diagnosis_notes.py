"""Notes, hints and causes: what is said beside a verdict, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report_records import CLASSES, image, lost, pair, runtime

from parity.agreement import InputDifference
from parity.diagnosis import hints, scale_note, settings_notes
from parity.record import Failure, ImageRecord
from parity.report.messages.inputs import input_text
from parity.suite import load
from tests.support.suites import runtime as runtime_table
from tests.support.suites import small_suite, toml


def notes(folder: Path, more: str) -> tuple[str, ...]:
    a, b = (runtime_table("onnxruntime", f"{name}.onnx") for name in "ab")
    small_suite(
        folder,
        {"a": a, "b": toml(b) + more},
        images={"1.png": b""},
        decode={"family": "yolov8", "score_threshold": 0.5, "nms_iou": 0.5},
    )
    suite = load(folder)
    return settings_notes(suite, suite.runtimes["b"])


def test_an_overlap_that_is_never_used_is_no_note(tmp_path: Path) -> None:
    """Without NMS there is none; that NMS differs is said."""
    assert notes(tmp_path, 'decode = { nms = "none", nms_iou = 0.9 }') == (
        "decode.nms is declared as 'none', the reference a has 'class'",
    )


def test_a_kernel_that_is_never_used_is_no_note(tmp_path: Path) -> None:
    """One side does not resize: that is said, and nothing of kernels."""
    found = notes(tmp_path, 'preprocess = { resize = "none", kernel = "pillow:bilinear" }')
    assert found == ("preprocess.resize is declared as 'none', the reference a has 'stretch'",)


def capped(name: str, kept: int, gone: int) -> ImageRecord:
    return image(name, *[pair() for _ in range(kept)], *[lost(0.6) for _ in range(gone)])


def test_a_side_that_stops_at_one_number_is_told() -> None:
    """On every image where the other goes on."""
    record = runtime("onnx", capped("1", 4, 3), capped("2", 4, 1), capped("3", 2, 0))
    assert (
        "the candidate never has more than 4 detections, on 2 images where the reference has up to "
        "7: its max_detections?"
    ) in hints(record, CLASSES)


def test_a_side_that_loses_some_on_a_smaller_image_has_no_limit() -> None:
    """Two of its counts are below what the other found."""
    record = runtime("onnx", capped("1", 4, 3), capped("2", 3, 1))
    assert not any("max_detections" in one for one in hints(record, CLASSES))


def test_inputs_on_another_scale_are_told_as_that() -> None:
    """Steps of a pixel mean nothing beyond the range."""
    shape = (8, 8, 3)
    fed = InputDifference(shape, shape, 254.0, 100.0, 254.0, 100.0, 1.0)
    one = ImageRecord("1.png", "fail", inputs=fed)
    assert input_text(one, ("preprocess.range",)) == (
        "the input differs, as preprocess.range is declared otherwise: the same pixels on another "
        "scale, by up to 254 (254 times the range of the reference), by 100 (100 times the range "
        "of the reference) in the mean, where 100 % of the pixels differ"
    )


@pytest.mark.parametrize(
    ("kind", "more", "same"),
    [
        ("HeadsError", "more", True),
        ("NotJudged", "on this image they are", True),
        ("ImageError", "more", False),
    ],
)
def test_errors_of_heads_that_differ_in_numbers_only_have_one_cause(
    kind: str, more: str, same: bool
) -> None:
    """Images are told apart by numbers too."""
    first, second = (
        Failure(kind, f"b: expected pixels, found centres of median {number}\n{more}", 3)
        for number in ("0.5085", "1e-05")
    )
    assert (first.likeness == second.likeness) is same


def test_boxes_that_only_one_side_clips_are_told() -> None:
    """torchvision cuts them at the edges of the image, YOLO exports and TFLite's op do not."""
    free = {"reference_box": (-20.0, 5.0, 60.0, 60.0), "box_within": False}
    one = image("1.png", pair(candidate_box=(0.0, 5.0, 60.0, 60.0), iou=0.75, **free), pair())
    record = runtime("onnx", replace(one, size=(100, 100)))
    assert (
        "1 of 1 boxes beyond their limit agree once they are clipped to the image, as those of the "
        "candidate are: say in decode of the reference clip = 'before-nms', as torchvision does, "
        "or 'after-nms'"
    ) in hints(record, CLASSES)


def test_boxes_that_differ_within_the_image_are_not_told_as_clipped() -> None:
    """They differ after all."""
    moved = {"candidate_box": (0.0, 25.0, 60.0, 60.0), "box_within": False, "iou": 0.7}
    record = runtime("onnx", replace(image("1.png", pair(**moved)), size=(100, 100)))
    assert not any("clipped" in one for one in hints(record, CLASSES))


def test_boxes_far_outside_of_their_image_are_warned_of() -> None:
    """All runtimes agree, and all may be wrong."""
    far = replace(image("1.png", pair(reference_box=(900.0, 0.0, 950.0, 9.0))), size=(100, 100))
    assert scale_note("a", [runtime("b", far)]) == (
        "warning: 1 of 1 boxes of the reference a lie outside of their image or have more than 4 "
        "times its area; every runtime is decoded like that: see normalized and box_format of "
        "[decode], and size of [preprocess]"
    )


def test_two_classes_that_are_exchanged_are_named() -> None:
    """All pairs of two classes are found as each other; a third one is right."""
    swapped = [pair(candidate_class=1) for _ in range(3)]
    swapped += [pair(reference_class=1, candidate_class=0) for _ in range(2)]
    right = [pair(reference_class=2, candidate_class=2) for _ in range(9)]
    assert hints(runtime("onnx", image("a.png", *swapped, *right)), CLASSES) == (
        "on 5 of 14 pairs classes are exchanged (bolt as nut, nut as bolt): are they listed in "
        "another order there?",
    )


def test_single_confusions_are_no_exchange() -> None:
    """Most of a class, and the other way round as well."""
    some = [pair(candidate_class=1), pair(candidate_class=1), pair(), pair()]
    one_way = [pair(reference_class=2, candidate_class=1), pair()] * 4
    for rows in (some, one_way):
        assert hints(runtime("onnx", image("a.png", *rows)), CLASSES) == ()
