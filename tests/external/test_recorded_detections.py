"""Detections that another program wrote: nothing is decoded, and nothing is assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from external_suites import (
    IMAGES,
    as_archives,
    as_one_archive,
    detections,
    image,
    judged,
    reasons,
    runtime,
    write_suite,
)
from numpy.testing import assert_allclose

from parity.errors import SuiteError
from parity.suite import load

PHONE = """
[runtimes.phone]
kind = "recorded"
model = "phone"
decode = {{ family = "detections"{} }}
"""
FLOOR = ", score_floor = 0.2"
DUMP = {one: detections(one) for one in IMAGES}


def phone(
    folder: Path, dump: dict[str, Any] | None = None, floor: str = FLOOR, **suite: Any
) -> Path:
    """A suite beside the detections that a phone wrote."""
    write_suite(folder, PHONE.format(floor), **suite)
    as_archives(folder / "phone", DUMP if dump is None else dump)
    return folder


def changed(name: str, values: Any) -> dict[str, Any]:
    """The dump with one array of the first image replaced."""
    return {**DUMP, IMAGES[0]: {**DUMP[IMAGES[0]], name: np.asarray(values)}}


def test_detections_agree_in_pixels_of_the_original_image(tmp_path: Path) -> None:
    """They are compared with the decoded ones of the reference, corner by corner."""
    found = judged(phone(tmp_path))
    assert runtime(found, "phone").verdict == "pass"
    agreement = image(found, "phone").agreement
    assert agreement is not None
    assert [(row.candidate_class, row.corner) for row in agreement.rows] == [(0, 0.0), (1, 0.0)]
    assert_allclose(agreement.rows[0].candidate_box, [8, 6, 28, 18])


def test_a_letterbox_moves_nothing(tmp_path: Path) -> None:
    """Boxes of the original image need no placement, whatever the input looks like."""
    scale = {
        one: max(size) / 32 for one, size in {IMAGES[0]: (48, 64), IMAGES[1]: (30, 40)}.items()
    }
    offset = {IMAGES[0]: [0, 4, 0, 4], IMAGES[1]: [0, 4, 0, 4]}  # grey rows above
    dump = {}
    for one in IMAGES:
        boxes = np.array([[4, 4, 14, 12], [16, 10, 28, 26]], np.float32)[: len(DUMP[one]["boxes"])]
        dump[one] = {**DUMP[one], "boxes": (boxes - offset[one]) * scale[one]}
    found = judged(phone(tmp_path, dump, preprocess='resize = "letterbox"'))
    assert runtime(found, "phone").verdict == "pass"


def test_the_suites_own_nms_and_family_do_not_count(tmp_path: Path) -> None:
    """What the program kept is kept, also one box twice; the report says whose NMS it was."""
    suite = phone(tmp_path)
    assert load(suite).runtimes["phone"].decode.nms_label.startswith("inside the model")
    double = {name: np.concatenate([one, one[:1]]) for name, one in DUMP[IMAGES[0]].items()}
    found = judged(phone(tmp_path / "double", {**DUMP, IMAGES[0]: double}))
    assert [one.code for one in image(found, "phone").findings] == ["extra"]


def test_the_lowest_score_must_be_said(tmp_path: Path) -> None:
    """What is not in the file was not seen, or not written: only its author knows."""
    with pytest.raises(SuiteError) as caught:
        load(phone(tmp_path, floor=""))
    assert caught.value.problems == (
        "runtimes.phone.decode.score_floor: expected the score down to which the program wrote "
        "its detections, as family = 'detections', found nothing",
    )


def test_a_score_below_the_one_that_was_said(tmp_path: Path) -> None:
    """Then the suite is wrong about the dump, and the message says which number to correct."""
    found = judged(phone(tmp_path, changed("scores", [0.9, 0.1])))
    assert reasons(found, "phone")[0] == (
        "phone: scores: expected none below score_floor = 0.2, found 1 of 2, down to 0.1: "
        "say the score down to which the program wrote its detections"
    )


def test_float32_scores_at_the_floor_are_not_below_it(tmp_path: Path) -> None:
    """0.7 in float32 is a little less than 0.7."""
    dump = changed("scores", np.float32([0.9, 0.7]))
    found = judged(phone(tmp_path, dump, floor=", score_floor = 0.7, score_threshold = 0.7"))
    assert image(found, "phone").failure is None


def test_what_a_baked_in_threshold_hides_is_unjudgeable(tmp_path: Path) -> None:
    """A detection a hair above the threshold has no partner below it in the file: not lost."""
    suite = phone(tmp_path, floor=", score_floor = 0.5")
    network = tmp_path / "network.py"
    network.write_text(network.read_text().replace("[0.0, 0.8]", "[0.0, 0.5003]"))
    as_archives(tmp_path / "phone", {one: _only_best(one) for one in IMAGES})
    agreement = image(judged(suite), "phone").agreement
    assert agreement is not None
    assert [(row.kind, row.reason) for row in agreement.rows] == [
        ("pair", ""),
        ("lost", "unjudgeable"),
    ]


def _only_best(one: str) -> dict[str, np.ndarray]:
    return {name: array[:1] for name, array in DUMP[one].items()}


def test_nothing_found_is_a_result(tmp_path: Path) -> None:
    """Empty arrays are an answer; where the reference is sure of something, they are a fail."""
    none = {"boxes": np.zeros((0, 4)), "scores": np.zeros(0), "classes": np.zeros(0, np.int64)}
    found = image(judged(phone(tmp_path, {**DUMP, IMAGES[0]: none})), "phone")
    assert [one.code for one in found.findings] == ["lost", "empty"]


def test_boxes_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    """x2 before x1 is no box; the likely misreadings are named."""
    found = judged(phone(tmp_path, changed("boxes", [[28, 6, 8, 18], [32, 15, 56, 39]])))
    assert reasons(found, "phone")[0] == (
        "phone: boxes: expected x1 <= x2 and y1 <= y2, found 1 of 2 boxes that are not; "
        "the first has score 0.9: [28.0, 6.0, 8.0, 18.0]; "
        "are they x, y, width, height, or y1, x1, y2, x2?"
    )


def test_nan_fails_by_name(tmp_path: Path) -> None:
    """A box that is not a number is never dropped."""
    found = judged(phone(tmp_path, changed("boxes", [[8, 6, np.nan, 18], [32, 15, 56, 39]])))
    assert [one.code for one in image(found, "phone").findings] == ["nonfinite"]


def test_classes_that_the_suite_does_not_have(tmp_path: Path) -> None:
    """Numbers from 1 on are not guessed to be shifted: the message says the key to say it with."""
    found = judged(phone(tmp_path, changed("classes", [1, 2])))
    assert reasons(found, "phone")[0] == (
        "phone: classes: expected ids 0..1, as first_class = 0 and there are 2 classes, "
        "found 1, 2; say first_class = 1"
    )


def test_the_first_class_can_be_said(tmp_path: Path) -> None:
    """A program that counts classes from 1 agrees once the suite says so."""
    dump = {one: {**DUMP[one], "classes": DUMP[one]["classes"] + 1} for one in IMAGES}
    found = judged(phone(tmp_path, dump, floor=FLOOR + ", detections = { first_class = 1 }"))
    assert runtime(found, "phone").verdict == "pass"


def test_unequal_lengths_are_refused(tmp_path: Path) -> None:
    """Two scores beside one class."""
    found = judged(phone(tmp_path, changed("classes", [0])))
    assert reasons(found, "phone")[0] == (
        "phone: expected as many boxes as scores as classes, found 2 boxes, 2 scores, 1 classes"
    )


def test_other_names_are_never_bound_by_shape(tmp_path: Path) -> None:
    """Scores and classes have one shape, so an array of another name must be declared."""
    dump = {
        one: {"boxes": each["boxes"], "confidence": each["scores"], "label": each["classes"]}
        for one, each in DUMP.items()
    }
    assert (
        "say which is which, by name or index" in reasons(judged(phone(tmp_path, dump)), "phone")[0]
    )
    declared = phone(tmp_path / "declared", dump)
    with (declared / "parity.toml").open("a") as file:
        file.write('outputs = { scores = "confidence", classes = "label" }\n')
    assert runtime(judged(declared), "phone").verdict == "pass"


def test_boxes_in_pixels_of_the_input_are_recognised(tmp_path: Path) -> None:
    """The usual mistake of a port: the verdict stays fail, and the message says what it is."""
    dump = {
        one: {**each, "boxes": np.float32([[4, 4, 14, 12], [16, 10, 28, 26]])[: len(each["boxes"])]}
        for one, each in DUMP.items()
    }
    found = runtime(judged(phone(tmp_path, dump)), "phone")
    assert found.verdict == "fail"
    assert (
        "with its boxes read as pixels of the network's input: then the 2 worst images agree"
        in (found.hints)
    )


def test_relative_boxes_are_recognised(tmp_path: Path) -> None:
    """0..1 of the image, written by many runtimes."""
    dump = {
        one: {**each, "boxes": each["boxes"] / [width, height, width, height]}
        for (one, each), (height, width) in zip(DUMP.items(), [(48, 64), (30, 40)], strict=True)
    }
    found = judged(phone(tmp_path, dump))
    assert runtime(found, "phone").verdict == "error"
    assert reasons(found, "phone")[0].splitlines()[0] == (
        "phone: boxes: expected pixels of the original image, 64 x 48, found 2 of 2 boxes within "
        "the first pixel, up to 0.875; are they relative, 0..1? multiply x by its width and y by "
        "its height where they are written"
    )


def test_two_recordings_need_no_framework(tmp_path: Path) -> None:
    """The detections of two programs are compared with each other, as reference and candidate."""
    second = PHONE.format(FLOOR).replace("phone", "board").replace('"board"', '"board.npz"')
    suite = write_suite(tmp_path, PHONE.format(FLOOR) + second, reference="phone")
    as_archives(tmp_path / "phone", DUMP)
    as_one_archive(tmp_path / "board.npz", DUMP)
    assert runtime(judged(suite, "board"), "board").verdict == "pass"
