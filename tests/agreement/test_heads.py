"""Raw heads side by side: what no detection could reveal or would hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.agreement import (
    HeadDifference,
    check_heads,
    constant_heads,
    differences,
    nonfinite,
)
from parity.runtimes.contract import Quantization, TensorSpec
from parity.tensors import dequantize, quantize

RAMP = np.linspace(0, 1, 100, dtype=np.float32).reshape(1, 50, 2)
UINT8 = Quantization((1 / 255,), (0,))


def spec(quantization: Quantization | None = UINT8, dtype: str = "uint8") -> TensorSpec:
    """A head of the candidate."""
    return TensorSpec("scores", None, dtype, quantization)


def check(
    ours: Any, theirs: Any, quantization: Quantization | None = None, **kw: str
) -> list[tuple[str, dict[str, Any]]]:
    """Findings about one head called scores, on one image."""
    specs = {"scores": spec(quantization, **kw)}
    found = check_heads({"scores": ours}, {"scores": theirs}, specs)
    return [(one.code, one.facts) for one in found]


def constant(
    *images: tuple[Any, Any], quantization: Quantization | None = None, least: float = 0.0
) -> list[tuple[str, dict[str, Any]]]:
    """Findings about one head called scores, over images of (reference, candidate)."""
    specs = {"scores": spec(quantization)}
    each = [
        differences(
            {"scores": np.asarray(ours)}, {"scores": np.asarray(theirs)}, specs, {"scores": least}
        )
        for ours, theirs in images
    ]
    return [(one.code, one.facts) for one in constant_heads(each)]


def test_equal_heads_raise_nothing() -> None:
    """Nor do heads that differ a little."""
    assert check(RAMP, RAMP) == []
    assert check(RAMP, RAMP + 0.01) == []


def test_nan_and_infinity_are_counted_by_side() -> None:
    """Both kinds are named, and never become a number."""
    head = np.array([1.0, np.nan, np.inf, -np.inf])
    (found,) = nonfinite({"boxes": head, "scores": np.ones(3), "count": np.array([3])}, "candidate")
    facts = {"head": "boxes", "side": "candidate", "count": 3, "total": 4, "nan": 1}
    assert (found.code, found.facts) == ("nonfinite", facts)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_nan_is_enough_in_every_float(dtype: type) -> None:
    """Half precision overflows first."""
    assert len(nonfinite({"a": np.array([0, np.nan], dtype=dtype)}, "reference")) == 1


@pytest.mark.parametrize("shape", [(100,), (50, 2), (1, 2, 50), (1, 1, 50, 2), (1, 50, 1)])
def test_another_shape_is_a_finding_and_nothing_is_broadcast(shape: tuple[int, ...]) -> None:
    """Not even a missing batch dimension."""
    theirs = np.resize(RAMP, shape)
    facts = {"head": "scores", "reference": [1, 50, 2], "candidate": list(shape)}
    assert check(RAMP, theirs) == [("shape", facts)]


def test_a_head_on_one_side_only_is_a_finding() -> None:
    """Whichever side it is, by name and in order."""
    found = check_heads({"boxes": RAMP, "x": RAMP}, {"boxes": RAMP, "a": RAMP}, {})
    assert [(one.code, one.facts) for one in found] == [
        ("one-sided", {"head": "a", "side": "candidate"}),
        ("one-sided", {"head": "x", "side": "reference"}),
    ]


@pytest.mark.parametrize("value", [0.0, 0.5, -1.0])
def test_a_constant_head_against_a_varying_reference_is_a_finding(value: float) -> None:
    """All zero, or all of any other value, whatever the format's least number is."""
    tiny = float(np.finfo(np.float32).tiny)
    facts = {"head": "scores", "value": value, "variation": 1.0, "step": tiny}
    assert constant((RAMP, np.full_like(RAMP, value))) == [("constant-head", facts)]


def test_a_head_that_rests_on_one_image_only_is_fine() -> None:
    """Where nothing is to be found, a score head may well be constant."""
    empty = (RAMP * 0.02, np.zeros_like(RAMP))
    assert constant(empty, (RAMP, RAMP), quantization=UINT8) == []
    assert constant(empty, quantization=UINT8) != []


def test_a_head_with_another_constant_on_each_image_is_not_constant() -> None:
    """It answers to the image."""
    assert constant((RAMP, np.zeros_like(RAMP)), (RAMP, np.ones_like(RAMP))) == []


def test_a_reference_that_varies_between_images_only_is_compared_too() -> None:
    """One value on each image: a candidate with one value on all has lost it."""
    found = constant((np.full(3, 0.1), np.zeros(3)), (np.full(3, 0.9), np.zeros(3)))
    assert [code for code, _ in found] == ["constant-head"]


def test_a_constant_head_against_a_constant_reference_is_fine() -> None:
    """A head that does not vary in the reference either says nothing."""
    assert constant((np.full((2, 2), 0.3), np.full((2, 2), 0.3))) == []
    assert constant((np.full((2, 2), 0.3), np.zeros((2, 2)))) == []
    assert constant((np.zeros((0, 4)), np.zeros((0, 4)))) == []


def test_numbers_that_many_kernels_flush_to_zero_are_none() -> None:
    """Denormals of the reference are 0 in a candidate that flushes them, and nothing is lost."""
    denormal = np.array([0.0, 1e-40], dtype=np.float32)
    assert constant((denormal, np.zeros(2, np.float32))) == []
    normal = np.array([0.0, 1e-37], dtype=np.float32)
    assert [code for code, _ in constant((normal, np.zeros(2, np.float32)))] == ["constant-head"]


@pytest.mark.parametrize(("variation", "fails"), [(0.25, False), (0.2501, True)])
def test_one_quantisation_step_may_be_flattened(variation: float, fails: bool) -> None:
    """A reference that varies by one step may be a constant for the candidate, by more may not."""
    step = Quantization((0.25,), (0,))
    found = constant((np.array([0.0, variation]), np.zeros(2)), quantization=step)
    assert [code for code, _ in found] == ["constant-head"] * fails


def test_the_largest_step_counts_where_a_head_has_one_per_channel() -> None:
    """Each channel could flatten that much."""
    steps = Quantization((0.1, 0.5), (0, 0), axis=0)
    assert constant((np.array([0.0, 0.4]), np.zeros(2)), quantization=steps) == []


@pytest.mark.parametrize("quantization", [None, UINT8])
@pytest.mark.parametrize(("variation", "fails"), [(0.05, False), (0.051, True)])
def test_a_variation_within_the_score_limit_may_be_flattened(
    variation: float, fails: bool, quantization: Quantization | None
) -> None:
    """What the tolerance does not tell apart need not be there."""
    image = (np.array([0.0, variation]), np.zeros(2))
    found = constant(image, quantization=quantization, least=0.05)
    assert [code for code, _ in found] == ["constant-head"] * fails


@pytest.mark.parametrize(
    ("dtype", "zero"), [("uint8", 0), ("uint8", 128), ("int8", -128), ("int8", 0)]
)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_values_read_with_the_wrong_sign_are_a_finding(dtype: str, zero: int, noise: float) -> None:
    """Bytes taken for the other type are off by 256 steps, where they are off; noise or not."""
    scale = Quantization((1 / 255,), (zero,))
    low = (np.iinfo(dtype).min - zero) / 255
    values = (RAMP + low).astype(np.float32)
    rng = np.random.default_rng(0)
    raw = quantize(values + rng.normal(0, noise, values.shape), scale, dtype)
    wrong = raw.view({"uint8": np.int8, "int8": np.uint8}[dtype])
    found = check(values, dequantize(wrong, scale), scale, dtype=dtype)
    count = int((wrong.astype(int) != raw.astype(int)).sum())
    assert count > 40
    assert found == [("wrap-around", {"head": "scores", "count": count, "total": 100})]


def test_overflow_that_wraps_around_is_a_finding() -> None:
    """Values above the range come out at its lower end."""
    scale = Quantization((1 / 255,), (0,))
    values = RAMP * 1.5
    wrapped = dequantize(np.round(values * 255).astype(np.int64).astype(np.uint8), scale)
    assert [code for code, _ in check(values, wrapped, scale)] == ["wrap-around"]


def test_saturation_is_no_wrap_around() -> None:
    """Values above the range that stay at its upper end are off by any number of steps."""
    scale = Quantization((1 / 255,), (0,))
    values = RAMP * 3
    assert check(values, dequantize(quantize(values, scale, "uint8"), scale), scale) == []


def test_two_wrapped_values_are_too_few() -> None:
    """From three on it is a pattern."""
    theirs = RAMP.copy()
    theirs.flat[:2] += 256 / 255
    assert check(RAMP, theirs, UINT8) == []
    theirs.flat[2] += 256 / 255
    assert [code for code, _ in check(RAMP, theirs, UINT8)] == ["wrap-around"]


def test_heads_that_are_off_by_anything_did_not_wrap_around() -> None:
    """Nine of ten values that are far off must be off by 256 steps."""
    theirs = RAMP.copy()
    theirs.flat[:8] += 256 / 255
    theirs.flat[8:10] += 200 / 255
    assert check(RAMP, theirs, UINT8) == []


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_only_bytes_wrap_around_by_256(dtype: str) -> None:
    """A head of another type has no such step."""
    assert check(RAMP, RAMP + 256 / 255, UINT8, dtype=dtype) == []


def test_healthy_quantised_heads_raise_nothing() -> None:
    """Scores and boxes of an int8 export, 200 draws of noise, zero points and ranges."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        zero = int(rng.integers(-128, 128))
        scale = Quantization((float(rng.uniform(0.003, 0.03)),), (zero,))
        ours = rng.normal(0, rng.uniform(0.1, 3), (1, 60, 4)).astype(np.float32)
        noisy = ours + rng.normal(0, rng.uniform(0, 5) * scale.scale[0], ours.shape)
        theirs = dequantize(quantize(noisy, scale, "int8"), scale)
        assert check(ours, theirs, scale, dtype="int8") == []


def test_healthy_scores_of_an_image_without_objects_raise_nothing() -> None:
    """Scores that stay below 0.02 may all be quantised to zero under a budget."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ours = rng.uniform(0, 0.02, (1, 30, 3)).astype(np.float32)
        noisy = np.clip(ours - 0.02, 0, 1)
        theirs = dequantize(quantize(noisy, UINT8, "uint8"), UINT8)
        assert constant((ours, theirs), quantization=UINT8, least=0.05) == []


def test_the_distance_of_heads_is_in_real_numbers() -> None:
    """The largest difference, and the norm of all relative to the reference's norm."""
    found = differences({"a": np.array([3.0, 4.0])}, {"a": np.array([3.0, 4.5])})
    assert [(one.head, one.max_abs, one.rel_l2) for one in found] == [("a", 0.5, 0.1)]


def test_heads_that_cannot_be_compared_have_no_distance() -> None:
    """Another shape, another name, nothing in it, NaN."""
    ours = {"a": RAMP, "b": RAMP, "c": np.zeros(0), "d": np.ones(2)}
    theirs = {"a": RAMP[0], "x": RAMP, "c": np.zeros(0), "d": np.array([1, np.nan])}
    assert differences(ours, theirs) == ()


def test_the_distance_from_a_reference_of_zeros_is_infinite_or_zero() -> None:
    """There is nothing to be relative to."""
    zeros = {"a": np.zeros(2)}
    assert differences(zeros, zeros)[0].rel_l2 == 0.0
    assert differences(zeros, {"a": np.ones(2)})[0].rel_l2 == float("inf")


def test_a_difference_tells_the_ranges_of_both_sides() -> None:
    """So that all images together can tell whether a head is constant."""
    step = Quantization((0.25,), (0,))
    found = differences(
        {"scores": np.array([0.0, 0.9])}, {"scores": np.array([0.0, 1.0])}, {"scores": spec(step)}
    )
    assert found == (
        HeadDifference(
            "scores", pytest.approx(0.1), pytest.approx(1 / 9), (0.0, 0.9), (0.0, 1.0), 0.25
        ),
    )


def test_unsigned_heads_are_subtracted_as_numbers() -> None:
    """2 - 3 is -1, not 255."""
    ours, theirs = {"a": np.array([3], dtype=np.uint8)}, {"a": np.array([2], dtype=np.uint8)}
    assert differences(ours, theirs)[0].max_abs == 1.0
