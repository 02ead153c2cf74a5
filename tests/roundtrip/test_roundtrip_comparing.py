"""How weights and outputs are compared, whatever the framework."""

from __future__ import annotations

import numpy as np
import pytest

from parity.record.roundtrip import Heads, Weights
from parity.roundtrip import outputs
from parity.roundtrip.averages import sets
from parity.roundtrip.untracked import kept
from parity.roundtrip.weights import compared, fingerprint, named

ONE = np.arange(4, dtype=np.float32)
TWO = ONE + 1


def prints(**arrays: np.ndarray) -> dict:
    """Prints of arrays by name."""
    return {name: fingerprint(array) for name, array in arrays.items()}


def run(array: np.ndarray) -> list[dict[str, np.ndarray]]:
    """The heads of one image."""
    return [{"scores": array}]


def test_a_weight_with_another_name_is_the_same() -> None:
    """A SavedModel calls variables otherwise; their hashes tell."""
    assert compared(prints(a=ONE, b=TWO), prints(x=TWO, y=ONE)) == Weights(2)


def test_equal_weights_are_counted_one_by_one() -> None:
    """Two biases of zeros are not found in one."""
    found = compared(prints(a=ONE, b=ONE), prints(x=ONE))
    assert found == Weights(1, lost=("b",))
    assert not found.kept


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ({"a": TWO}, Weights(0, changed=("a",))),
        ({"a": ONE.astype(np.float16)}, Weights(0, retyped=("a",))),
        ({}, Weights(0, lost=("a",))),
        ({"a": ONE.reshape(2, 2)}, Weights(0, changed=("a",))),
        ({"a": ONE, "b": TWO}, Weights(1, added=1)),
    ],
)
def test_what_became_of_a_weight(theirs: dict[str, np.ndarray], expected: Weights) -> None:
    """Values, dtype, shape, absence: each is told apart."""
    assert compared(prints(a=ONE), prints(**theirs)) == expected


def test_a_name_that_comes_twice_is_numbered() -> None:
    """Keras allows two weights of one path."""
    one, two = fingerprint(ONE), fingerprint(TWO)
    assert named([("a", one), ("a", two)]) == {"a": one, "a#2": two}


def test_outputs_are_equal_within_rounding_or_differ() -> None:
    """The noise is that of the dtype, beside the size of the head."""
    large = np.full(4, 100, np.float32)
    assert outputs.compared(["i"], run(large), run(large.copy())) == Heads("equal")
    near = outputs.compared(["i"], run(large), run(large + np.float32(1e-3)))
    assert (near.state, near.head, near.image) == ("noise", "scores", "i")
    far = outputs.compared(["i"], run(large), run(large + np.float32(0.01)))
    assert (far.state, far.first_differs) == ("differ", True)


HALF = np.linspace(0.1, 1, 64).astype(np.float16).reshape(1, 16, 4)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (HALF, (HALF * np.float16(1.05))),
        (HALF, HALF + np.float16(0.02)),
        (HALF.astype(np.complex64), HALF * np.complex64(1 + 1e-4j)),
    ],
)
def test_a_loss_is_no_rounding(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Five percent of float16, and what is lost in the imaginary part alone."""
    assert outputs.compared(["i"], run(ours), run(theirs)).state == "differ"


@pytest.mark.parametrize("axis", [1, 2])
def test_a_small_column_is_judged_by_itself(axis: int) -> None:
    """Boxes in pixels and scores in one tensor: half a percent of the scores alone is lost.

    So is one value in a column; columns may be the last axis or the second.
    """
    whole = np.ones((1, 64, 6), np.float32) * np.array([900, 700, 800, 600, 0.5, 0.4], np.float32)
    scaled, single, near = whole.copy(), whole.copy(), whole.copy()
    scaled[..., 4:] *= np.float32(1.005)
    single[0, 3, 5] += np.float32(0.001)
    near[..., :4] += np.float32(1e-3)
    near[..., 4:] += np.float32(1e-6)
    states = [
        outputs.compared(["i"], run(whole.swapaxes(2, axis)), run(one.swapaxes(2, axis))).state
        for one in (scaled, single, near)
    ]
    assert states == ["differ", "differ", "noise"]


def test_a_format_that_compiles_nothing_gives_the_same_bits() -> None:
    """The same weights in the same framework round in the same way."""
    near = ONE + np.float32(1e-6)
    assert outputs.compared(["i"], run(ONE), run(near)).state == "noise"
    assert outputs.compared(["i"], run(ONE), run(near), exact=True).state == "differ"


def test_what_was_only_cast_has_the_rounding_of_its_own_dtype() -> None:
    """A network in float32 whose head is cast to float64."""
    wide, near = ONE.astype(np.float64), (ONE + np.float32(1e-6)).astype(np.float64)
    assert outputs.compared(["i"], run(wide), run(near)).state == "noise"
    assert outputs.compared(["i"], run(wide), run(wide + 1e-9)).state == "differ"


def test_nan_in_the_same_place_is_equal_and_elsewhere_differs() -> None:
    """NaN is never turned into a number."""
    nan = np.array([np.nan, 1], np.float32)
    assert outputs.compared(["i"], run(nan), run(nan.copy())).state == "equal"
    assert outputs.compared(["i"], run(nan), run(nan[::-1].copy())).max_abs == float("inf")


@pytest.mark.parametrize("other", [ONE.reshape(2, 2), ONE.astype(np.float64)])
def test_heads_of_another_shape_or_dtype_are_unlike(other: np.ndarray) -> None:
    """No broadcasting, no conversion."""
    with pytest.raises(outputs.Unlike, match="expected head 'scores' of float32"):
        outputs.compared(["i"], run(ONE), run(other))


def test_numbered_heads_are_in_their_numbers_order() -> None:
    """``output_10`` comes after ``output_2``."""
    ours = [f"head{i}" for i in range(11)]
    theirs = [f"output_{i}" for i in (0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert outputs.renamed(ours, theirs)["head10"] == "output_10"


def test_arrays_are_found_in_what_holds_them() -> None:
    """Lists, tuples and dicts are looked into, and what is saved is passed over."""
    found = kept(
        {"a": [ONE], "b": {"key": (TWO,)}, "c": TWO, "d": 3},
        {id(ONE)},
        lambda value: fingerprint(value) if isinstance(value, np.ndarray) else None,
    )
    assert [path for path, _ in found] == ["b['key'][0]", "c"]


def test_two_sets_without_an_average_are_no_finding() -> None:
    """The best and the last epoch are two sets, and neither is an average."""
    found = sets("net.pth", {"a": ONE}, {"'last'": {"a": ONE}, "'best'": {"a": TWO}}, "")
    assert found is None


def test_an_average_that_is_equal_is_no_finding() -> None:
    """After training the average may have been put into the model."""
    entries = {"'model'": {"a": ONE}, "'ema'": {"module.a": ONE.copy()}}
    assert sets("net.pth", {"a": ONE}, entries, "") is None
