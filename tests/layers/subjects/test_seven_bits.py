"""What tests call a healthy file is healthy on every processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantising
import stacks

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def dense() -> Any:
    """A convolution and a dense layer."""
    net = stacks.Stack()
    x = net.op("Flatten", net.op("Relu", net.conv("image", 3, 8)))
    return net.model(net.op("MatMul", x, net.constant(net.rng.normal(size=(2048, 6)))))


@pytest.mark.parametrize("form", ["dynamic", "QDQ", "QOperator"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_two_products_fit_into_sixteen_bits(tmp_path: Path, form: str, per_channel: bool) -> None:
    """Of any activation with any of the weights, as processors without VNNI add them."""
    from onnxruntime.quantization import QuantFormat

    made = tmp_path / "made.onnx"
    if form == "dynamic":
        quantising.dynamic(dense(), made, per_channel)
    else:
        options = {"quant_format": QuantFormat[form], "per_channel": per_channel}
        quantising.static(dense(), made, stacks.images(), **options)
    held = [onnx.numpy_helper.to_array(one) for one in onnx.load(made).graph.initializer]
    weights = [one for one in held if one.dtype == np.int8 and one.ndim > 1]
    assert [one.ndim for one in weights] == [4, 2]
    assert all(2 * 255 * np.abs(one.astype(int)).max() < 2**15 for one in weights)
