"""Weights with one scale for all channels: said of the file, blamed on no layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import quantising
import stacks

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SAID = (
    "Weights are quantised per tensor in {} convolutions: one scale for all channels leaves few "
    "steps to the quiet ones, a common cause of an accuracy drop. Quantise per channel."
)


def notes(folder: Path, candidate: Path) -> tuple[str, ...]:
    """Of a stack of five convolutions beside a quantised one, in which no layer is blamed."""
    table = stacks.compared(folder, stacks.relus(), candidate)
    assert not table.suspects()
    return table.notes


def quantised(folder: Path, per_channel: bool, qoperator: bool = False) -> Path:
    """By ONNX Runtime's tool, as QuantizeLinear and DequantizeLinear or in integer ops."""
    from onnxruntime.quantization import QuantFormat

    form = QuantFormat.QOperator if qoperator else QuantFormat.QDQ
    options = {"per_channel": per_channel, "quant_format": form}
    return stacks.quantised(stacks.relus(), folder, "int8", **options)


@pytest.mark.parametrize("qoperator", [False, True], ids=["QDQ", "QOperator"])
def test_one_scale_for_all_channels_is_said(tmp_path: Path, qoperator: bool) -> None:
    """The usual default of tools."""
    assert notes(tmp_path, quantised(tmp_path, False, qoperator)) == (SAID.format("5 of 5"),)


@pytest.mark.parametrize("qoperator", [False, True], ids=["QDQ", "QOperator"])
def test_a_scale_for_each_channel_is_no_news(tmp_path: Path, qoperator: bool) -> None:
    """Nor are floats."""
    assert notes(tmp_path, quantised(tmp_path, True, qoperator)) == ()
    onnx.save(stacks.relus(), tmp_path / "plain.onnx")
    assert notes(tmp_path, tmp_path / "plain.onnx") == ()


def test_dynamic_quantisation_counts_too(tmp_path: Path) -> None:
    """Its convolutions have integer weights of one scale."""
    made = quantising.dynamic(stacks.relus(), tmp_path / "dynamic.onnx")
    assert notes(tmp_path, made) == (SAID.format("5 of 5"),)


def test_a_convolution_of_one_channel_has_no_choice(tmp_path: Path) -> None:
    """It is not counted."""

    def single() -> Any:
        net = stacks.Stack()
        return net.model(net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 1))

    made = stacks.quantised(single(), tmp_path, "int8", per_channel=False)
    table = stacks.compared(tmp_path, single(), made)
    assert table.notes == (SAID.format("1 of 1").replace("convolutions", "convolution"),)
