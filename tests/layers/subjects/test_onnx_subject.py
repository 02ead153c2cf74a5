"""ONNX Runtime, open for looking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import file_nets
import numpy as np
import pytest

from parity import runtimes
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.runtimes.contract import AdapterError, Artifact

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
Arrays = dict[str, Any]


def opened(path: Path, **options: Any) -> OnnxSubject:
    """A subject of a file with options of the runtime."""
    return OnnxSubject(Artifact(str(path), options=options))


@pytest.fixture
def net(onnx_folder: Path) -> Iterator[OnnxSubject]:
    """The float network, deployed without optimisation."""
    subject = opened(onnx_folder / "net.onnx", optimization="disabled")
    yield subject
    subject.close()


@pytest.fixture
def int8(onnx_folder: Path) -> Iterator[OnnxSubject]:
    """The quantised network, deployed with all optimisation."""
    subject = opened(onnx_folder / "silu_int8.onnx")
    yield subject
    subject.close()


def traced(subject: OnnxSubject, feeds: Arrays) -> Arrays:
    """Every tensor, copied, and the inputs."""
    return {**feeds, **{name: array.copy() for name, array in subject.trace(feeds)}}


def feeds_of(subject: OnnxSubject, values: Arrays) -> dict[int, Arrays]:
    """What every op reads."""
    return {op.index: {n: values[n] for n in subject.operands(op)} for op in subject.graph.ops}


def ends_of(subject: OnnxSubject, name: str) -> Any:
    """The op of a name."""
    return next(op for op in subject.graph.ops if op.name.startswith(name))


def test_trace_gives_every_tensor_in_execution_order(net: OnnxSubject) -> None:
    """Computed shapes too, but no constants; the outputs are among them."""
    names = [name for name, _ in net.trace({"image": file_nets.image()})]
    assert names == [
        "body", "norm", "active", "head", "last", "sizes", "batch", "first", "shape", "flat",
        "scores",
    ]  # fmt: skip


def test_looking_changes_no_bit(net: OnnxSubject, onnx_folder: Path) -> None:
    """Without optimisation the tapped session gives what the untapped one gives."""
    feeds = {"image": file_nets.image()}
    assert np.array_equal(traced(net, feeds)["scores"], net.clean(feeds)["scores"])
    plain = runtimes.load("onnxruntime")(
        Artifact(str(onnx_folder / "net.onnx"), options={"optimization": "disabled"})
    )
    assert np.array_equal(plain.run(feeds)["scores"], net.clean(feeds)["scores"])


def test_images_share_the_memory_of_the_first(net: OnnxSubject) -> None:
    """A tensor is valid until the next image; each image has its own values."""
    first = dict(net.trace({"image": file_nets.image(0)}))
    kept = first["body"].copy()
    second = dict(net.trace({"image": file_nets.image(1)}))
    assert first["body"] is second["body"]
    assert not np.array_equal(kept, second["body"])
    again = dict(net.trace({"image": file_nets.image(0)}))
    assert np.array_equal(kept, again["body"])


def test_another_batch_is_another_session(net: OnnxSubject) -> None:
    """Open dimensions take the size of what is fed."""
    one = traced(net, {"image": file_nets.image(0)})
    two = traced(net, {"image": file_nets.image(0).repeat(2, axis=0)})
    assert (one["scores"].shape, two["scores"].shape) == ((1, 64, 6), (2, 64, 6))
    assert two["shape"].tolist() == [2, 64, 6]


def test_every_op_replays_bit_for_bit(net: OnnxSubject) -> None:
    """On its own tensors, all ops in one run, at the same level of optimisation."""
    values = traced(net, {"image": file_nets.image()})
    answers = net.replay(feeds_of(net, values))
    for op in net.graph.ops:
        if op.kind == "Identity":
            assert answers[op.index] == "Identity computes a constant"
        else:
            (name,) = op.outputs
            answer = answers[op.index]
            assert isinstance(answer, dict)
            assert np.array_equal(answer[name], values[name]), op


def test_ops_replay_with_the_kernels_of_the_deployment(onnx_folder: Path) -> None:
    """Optimised kernels add in another order, and so differ in the last bits at most."""
    subject = opened(onnx_folder / "net.onnx")
    values = traced(subject, {"image": file_nets.image()})
    answers = subject.replay({0: {"image": values["image"]}})
    assert isinstance(answers[0], dict)
    np.testing.assert_allclose(answers[0]["body"], values["body"], rtol=1e-4, atol=1e-6)
    subject.close()


def test_answers_stay_when_more_is_asked(net: OnnxSubject) -> None:
    """Unlike traced tensors they belong to the caller."""
    first = net.replay({2: {"norm": np.full((1, 8, 8, 8), 2, np.float32)}})
    net.replay({2: {"norm": np.full((1, 8, 8, 8), 3, np.float32)}})
    assert isinstance(first[2], dict)
    assert first[2]["active"].max() == 2


def test_the_same_ops_again_run_in_the_same_session(
    net: OnnxSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only other ops or other shapes need another model."""
    net.dtypes()  # this opens the tapped session
    loads: list[int] = []
    load = net.load
    monkeypatch.setattr(net, "load", lambda *given: loads.append(1) or load(*given))
    small, large = (np.zeros((1, 8, size, size), np.float32) for size in (4, 8))
    net.replay({2: {"norm": small}})
    net.replay({2: {"norm": small + 1}})
    assert len(loads) == 1
    net.replay({2: {"norm": large}})
    assert len(loads) == 2


def test_numbers_of_another_type_are_brought_to_the_ops(net: OnnxSubject) -> None:
    """A reference in float64 feeds a float32 op."""
    answers = net.replay({2: {"norm": np.full((1, 8, 8, 8), -2.0)}})
    assert isinstance(answers[2], dict)
    assert answers[2]["active"].dtype == np.float32
    assert not answers[2]["active"].any()


def test_what_cannot_run_says_why_and_the_rest_stands(net: OnnxSubject) -> None:
    """One op that fails does not take the others with it."""
    fine = np.ones((1, 8, 8, 8), np.float32)
    answers = net.replay(
        {
            0: {"image": np.zeros((1, 4, 16, 16), np.float32)},
            1: {},
            2: {"norm": fine},
            3: {},
            99: {},
            10: {"last": fine, "shape": np.array(["a"])},
        }
    )
    assert isinstance(answers[2], dict)
    assert np.array_equal(answers[2]["active"], fine)
    assert str(answers[0]).startswith("Conv does not run alone: ")
    assert answers[1] == "the inputs of BatchNormalization are 'body'; fed were none"
    assert answers[3] == "Identity computes a constant"
    assert answers[99] == "there is no op 99"
    assert answers[10] == "Reshape was fed 'shape', which is not numbers"


def test_a_failure_is_remembered(net: OnnxSubject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next image does not look for the culprit again."""
    bad = {0: {"image": np.zeros((1, 4, 16, 16), np.float32)}}
    first = net.replay(bad)
    monkeypatch.setattr(net, "load", None)
    assert net.replay(bad) == first


def test_a_quantised_op_is_the_unit_that_the_runtime_fuses(int8: OnnxSubject) -> None:
    """A float image is put on the input's grid, and what comes out is on the output's."""
    values = traced(int8, {"image": file_nets.image()})
    op = ends_of(int8, "body")
    assert [int8.graph.producers()[name].kind for name in op.inputs] == ["DequantizeLinear"] * 2
    (fed,) = int8.operands(op)
    answer = int8.replay({op.index: {fed: file_nets.image()}})[op.index]
    assert isinstance(answer, dict)
    output = answer[op.outputs[0]]
    grid = int8.grid_out(op, op.outputs[0])
    assert grid is not None
    assert np.array_equal(grid.onto(output), output)
    rounded = values[op.outputs[0] + "_QuantizeLinear_Output"]
    step = grid.quantization.scale[0]
    assert np.abs(output - rounded).max() <= step * 1.001
    assert (output == rounded).mean() > 0.99


def test_units_one_after_the_other_give_the_deployed_output(int8: OnnxSubject) -> None:
    """Bit for bit: the replayed kernels are those that the optimised session runs."""
    feeds = {"image": file_nets.image(5)}
    values: Arrays = dict(feeds)
    for op in int8.graph.ops:
        if all(name in int8.graph.constants for name in op.outputs):
            continue
        answer = int8.replay({op.index: {n: values[n] for n in int8.operands(op)}})[op.index]
        assert isinstance(answer, dict), answer
        values.update(answer)
    assert np.array_equal(values["head"], int8.clean(feeds)["head"])


def test_what_is_not_finite_is_on_no_grid(int8: OnnxSubject) -> None:
    """The op says so; the others run."""
    op, other = ends_of(int8, "body"), ends_of(int8, "gate")
    feeds = {
        one.index: dict.fromkeys(int8.operands(one), array)
        for one, array in (
            (op, np.full((1, 3, 16, 16), np.nan, np.float32)),
            (other, np.zeros((1, 8, 16, 16), np.float32)),
        )
    }
    answers = int8.replay(feeds)
    fed = int8.operands(op)[0]
    assert answers[op.index] == (
        f"{fed}: expected finite numbers to quantise, found 768 NaN and 0 infinite"
    )
    assert isinstance(answers[other.index], dict)


def test_quantised_tensors_are_traced_as_real_numbers(int8: OnnxSubject) -> None:
    """Integers between QuantizeLinear and DequantizeLinear read as the floats they stand for."""
    values = traced(int8, {"image": file_nets.image()})
    first = int8.graph.ops[0].outputs[0]
    assert values[first].dtype == np.float32
    assert np.abs(values[first] - file_nets.image()).max() < 0.1


def test_sequences_and_control_flow_leave_the_rest(tmp_path: Path) -> None:
    """They are neither looked at nor cut, and what is around them is."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("SplitToSequence", ["r"], ["parts"], axis=1),
        helper.make_node("SequenceAt", ["parts", "k"], ["part"]),
        helper.make_node("If", ["c"], ["z"], then_branch=_branch("a"), else_branch=_branch("b")),
        helper.make_node("Add", ["part", "z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [
            onnx.numpy_helper.from_array(np.array(0), "k"),
            onnx.numpy_helper.from_array(np.array(True), "c"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "m.onnx")
    subject = opened(tmp_path / "m.onnx")
    x = np.arange(-24, 24, dtype=np.float32).reshape(1, 3, 4, 4)
    values = traced(subject, {"x": x})
    assert {"r", "y"} <= set(values)
    assert "parts" not in values
    answers = subject.replay(
        {
            0: {"x": x},
            1: {"r": values["r"]},
            2: {"parts": x},
            3: {},
            4: {"part": x, "z": x},
        }
    )
    assert isinstance(answers[0], dict)
    assert np.array_equal(answers[0]["r"], values["r"])
    assert str(answers[1]).startswith("SplitToSequence does not run alone: ")
    assert str(answers[2]).startswith("SequenceAt does not run alone: ")
    assert answers[3] == "If holds graphs of its own (control flow)"
    subject.close()


def _branch(name: str) -> Any:
    output = helper.make_tensor_value_info(name, FLOAT, None)
    return helper.make_graph([helper.make_node("Neg", ["x"], [name])], name, [], [output])


def chain(path: Path, nodes: list[Any], output: list[Any], **constants: Any) -> OnnxSubject:
    """A network from boxes (1, 8, 4) and scores (1, 1, 8) to y."""
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("boxes", FLOAT, [1, 8, 4]),
            helper.make_tensor_value_info("scores", FLOAT, [1, 1, 8]),
        ],
        [helper.make_tensor_value_info("y", FLOAT, output)],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return opened(path)


def test_sizes_that_depend_on_the_image_are_followed(tmp_path: Path) -> None:
    """NMS keeps another number of boxes on every image, and replays like any op."""
    nodes = [
        helper.make_node(
            "NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"], ["kept"]
        ),
        helper.make_node("Cast", ["kept"], ["y"], to=FLOAT),
    ]
    limits = {"iou": np.float32([0.5]), "least": np.float32([0.3]), "most": [9]}
    subject = chain(tmp_path / "nms.onnx", nodes, ["n", 3], **limits)
    counts = set()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        feeds = {"boxes": rng.uniform(size=(1, 8, 4)), "scores": rng.uniform(size=(1, 1, 8))}
        values = traced(subject, feeds)
        counts.add(values["kept"].shape[0])
        answers = subject.replay(feeds_of(subject, values))
        for op in subject.graph.ops:
            answer = answers[op.index]
            assert isinstance(answer, dict), answer
            assert np.array_equal(answer[op.outputs[0]], values[op.outputs[0]])
    assert len(counts) > 1
    subject.close()


def test_a_file_that_declares_other_sizes_than_it_computes_is_traced(tmp_path: Path) -> None:
    """ONNX Runtime takes it, and so does this."""
    nodes = [
        helper.make_node("Shape", ["boxes"], ["t"]),
        helper.make_node("Expand", ["one", "t"], ["y"]),
    ]
    subject = chain(tmp_path / "wrong.onnx", nodes, [1, 8, 5], one=np.float32(1))
    feeds = {"boxes": np.zeros((1, 8, 4)), "scores": np.zeros((1, 1, 8))}
    assert traced(subject, feeds)["y"].shape == (1, 8, 4)
    assert traced(subject, feeds)["y"].shape == (1, 8, 4)
    subject.close()


def test_other_inputs_than_the_graph_has_are_refused(net: OnnxSubject) -> None:
    """By name, as the adapters do it."""
    with pytest.raises(AdapterError) as caught:
        net.clean({"picture": file_nets.image()})
    assert caught.value.facts["reason"] == "the inputs are image; fed were picture"


def test_closing_leaves_no_file(onnx_folder: Path) -> None:
    """Cut models are written to a private folder."""
    subject = opened(onnx_folder / "net.onnx")
    dict(subject.trace({"image": file_nets.image()}))
    folder = Path(subject._folder.name)
    assert folder.exists()
    subject.close()
    assert not folder.exists()
