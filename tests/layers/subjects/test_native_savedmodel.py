"""A SavedModel seen from inside: its signature frozen, op by op."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_nets
import numpy as np
import pytest
from native_nets import image, traced

from parity.runtimes.contract import Adapter, Artifact
from parity.runtimes.shared import tf_common

pytest.importorskip("tensorflow")
FEEDS = {"image": image(0, (1, 16, 16, 3))}


@pytest.fixture(params=["saved", "net_saved"])
def either(request: pytest.FixtureRequest, tensorflow_folder: Path, keras_folder: Path) -> Adapter:
    """A plain TensorFlow function, and an export of a Keras model."""
    folder = tensorflow_folder if request.param == "saved" else keras_folder
    return native_nets.opened("savedmodel", Artifact(str(folder / request.param)))


@pytest.fixture
def model(tensorflow_folder: Path) -> Iterator[Adapter]:
    """The plain TensorFlow function."""
    adapter = native_nets.opened("savedmodel", Artifact(str(tensorflow_folder / "saved")))
    yield adapter
    adapter.close()


def op(adapter: Adapter, kind: str) -> Any:
    """The first op of a kind."""
    return next(one for one in adapter.graph().ops if one.kind == kind)


def test_the_traced_run_is_the_deployed_run_but_for_fusion(either: Adapter) -> None:
    """The deployed signature is one compiled function, which may sum in another order."""
    for seed in range(3):
        feeds = {"image": image(seed, (1, 16, 16, 3))}
        values, heads = traced(either, feeds), either.run(feeds)
        assert sorted(heads) == ["boxes", "scores"]
        for name, head in zip(either.graph().outputs, heads.values(), strict=True):
            native_nets.assert_same_sums(values[name], head, values)


def test_every_op_replays_to_the_bit(either: Adapter) -> None:
    """An op on the tensors that it read in the run makes what it made in the run."""
    native_nets.assert_replays_to_the_bit(either, traced(either, FEEDS))


def test_no_constants_no_aliases_among_the_ops(either: Adapter) -> None:
    """Edges go from the op that computes to the op that reads."""
    graph = either.graph()
    kinds = {one.kind for one in graph.ops}
    assert not kinds & {"Const", "Identity", "Placeholder", "NoOp", "ReadVariableOp"}
    made = {name for one in graph.ops for name in one.outputs}
    known = {*made, *graph.constants, *graph.inputs}
    assert all(name in known for one in graph.ops for name in one.inputs)
    assert set(graph.outputs) <= made
    assert graph.problems == {}


def test_variables_are_frozen_to_constants(model: Adapter) -> None:
    """The weight of a convolution is its second input, in TensorFlow's own layout."""
    constants = model.graph().constants
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 8)).astype("f4")
    np.testing.assert_array_equal(constants[op(model, "Conv2D").inputs[1]], kernel)
    assert constants[op(model, "DepthwiseConv2dNative").inputs[1]].shape == (3, 3, 8, 1)


def test_what_only_constants_decide_is_computed_once(model: Adapter) -> None:
    """The norm's parameters are one variable, taken apart: no op is left of that."""
    assert "Unpack" not in {one.kind for one in model.graph().ops}
    norm = op(model, "FusedBatchNormV3")
    assert [model.graph().constants[name].shape for name in norm.inputs[1:]] == [(8,)] * 4


def test_attributes_are_the_nodes(model: Adapter) -> None:
    """Numbers, texts and tuples of them under TensorFlow's names."""
    attributes = op(model, "Conv2D").attributes
    assert attributes["strides"] == (1, 2, 2, 1)
    assert (attributes["padding"], attributes["data_format"]) == ("VALID", "NHWC")
    assert attributes["T"] == "float32"


def test_computed_shapes_are_traced_as_integers(model: Adapter) -> None:
    """The batch size that a reshape reads is a tensor like others."""
    values = traced(model, FEEDS)
    (shape,) = op(model, "Shape").outputs
    np.testing.assert_array_equal(values[shape], [1, 16, 16, 16])
    assert values[shape].dtype.kind == "i"


def test_one_op_with_many_outputs_numbers_them(model: Adapter) -> None:
    """A split makes both of its parts, each under TensorFlow's own name of the tensor."""
    split = next(one for one in model.graph().ops if one.kind in ("Split", "SplitV"))
    assert split.outputs == (f"{split.name}:0", f"{split.name}:1")


def normalised(folder: Path, read: str) -> Adapter:
    """A batch norm in inference and one more output of it, by the name in its definition."""
    tf = tf_common.start(1)

    def heads(image: Any) -> Any:
        parts = {name: tf.ones(3) for name in ("scale", "offset", "mean", "variance")}
        found = tf.raw_ops.FusedBatchNormV3(x=image, **parts, is_training=False)
        return {"out": found.y, "more": getattr(found, read)}

    spec = tf.TensorSpec((1, 16, 16, 3), tf.float32, name="image")
    signature = tf.function(heads, input_signature=[spec])
    tf.saved_model.save(tf.Module(), str(folder / "saved"), signatures=signature)
    return native_nets.opened("savedmodel", Artifact(str(folder / "saved")))


@pytest.mark.parametrize(
    ("read", "kept"), [("batch_mean", 3), ("reserve_space_1", 4), ("reserve_space_3", 6)]
)
def test_reserved_outputs_that_nobody_reads_are_no_tensors(
    tmp_path: Path, read: str, kept: int
) -> None:
    """No kernel need write them in inference; its mean and variance, which nobody reads either, are
    computed."""
    adapter = normalised(tmp_path, read)
    norm = op(adapter, "FusedBatchNormV3")
    assert norm.outputs == tuple(f"{norm.name}:{place}" for place in range(kept))
    values = traced(adapter, FEEDS)
    assert set(norm.outputs) <= set(values)
    assert set(values) - {"image"} == {name for one in adapter.graph().ops for name in one.outputs}


def test_control_flow_is_one_op_and_a_problem(tensorflow_folder: Path) -> None:
    """It is run as a whole, by itself too, and the rest of the network stands."""
    adapter = native_nets.opened("savedmodel", Artifact(str(tensorflow_folder / "branching")))
    graph = adapter.graph()
    flow = {graph.ops[index].kind: text for index, text in graph.problems.items()}
    assert len(flow) == 2
    for kind, text in flow.items():
        assert kind.startswith(("If", "StatelessIf", "While", "StatelessWhile"))
        assert (
            text == f"control flow ({kind}) is run as one op; what is inside of it is not looked at"
        )
    for seed in (0, 1):
        feeds = {"image": image(seed, (1, 16, 16, 3))}
        values = traced(adapter, feeds)
        native_nets.assert_same_sums(values[graph.outputs[0]], adapter.run(feeds)["out"], values)
        native_nets.assert_replays_to_the_bit(adapter, values)


def test_text_is_a_problem_and_left_out(tensorflow_folder: Path) -> None:
    """A string tensor is named, not yielded; everything else is."""
    adapter = native_nets.opened("savedmodel", Artifact(str(tensorflow_folder / "writing")))
    graph = adapter.graph()
    (index,) = graph.problems
    assert graph.problems[index] == "AsString makes text, which is not compared"
    values = traced(adapter, FEEDS)
    assert not set(graph.ops[index].outputs) & set(values)
    assert set(values) == {
        name for one in graph.ops for name in one.outputs if one.index != index
    } | {"image"}  # fmt: skip


def test_an_op_that_cannot_be_fed_says_why(model: Adapter) -> None:
    """One refused op does not stop the others."""
    conv, relu = op(model, "Conv2D"), op(model, "Relu6")
    wrong = {conv.inputs[0]: np.zeros((1, 5), np.float32)}
    given = {relu.inputs[0]: np.full((1, 8, 8, 8), 7.0)}
    answers = model.replay({conv.index: wrong, relu.index: given, 999: {}})
    assert answers[conv.index] == (
        f"input {conv.inputs[0]!r} of {conv.name} has shape (?, 17, 17, 3); fed was (1, 5)"
    )
    (made,) = answers[relu.index].values()  # type: ignore[union-attr]
    assert (made.dtype, made.max()) == (np.float32, 6)
    assert answers[999] == f"there is no op 999; the graph has {len(model.graph().ops)}"
