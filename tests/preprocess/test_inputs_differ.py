"""How far the inputs of two runtimes differ, and how that is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from parity import check
from parity.agreement import InputDifference, input_difference, inputs_differ
from parity.record import RuntimeRecord, SuiteRecord, from_data, to_data, with_images
from parity.report.messages.message import image_message, runtime_message
from parity.report.suite.summary import summary_md
from tests.support.suites import boxes_scores, fake, flat, small_suite, toml

# ------------------------------------------------------------------------------------- comparing


def canvas(*values: float) -> np.ndarray:
    """One row of grey pixels."""
    return np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=2)


def test_equal_inputs_are_the_same() -> None:
    """Nothing differs."""
    found = input_difference(canvas(0, 1), canvas(0, 1), (1.0,))
    assert found.same
    assert (found.max_abs, found.mean_abs, found.differing, found.nonfinite) == (0, 0, 0, 0)


def test_a_difference_is_measured_in_units_shares_and_pixels() -> None:
    """Of four pixels one is off by half of the range."""
    found = input_difference(canvas(0, 0, 0, 0), canvas(0, 0, 1, 0), (2.0,))
    assert (found.max_abs, found.mean_abs) == (1.0, 0.25)
    assert (found.max_share, found.mean_share, found.differing) == (0.5, 0.125, 0.25)


def test_each_channel_has_the_range_that_its_std_gives_it() -> None:
    """A unit of a channel that is spread out is fewer pixel steps."""
    ours, theirs = np.zeros((1, 1, 3)), np.array([[[1.0, 1.0, 0.0]]])
    assert input_difference(ours, theirs, (4.0, 2.0, 1.0)).max_share == 0.5


def test_without_a_declared_range_it_is_that_of_the_tensor() -> None:
    """After a preprocessing function."""
    assert input_difference(canvas(-2, 2), canvas(-2, 1), None).max_share == 0.25
    assert input_difference(canvas(3, 3), canvas(3, 4), None).max_share == 1.0


def test_inputs_of_other_shapes_are_not_compared() -> None:
    """The shapes are what is said."""
    found = input_difference(canvas(1, 2), canvas(1), (1.0,))
    assert found == InputDifference((1, 2, 3), (1, 1, 3))
    assert not found.same


def test_a_batch_is_compared_with_an_image() -> None:
    """In either layout, as a function may return it."""
    rng = np.random.default_rng(0)
    image = rng.random((4, 5, 3))
    assert input_difference(image, image.transpose(2, 0, 1)[None], (1.0,)).same
    assert input_difference(image, image[None], (1.0,)).same


def test_values_that_are_not_finite_are_counted_and_never_averaged() -> None:
    """NaN on both sides is no difference; on one it is one, and the rest is still measured."""
    nan, inf = float("nan"), float("inf")
    found = input_difference(canvas(nan, inf, nan, 1), canvas(nan, inf, 0, 2), (1.0,))
    assert (found.max_abs, found.mean_abs, found.nonfinite) == (1.0, 0.25, 3)
    assert found.differing == 0.5
    assert not found.same


wild = arrays(np.float32, (3, 4, 3), elements=st.floats(width=32))


@given(wild, wild)
def test_no_input_breaks_the_measure(ours: np.ndarray, theirs: np.ndarray) -> None:
    """NaN, infinity and the largest floats: every number is finite, and sides can be swapped."""
    found = input_difference(ours, theirs, (1.0,))
    numbers = (found.max_abs, found.mean_abs, found.max_share, found.mean_share, found.differing)
    assert np.isfinite(np.array(numbers, np.float64)).all()
    swapped = input_difference(theirs, ours, (1.0,))
    assert swapped == found
    assert input_difference(ours, ours, None).same


def test_the_worst_image_is_named() -> None:
    """Another size is worse than any pixel."""
    small = input_difference(canvas(0, 0), canvas(0, 1), (255.0,))
    large = input_difference(canvas(0, 0), canvas(9, 9), (255.0,))
    same = input_difference(canvas(0, 0), canvas(0, 0), (255.0,))
    other = input_difference(canvas(0, 0), canvas(0), (255.0,))
    found = inputs_differ({"a": small, "b": large, "c": same})
    assert found is not None
    assert (found.images, found.differ, found.resized, found.worst_image) == (3, 2, 0, "b")
    assert found.mean_abs == pytest.approx((0.5 + 9 + 0) / 3)
    found = inputs_differ({"a": small, "d": other, "b": large})
    assert found is not None
    assert (found.resized, found.worst_image, found.worst) == (1, "d", other)
    assert inputs_differ({}) is None


# ---------------------------------------------------------------------------------------- telling

NETWORK = """
import numpy as np

BOXES = np.array([[[2, 2, 12, 12], [20, 4, 30, 20]]], dtype=np.float32)
SCORES = np.array([[[0.9, 0.0], [0.0, 0.8]]], dtype=np.float32)


def native(feeds):
    return {"boxes": BOXES, "scores": SCORES}


def moved(feeds):
    return {"boxes": BOXES + 3, "scores": SCORES}
"""

SHAPE = (1, 32, 32, 3)


def judged(
    folder: Path,
    override: str,
    function: str = "moved",
    shape: Sequence[int] = SHAPE,
    normalized: bool = False,
) -> SuiteRecord:
    """A suite of two images whose candidate has a recipe of its own."""
    first, second = flat((0, 51, 102), (255, 0, 0), size=(32, 32)).values()
    moved = f"preprocess = {{ {override} }}"
    small_suite(
        folder,
        {
            "native": fake("network:native", SHAPE),
            "onnx": toml(fake(f"network:{function}", shape)) + moved,
        },
        name="parts",
        images={"a.png": first, "b.png": second},
        size=(32, 32),
        preprocess="range = [0, 1]",
        decode=boxes_scores(normalized=normalized),
        files={"network.py": NETWORK},
    )
    return check(folder)


def candidate(record: SuiteRecord) -> RuntimeRecord:
    return record.runtimes[1]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_a_failure_tells_the_inputs_before_the_boxes(tmp_path: Path) -> None:
    """Which settings, on how many images, how far, and where most; then the budget."""
    record = judged(tmp_path, 'color = "BGR"')
    told = lines(runtime_message(candidate(record), record.classes))
    boxes = next(place for place, line in enumerate(told) if line.startswith("box differs"))
    assert " ".join(told[1:boxes]) == (
        "the inputs differ on 2 of 2 images, as preprocess.color is declared otherwise: by up to "
        "1.0 (255 of 255 pixel steps, 100 % of the range), by 0.47 (119 of 255 pixel steps, 47 % "
        "of the range) in the mean; the worst is b.png, where 100 % of the pixels differ"
    )
    assert "preprocess.color is declared as 'BGR', the reference native has 'RGB'" in told


def test_an_image_that_fails_tells_its_input_first(tmp_path: Path) -> None:
    """In its own message too."""
    record = judged(tmp_path, 'color = "BGR"')
    runtime = candidate(record)
    told = lines(image_message(runtime.images[1], runtime, record.classes))
    boxes = next(place for place, line in enumerate(told) if line.startswith("2 detections"))
    assert " ".join(told[1:boxes]) == (
        "the input differs, as preprocess.color is declared otherwise: by up to 1.0 (255 of 255 "
        "pixel steps, 100 % of the range), by 0.67 (170 of 255 pixel steps, 67 % of the range) in "
        "the mean, where 100 % of the pixels differ"
    )


def test_inputs_of_another_size_are_told_by_their_sizes(tmp_path: Path) -> None:
    """There is nothing else to measure."""
    record = judged(tmp_path, "size = [16, 24]", shape=(1, 16, 24, 3))
    told = " ".join(lines(runtime_message(candidate(record), record.classes)))
    assert (
        "the inputs differ on 2 of 2 images, as preprocess.size is declared otherwise: in size on "
        "2 of them, 16x24x3 in the place of 32x32x3 on a.png"
    ) in told


def test_recipes_that_come_to_the_same_say_so(tmp_path: Path) -> None:
    """Another kernel, and nothing to resize: look elsewhere."""
    record = judged(tmp_path, 'kernel = "pillow:bilinear"')
    told = lines(runtime_message(candidate(record), record.classes))
    assert told[1] == (
        "the inputs are the reference's on 2 images, although preprocess.kernel is declared "
        "otherwise"
    )


def test_one_recipe_says_nothing_of_inputs(tmp_path: Path) -> None:
    """They are the same by construction, however the recipe is written."""
    record = judged(tmp_path, "mean = [0, 0, 0]")
    assert candidate(record).inputs is None
    assert candidate(record).recipe_keys == ()
    assert "the input" not in runtime_message(candidate(record), record.classes)


def test_the_difference_is_recorded_whatever_the_verdict(tmp_path: Path) -> None:
    """A runtime that passes with other pixels has that in its record and in the summary."""
    record = judged(tmp_path, 'color = "BGR"', function="native")
    runtime = candidate(record)
    assert runtime.verdict == "pass"
    assert runtime.inputs is not None
    assert (runtime.inputs.differ, runtime.inputs.worst_image) == (2, "b.png")
    assert runtime.recipe_keys == ("preprocess.color",)
    assert "the inputs differ on 2 of 2 images" in summary_md(record)


def test_the_difference_survives_json(tmp_path: Path) -> None:
    """Written, read, equal; and a record of before it is still read."""
    runtime = candidate(judged(tmp_path, 'color = "BGR"'))
    data = json.loads(json.dumps(to_data(runtime)))
    back = from_data(RuntimeRecord, data)
    assert (back.inputs, back.recipe_keys) == (runtime.inputs, runtime.recipe_keys)
    assert [one.inputs for one in back.images] == [one.inputs for one in runtime.images]
    for image in data["images"]:
        del image["inputs"], image["size"]
    del data["inputs"], data["recipe_keys"]
    assert from_data(RuntimeRecord, data).inputs is None


def test_images_judged_apart_are_put_together(tmp_path: Path) -> None:
    """As the plugin does for a runtime whose all-images was not judged."""
    runtime = candidate(judged(tmp_path, 'color = "BGR"'))
    assert with_images(replace(runtime, inputs=None), runtime.images).inputs == runtime.inputs


# ----------------------------------------------------------------------------- what fits no input


def test_a_fixed_input_with_a_stride_says_what_to_do(tmp_path: Path) -> None:
    """A rectangular letterbox gives an image of its own size, the network wants one."""
    record = judged(
        tmp_path, 'resize = "letterbox", stride = 8, scale_up = false', shape=(1, 64, 64, 3)
    )
    failure = candidate(record).images[0].failure
    assert failure is not None
    assert failure.message == (
        "onnx: input image: expected (1, 64, 64, 3), found (1, 32, 32, 3); see preprocess.size; "
        "preprocess.stride = 8 gives each image a size of its own, and this input takes only one: "
        "remove stride, or export the model with a height and width that are free"
    )


def test_a_free_input_takes_every_size(tmp_path: Path) -> None:
    """One image after the other."""
    override = 'resize = "letterbox", stride = 8, size = [64, 64], scale_up = false'
    record = judged(tmp_path, override, function="native", shape=(1, -1, -1, 3))
    assert candidate(record).verdict == "pass"


# -------------------------------------------------------------------- boxes outside of the image


def test_pixels_that_are_declared_as_relative_are_refused(tmp_path: Path) -> None:
    """normalized = true for pixels: all runtimes would agree, and all be wrong."""
    record = judged(tmp_path, "", function="native", normalized=True)
    assert candidate(record).verdict == "error"
    failure = candidate(record).failure
    assert failure is not None
    assert "normalized" in failure.message


def test_boxes_within_the_image_are_not_warned_of(tmp_path: Path) -> None:
    """Nor is one that a border cuts."""
    assert judged(tmp_path, "", function="native").notes == ()
