"""A Keras model seen from inside: operation by operation, nested models flattened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_nets
import numpy as np
import pytest
from native_nets import image, traced

from parity.runtimes.contract import Adapter, AdapterError, Artifact

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")
FEEDS = {"image": image(0, (1, 16, 16, 3))}


@pytest.fixture
def model(keras_folder: Path) -> Iterator[Adapter]:
    """The network as a .keras file."""
    adapter = native_nets.opened("keras", Artifact(str(keras_folder / "net.keras")))
    yield adapter
    adapter.close()


def saved(made: Any, path: Path, **settings: Any) -> Adapter:
    """A model of this test, saved and opened."""
    made.save(path)
    return native_nets.opened("keras", Artifact(str(path), **settings))


def op(adapter: Adapter, name: str) -> Any:
    """The op of a name."""
    return next(one for one in adapter.graph().ops if one.name == name)


def test_ops_are_the_models_calls_in_order(model: Adapter) -> None:
    """Layers and ops alike; nested models are flattened, a shared layer has one op per call."""
    names = [one.name for one in model.graph().ops]
    assert [name for name in names if name.startswith("block/")] == [
        "block/deep", "block/deep_norm", "block/deep_relu"
    ]  # fmt: skip
    assert [name for name in names if name.startswith("shared")] == ["shared", "shared_1"]
    assert "tail/last" in names
    kinds = {one.kind for one in model.graph().ops}
    assert {"ZeroPadding2D", "DepthwiseConv2D", "BatchNormalization", "Multiply", "Split"} <= kinds
    assert model.graph().problems == {}


def test_the_traced_run_is_the_deployed_run_but_for_fusion(model: Adapter) -> None:
    """The deployed model is one compiled function, which may sum in another order."""
    for seed in range(3):
        feeds = {"image": image(seed, (1, 16, 16, 3))}
        values, heads = traced(model, feeds), model.run(feeds)
        assert list(heads) == ["scores", "boxes"]
        for name, head in zip(model.graph().outputs, heads.values(), strict=True):
            native_nets.assert_same_sums(values[name], head, values)


def test_every_operation_replays_to_the_bit(model: Adapter) -> None:
    """Before any trace too: types are known from the graph."""
    native_nets.assert_replays_to_the_bit(model, traced(model, FEEDS))
    relu = op(model, "block/deep_relu")
    (made,) = model.replay({relu.index: {relu.inputs[0]: np.full((1, 8, 8, 8), 7.0)}}).values()
    assert isinstance(made, dict)
    assert made["block/deep_relu"].dtype == np.float32
    assert (made["block/deep_relu"] == 6).all()


def test_a_nested_model_is_what_it_computes(model: Adapter) -> None:
    """The tensors inside are those of the nested model called by itself."""
    values = traced(model, FEEDS)
    native = model.native()  # type: ignore[attr-defined]
    expected = native.get_layer("block")(values["body"], training=False)
    np.testing.assert_array_equal(values["block/deep_relu"], np.asarray(expected))


def test_weights_are_constants_after_the_data(model: Adapter) -> None:
    """Named by their path; a shared layer's weights are there once."""
    graph, native = model.graph(), model.native()  # type: ignore[attr-defined]
    assert op(model, "body").inputs == ("pad", "body/kernel", "body/bias")
    assert op(model, "shared").inputs[1:] == op(model, "shared_1").inputs[1:]
    norm = op(model, "block/deep_norm").inputs
    assert [name.rpartition("/")[2] for name in norm[1:]] == [
        "gamma", "beta", "moving_mean", "moving_variance"
    ]  # fmt: skip
    kernel = native.get_layer("body").kernel
    np.testing.assert_array_equal(graph.constants["body/kernel"], np.asarray(kernel))


def test_an_array_among_the_arguments_is_a_constant(model: Adapter) -> None:
    """What an op was called with, at its place among the inputs."""
    (multiply,) = [one for one in model.graph().ops if one.kind == "Multiply"]
    data, array = multiply.inputs
    assert data not in model.graph().constants
    expected = np.linspace(0.5, 2, 16, dtype=np.float32)
    np.testing.assert_array_equal(model.graph().constants[array], expected)


def test_attributes_are_the_layers_configuration(model: Adapter) -> None:
    """Numbers, texts and tuples of them; of an op, what it was made with."""
    attributes = op(model, "body").attributes
    assert (attributes["strides"], attributes["padding"]) == ((2, 2), "valid")
    assert (attributes["activation"], attributes["data_format"]) == ("relu", "channels_last")
    (split,) = [one for one in model.graph().ops if one.kind == "Split"]
    assert split.attributes["axis"] == -1
    assert len(split.outputs) == 2


def test_a_model_saved_as_h5_has_the_same_graph(tmp_path: Path) -> None:
    """Formats of the file make no difference."""
    data = keras.Input((4, 4, 3), name="image")
    x = keras.layers.Conv2D(2, 1, name="body")(data)
    adapter = saved(keras.Model(data, keras.layers.ReLU(name="act")(x)), tmp_path / "net.h5")
    assert [one.name for one in adapter.graph().ops] == ["body", "act"]


def test_a_sequential_model_is_a_graph(tmp_path: Path) -> None:
    """It holds a functional one."""
    layers = [keras.Input((4, 4, 3), name="image"), keras.layers.Conv2D(2, 1, name="body")]
    adapter = saved(keras.Sequential(layers), tmp_path / "net.keras")
    graph, feeds = adapter.graph(), {"image": image(0, (1, 4, 4, 3))}
    assert [one.name for one in graph.ops] == ["body"]
    values, (head,) = traced(adapter, feeds), adapter.run(feeds).values()
    native_nets.assert_same_sums(values["body"], head, values)


def test_dropout_and_noise_are_off(tmp_path: Path) -> None:
    """Operations are called as in evaluation."""
    data = keras.Input((4, 4, 3), name="image")
    x = keras.layers.GaussianNoise(1.0, name="noise")(keras.layers.Dropout(0.5, name="drop")(data))
    adapter = saved(keras.Model(data, x), tmp_path / "net.keras")
    feeds = {"image": image(0, (1, 4, 4, 3))}
    np.testing.assert_array_equal(traced(adapter, feeds)["noise"], feeds["image"])


def test_a_layer_that_holds_layers_is_a_problem(tmp_path: Path) -> None:
    """It runs as one op, and the graph says that nobody looked inside."""
    data = keras.Input((4, 8), name="image")
    layer = keras.layers.MultiHeadAttention(2, 4, name="attend")
    adapter = saved(keras.Model(data, layer(data, data)), tmp_path / "net.keras")
    graph = adapter.graph()
    assert graph.problems == {
        0: "attend holds layers of its own; what is inside of it is not looked at"
    }
    feeds = {"image": image(0, (1, 4, 8))}
    native_nets.assert_replays_to_the_bit(adapter, traced(adapter, feeds))


def test_half_precision_comes_as_numbers(tmp_path: Path) -> None:
    """bfloat16 has no place in numpy: such tensors come as float32. (Not of a convolution: oneDNN
    has none in bfloat16 for processors without AVX-512.)"""
    data = keras.Input((4, 4, 3), name="image")
    x = keras.layers.PReLU("ones", name="body", dtype="mixed_bfloat16")(data)
    adapter = saved(keras.Model(data, x), tmp_path / "net.keras")
    values = traced(adapter, {"image": image(0, (1, 4, 4, 3))})
    assert values["body"].dtype == np.float32
    native_nets.assert_replays_to_the_bit(adapter, values)


@keras.saving.register_keras_serializable("tests")
class Scripted(keras.Model):  # type: ignore[misc]
    """A functional model whose class decides what is run."""

    def call(self, inputs: Any) -> Any:
        """Something else than the graph says."""
        return super().call(inputs) * 2


def test_a_class_with_a_call_of_its_own_is_refused(tmp_path: Path) -> None:
    """Its graph is not what runs."""
    data = keras.Input((4, 4, 3), name="image")
    made = Scripted(inputs=data, outputs=keras.layers.ReLU()(data))
    adapter = saved(made, tmp_path / "net.keras", trust=True)
    with pytest.raises(AdapterError) as caught:
        adapter.graph()
    assert caught.value.code == "cannot-trace"
    assert caught.value.facts["reason"] == (
        "the model runs Python code of its own, not a graph of ops"
    )


def test_an_op_that_cannot_be_fed_says_why(model: Adapter) -> None:
    """One refused op does not stop the others."""
    body, add = op(model, "body"), op(model, "sum")
    answers = model.replay({body.index: {"pad": np.zeros((1, 5))}, add.index: {}, 0: FEEDS})
    assert answers[body.index] == "input 'pad' of body has shape (?, 17, 17, 3); fed was (1, 5)"
    assert answers[add.index] == ("the inputs of sum are 'body', 'block/deep_relu'; fed were none")
    assert isinstance(answers[0], dict)
