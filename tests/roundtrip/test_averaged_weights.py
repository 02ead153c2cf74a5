"""Averaged weights (EMA) beside raw ones in a file, and candidates made from either."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from roundtrip_suites import (
    KERAS,
    lost,
    module_of,
    perturb,
    torch_code,
    torch_suite,
    tripped,
    write_suite,
)

from parity.roundtrip.averages import RAW, of_keras, of_torch, sets
from parity.runtimes.shared.resolve import resolve

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


def averaged(folder: Path, candidate: str, prefixes: tuple[str, ...] = ("",)) -> list[Path]:
    """Checkpoints with raw weights and their average, and candidates made from one of them.

    One suite a prefix, as an average's names may bear; their candidates are the same files.
    """
    import torch

    suites = [torch_suite(folder / str(place), more=SCRIPT) for place in range(len(prefixes))]
    raw = module_of(suites[0])
    average: Any = copy.deepcopy(raw)
    with torch.no_grad():
        for one in average.parameters():
            one.add_(torch.rand_like(one) * 0.1)
    made: Any = {"model": raw, "ema": average}[candidate]
    image = (torch.rand(1, 3, 8, 8),)
    torch.jit.save(torch.jit.freeze(torch.jit.trace(made, image)), str(folder / "net.pt"))
    torch.onnx.export(made, image, str(folder / "net.onnx"), verbose=False, dynamo=True)
    for suite, prefix in zip(suites, prefixes, strict=True):
        state = {f"{prefix}{name}": one for name, one in average.state_dict().items()}
        torch.save({"model": raw.state_dict(), "ema": state, "epoch": 3}, suite / "net.pth")
        for file in folder.glob("net.*"):
            shutil.copy(file, suite)
    return suites


def with_use_ema(folder: Path, file: str, **settings: Any) -> tuple[Path, Any]:
    """A suite of a Keras model, and the model, saved while a training averages its weights."""
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
    return folder, model


HELD = (
    "EMA against raw weights: net.pth holds 'model', which native runs, and 'ema', which is lost "
    "with every format here; their hashes differ in 6 of 9 weights; save the one that is deployed "
    "alone"
)


def test_candidates_that_were_made_from_the_average_are_named(tmp_path: Path) -> None:
    """BatchNorm is folded in the exports; the weights that are left tell where they come from."""
    said = (
        "EMA against raw weights: {0} was made from 'ema', and native runs 'model' of net.pth: by "
        "their hashes {0} holds 2 of the 6 weights that differ as 'ema' has them, and none as "
        "'model' has them"
    )
    for suite in averaged(tmp_path, "ema", ("", "module.")):
        model = tripped(suite)
        assert lost(model)[""] == [HELD, said.format("script"), said.format("onnx")]
        assert model.verdict == "fail"


def test_candidates_of_the_same_weights_are_no_finding(tmp_path: Path) -> None:
    """Only that the average is in none of the files is told."""
    (suite,) = averaged(tmp_path, "model")
    assert lost(tripped(suite)) == {"": [HELD]}


def smoothed(module: Any) -> dict[str, Any]:
    """An average of the parameters alone, as it is written by hand."""
    return {name: one.detach() * 0.9 for name, one in module.named_parameters()}


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        (lambda of: {"ema": of}, "'ema'"),
        (lambda of: {"ema": {"decay": 0.99, "shadow": of}}, "'ema.shadow'"),
        (lambda of: {"ema": {"shadow_params": list(of.values())}}, "'ema.shadow_params'"),
        (lambda of: {"model_ema": {f"ema.{name}": one for name, one in of.items()}}, "'model_ema'"),
        (
            lambda of: {"callbacks": {"EMA": {"state": {"ema_state_dict": of}}}},
            "'callbacks.EMA.state.ema_state_dict'",
        ),
    ],
)
def test_an_average_is_found_in_every_form(
    tmp_path: Path, entries: Callable[[dict[str, Any]], dict[str, Any]], name: str
) -> None:
    """An average of the parameters has no statistics, and may be a list in their order.

    All differ but a bias of zeros.
    """
    from parity.roundtrip.torch.tensors import array

    torch_code(tmp_path)
    module = module_of(tmp_path)
    import torch

    torch.save({"model": module.state_dict(), **entries(smoothed(module))}, tmp_path / "net.pth")
    model = {name: array(one) for name, one in module.state_dict().items()}
    trained = {name: model[name] for name, _ in module.named_parameters()}
    found = sets("net.pth", model, of_torch(tmp_path / "net.pth", False, trained), "", trained)
    assert found is not None
    assert (found.run, found.other, len(found.pairs)) == ("'model'", name, len(trained) - 1)


def test_the_average_in_a_keras_optimizer_is_named(tmp_path: Path) -> None:
    """``use_ema`` keeps it beside the optimizer's own numbers, and the model is run without.

    Seven of ten, as nothing trains a mean, a variance, or a bias before a BatchNorm.
    """
    file = "net.keras"
    suite, _ = with_use_ema(tmp_path, file, use_ema=True, ema_momentum=0.5, momentum=0.9)
    model = tripped(suite)
    assert lost(model) == {
        "": [
            f"EMA against raw weights: {file} holds the raw weights, which native runs, and the "
            f"optimizer's average (use_ema), which is lost with every format here; their hashes "
            f"differ in 7 of 10 weights; to deploy the average, call "
            f"optimizer.finalize_variable_values() with the model's trainable_variables before it "
            f"is saved; to deploy the others, save it without its optimizer"
        ]
    }


def test_the_average_is_found_in_hdf5_too(tmp_path: Path) -> None:
    """A whole HDF5 lists the optimizer's numbers by names of its own."""
    settings = {"use_ema": True, "ema_momentum": 0.5, "momentum": 0.9}
    suite, model = with_use_ema(tmp_path, "net.h5", **settings)
    entries = of_keras(suite / "net.h5", model)
    found = sets("net.h5", entries[RAW], entries, "")
    assert found is not None
    assert (found.run, found.other) == (RAW, "the optimizer's average (use_ema)")
    assert (len(found.pairs), found.total) == (7, 10)


def test_an_optimizer_that_averages_nothing_is_no_finding(tmp_path: Path) -> None:
    """That the optimizer itself is dropped is no loss."""
    suite, model = with_use_ema(tmp_path, "net.keras", momentum=0.9)
    assert of_keras(suite / "net.keras", model) == {}
