"""The network itself is another one: perturbed, another checkpoint, badly quantised."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planting import Fault, Graph, Planted, assert_told_apart

STRICT = (
    "the raw heads ",
    "makes the 3 worst images agree: are its weights those of the reference?",
)


def _noise(relative: float, seed: int = 0) -> Callable[[Any], Any]:
    dice = np.random.default_rng(seed)
    return lambda weights: weights * (1 + dice.uniform(-relative, relative, weights.shape))


def _one_tensor(relative: float) -> Callable[[Graph], object]:
    return lambda graph: graph.change(graph.weights()[0], _noise(relative))


def _every_tensor(change: Callable[[Any], Any]) -> Callable[[Graph], object]:
    return lambda graph: [graph.change(weight, change) for weight in graph.weights()]


def _shuffled(weights: Any) -> Any:
    return np.random.default_rng(0).permutation(weights.ravel()).reshape(weights.shape)


FAULTS = {
    "one_tensor_by_20_percent": Fault(_one_tensor(0.2), says=STRICT),
    "one_tensor_by_2_percent": Fault(_one_tensor(0.02), says=STRICT),
    "another_epoch": Fault(_every_tensor(_noise(0.3)), says=STRICT),
    "another_training": Fault(_every_tensor(_shuffled), says=STRICT),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One suite with all of them."""
    suite = Planted(tmp_path_factory.mktemp("weights"), FAULTS)
    yield suite
    suite.close()


@pytest.mark.parametrize("name", FAULTS)
def test_other_weights_fail_and_no_other_cause_is_named(planted: Planted, name: str) -> None:
    """Every head differs, and no reading of input or heads makes up for it."""
    assert_told_apart(planted, name)


def _calibrated(suite: Planted, name: str, feeds: list[Any]) -> None:
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(feeds)

        def get_next(self) -> dict[str, Any] | None:
            feed = next(self.left, None)
            return None if feed is None else {"image": feed}

    quantization.quantize_static(
        str(suite.folder / "healthy.onnx"),
        str(suite.folder / f"{name}.onnx"),
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QUInt8,
        per_channel=True,
    )


def _on_noise() -> list[Any]:
    dice = np.random.default_rng(0)
    return [dice.normal(0.5, 0.1, (1, 3, 320, 320)).astype(np.float32) for _ in range(4)]


def _on_four_empty_walls() -> list[Any]:
    ramp = np.linspace(0.3, 0.7, 320, dtype=np.float32)
    return [np.broadcast_to(ramp * scale, (1, 3, 320, 320)) for scale in (0.6, 0.8, 1.0, 1.2)]


@pytest.mark.parametrize("feeds", [_on_noise, _on_four_empty_walls])
def test_int8_calibrated_on_other_pictures_fails_and_calibration_is_asked_after(
    tmp_path: Path, feeds: Callable[[], list[Any]]
) -> None:
    """Every head differs beyond a budget made for quantisation, and no reading makes up for it."""
    fault = Fault(
        table='tolerance = "int8"',
        says=(
            "no budget covers more than half of a group",
            "agree: was the quantiser calibrated on images like these?",
        ),
    )
    suite = Planted(tmp_path, {"int8": fault})
    _calibrated(suite, "int8", feeds())
    assert_told_apart(suite, "int8")
