"""Averaged weights (EMA) beside raw ones in a file, and candidates made from either."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from roundtrip_suites import (
    KERAS,
    lost,
    module_of,
    perturb,
    torch_suite,
    tripped,
    write_suite,
)

from parity.runtimes.resolve import resolve

pytest.importorskip("torch")
pytest.importorskip("keras")
pytest.importorskip("tensorflow")

SCRIPT = """
    [runtimes.script]
    kind = "torch"
    model = "net.pt"
    layout = "NCHW"
    [runtimes.onnx]
    kind = "onnxruntime"
    model = "net.onnx"
"""


def averaged(folder: Path, candidate: str, prefix: str = "") -> Path:
    """A checkpoint with raw weights and their average, and candidates made from one of them."""
    import torch

    torch_suite(folder, more=SCRIPT)
    raw = module_of(folder)
    average: Any = copy.deepcopy(raw)
    with torch.no_grad():
        for one in average.parameters():
            one.add_(torch.rand_like(one) * 0.1)
    state = {f"{prefix}{name}": one for name, one in average.state_dict().items()}
    torch.save({"model": raw.state_dict(), "ema": state, "epoch": 3}, folder / "net.pth")
    made: Any = {"model": raw, "ema": average}[candidate]
    image = (torch.rand(1, 3, 8, 8),)
    torch.jit.save(torch.jit.freeze(torch.jit.trace(made, image)), str(folder / "net.pt"))
    torch.onnx.export(made, image, str(folder / "net.onnx"), verbose=False, dynamo=True)
    return folder


def with_use_ema(folder: Path, file: str, **settings: Any) -> Path:
    """A Keras model that is saved in the midst of a training that averages its weights."""
    import keras

    write_suite(folder, f'kind = "keras"\nmodel = "{file}"\n', KERAS)
    model: Any = resolve("net:detector", str(folder))()
    perturb(model)
    model.compile(keras.optimizers.SGD(0.1, **settings), loss="mse")
    random = np.random.default_rng(0)
    for _ in range(3):
        heads = [random.random((2, 16, 4)), random.random((2, 16, 2))]
        model.train_on_batch(random.random((2, 8, 8, 3)).astype("float32"), heads)
    model.save(folder / file)
    return folder


HELD = (
    "EMA against raw weights: net.pth holds 'model', which native runs, and 'ema', which is lost "
    "with every format here; their hashes differ in 6 of 9 weights; save the one that is deployed "
    "alone"
)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_candidates_that_were_made_from_the_average_are_named(tmp_path: Path, prefix: str) -> None:
    """BatchNorm is folded in the exports; the weights that are left tell where they come from."""
    said = (
        "EMA against raw weights: {0} was made from 'ema', and native runs 'model' of net.pth: by "
        "their hashes {0} holds 2 of the 6 weights that differ as 'ema' has them, and none as "
        "'model' has them"
    )
    model = tripped(averaged(tmp_path, "ema", prefix))
    assert lost(model)[""] == [HELD, said.format("script"), said.format("onnx")]
    assert model.verdict == "fail"


def test_candidates_of_the_same_weights_are_no_finding(tmp_path: Path) -> None:
    """Only that the average is in none of the files is told."""
    assert lost(tripped(averaged(tmp_path, "model"))) == {"": [HELD]}


@pytest.mark.parametrize("file", ["net.keras", "net.h5"])
def test_the_average_in_a_keras_optimizer_is_named(tmp_path: Path, file: str) -> None:
    """``use_ema`` keeps it beside the optimizer's own numbers, and the model is run without.

    Seven of ten, as nothing trains a mean, a variance, or a bias before a BatchNorm.
    """
    model = tripped(with_use_ema(tmp_path, file, use_ema=True, ema_momentum=0.5, momentum=0.9))
    assert lost(model) == {
        "": [
            f"EMA against raw weights: {file} holds the raw weights, which native runs, and the "
            f"optimizer's average (use_ema), which is lost with every format here; their hashes "
            f"differ in 7 of 10 weights; to deploy the average, call "
            f"optimizer.finalize_variable_values() with the model's trainable_variables before it "
            f"is saved; to deploy the others, save it without its optimizer"
        ]
    }


def test_an_optimizer_that_averages_nothing_is_no_finding(tmp_path: Path) -> None:
    """That the optimizer itself is dropped is no loss."""
    model = tripped(with_use_ema(tmp_path, "net.keras", momentum=0.9))
    assert model.losses == ()
    assert model.verdict == "pass"
