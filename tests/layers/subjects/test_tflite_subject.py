"""LiteRT, open for looking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import file_nets
import flatbuffers
import numpy as np
import pytest
from flatbuffers import flexbuffers

from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.runtimes.contract import Artifact

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
Arrays = dict[str, Any]
FORMATS = ("float32", "float16", "dynamic", "int8")


@pytest.fixture(params=FORMATS)
def subject(request: pytest.FixtureRequest, tflite_folder: Path) -> Iterator[TFLiteSubject]:
    """The network in every format, with XNNPACK."""
    made = opened(tflite_folder, request.param)
    yield made
    made.close()


@pytest.fixture
def int8(tflite_folder: Path) -> Iterator[TFLiteSubject]:
    """The quantised network."""
    made = opened(tflite_folder, "int8")
    yield made
    made.close()


def opened(folder: Path, name: str, **options: Any) -> TFLiteSubject:
    """A subject of one of the files with options of the runtime."""
    return TFLiteSubject(Artifact(str(folder / f"{name}.tflite"), options=options))


def feed(subject: TFLiteSubject, seed: int = 0) -> Arrays:
    """A picture for the network."""
    return {subject.graph.inputs[0]: file_nets.image(seed).transpose(0, 2, 3, 1)}


def traced(subject: TFLiteSubject, feeds: Arrays) -> Arrays:
    """Every tensor, and the inputs on their grid."""
    values = {name: array.copy() for name, array in subject.trace(feeds)}
    for name, array in feeds.items():
        grid = subject.grids.get(name)
        values[name] = array if grid is None else grid.onto(array)
    return values


def feeds_of(subject: TFLiteSubject, values: Arrays) -> dict[int, Arrays]:
    """What every op reads."""
    return {op.index: {n: values[n] for n in subject.operands(op)} for op in subject.graph.ops}


def test_looking_changes_no_bit(subject: TFLiteSubject) -> None:
    """The outputs with all tensors preserved are those of the deployed interpreter."""
    feeds = feed(subject)
    values = traced(subject, feeds)
    clean = subject.clean(feeds)
    assert set(clean) == set(subject.graph.outputs)
    for name, array in clean.items():
        assert np.array_equal(values[name], array)


def test_trace_gives_every_tensor_in_execution_order(subject: TFLiteSubject) -> None:
    """All that ops make but constants, as real numbers."""
    names = [name for name, _ in subject.trace(feed(subject))]
    graph = subject.graph
    assert names == [n for op in graph.ops for n in op.outputs if n not in graph.constants]


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_op_replays_bit_for_bit(tflite_folder: Path, name: str, delegate: str) -> None:
    """On its own tensors, all ops in one run, with the deployment's kernels and delegate."""
    subject = opened(tflite_folder, name, delegate=delegate)
    values = traced(subject, feed(subject))
    answers = subject.replay(feeds_of(subject, values))
    ran = 0
    for op in subject.graph.ops:
        answer = answers[op.index]
        if isinstance(answer, str):
            assert answer == "DEQUANTIZE computes a constant"
            continue
        ran += 1
        for output in op.outputs:
            assert np.array_equal(answer[output], values[output]), op
    assert ran == 11
    subject.close()


def test_ops_one_at_a_time_are_the_ops_together(int8: TFLiteSubject) -> None:
    """One model of many ops is a matter of time only."""
    values = traced(int8, feed(int8))
    feeds = feeds_of(int8, values)
    together = int8.replay(feeds)
    for index, given in feeds.items():
        alone = int8.replay({index: given})[index]
        both = together[index]
        assert isinstance(alone, dict)
        assert isinstance(both, dict)
        assert all(np.array_equal(alone[name], both[name]) for name in alone)


def test_real_numbers_are_put_on_the_grid_of_an_int8_op(int8: TFLiteSubject) -> None:
    """A float reference feeds an int8 op; what comes out is real again."""
    op = next(op for op in int8.graph.ops if op.kind == "MAX_POOL_2D")
    (name,) = int8.operands(op)
    answer = int8.replay({op.index: {name: np.full((1, 8, 8, 8), 1.0, np.float32)}})[op.index]
    assert isinstance(answer, dict)
    step = int8.grids[name].quantization.scale[0]
    assert np.abs(answer[op.outputs[0]] - 1).max() <= step / 2


def test_an_input_that_one_op_reads_twice_is_one_input(tflite_folder: Path, tmp_path: Path) -> None:
    """x + x has one operand."""
    made = schema.ModelT.InitFromPackedBuf((tflite_folder / "float32.tflite").read_bytes(), 0)
    subject = opened(tflite_folder, "float32")
    index = next(op.index for op in subject.graph.ops if op.kind == "ADD")
    subject.close()
    add = made.subgraphs[0].operators[index]
    add.inputs = [add.inputs[0], add.inputs[0]]
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    (tmp_path / "twice.tflite").write_bytes(builder.Output())
    subject = opened(tmp_path, "twice")
    op = subject.graph.ops[index]
    (name,) = subject.operands(op)
    x = np.ones((1, 8, 8, 8), np.float32)
    answer = subject.replay({index: {name: x}})[index]
    assert isinstance(answer, dict)
    assert np.array_equal(answer[op.outputs[0]], x + x)
    subject.close()


def test_what_cannot_run_says_why_and_the_rest_stands(int8: TFLiteSubject) -> None:
    """One op that fails does not take the others with it."""
    values = traced(int8, feed(int8))
    feeds = feeds_of(int8, values)
    add = next(op for op in int8.graph.ops if op.kind == "ADD")
    feeds[add.index] = {
        add.inputs[0]: np.zeros((1, 8, 8, 8), np.float32),
        add.inputs[1]: np.zeros((1, 7, 7, 5), np.float32),
    }
    answers = int8.replay(feeds)
    assert str(answers[add.index]).startswith("ADD does not run alone: ")
    rest = [answer for index, answer in answers.items() if index != add.index]
    assert all(isinstance(answer, dict) for answer in rest)


def test_dynamic_shapes_come_from_the_traced_run(tmp_path: Path) -> None:
    """A file may leave sizes open, and compute a shape while it runs."""
    tf = pytest.importorskip("tensorflow")

    class Net(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
        def __call__(self, x: Any) -> Any:
            flat = tf.reshape(x, [tf.shape(x)[0] * 3, -1])
            return {"y": tf.nn.relu(tf.concat([flat, flat], 0))}

    net = Net()
    made = tf.lite.TFLiteConverter.from_concrete_functions([net.__call__.get_concrete_function()])
    (tmp_path / "open.tflite").write_bytes(made.convert())
    subject = opened(tmp_path, "open")
    for rows in (4, 6):
        x = np.random.default_rng(0).normal(size=(rows, 5, 3)).astype(np.float32)
        feeds = {subject.graph.inputs[0]: x}
        values = traced(subject, feeds)
        assert values[subject.graph.outputs[0]].shape == (rows * 6, 5)
        answers = subject.replay(feeds_of(subject, values))
        for op in subject.graph.ops:
            answer = answers[op.index]
            assert isinstance(answer, dict), answer
            assert np.array_equal(answer[op.outputs[0]], values[op.outputs[0]])
    subject.close()


def postprocess(path: Path) -> None:
    """x + x, and then the custom op that decodes boxes and suppresses."""
    options = flexbuffers.Builder()
    with options.Map():
        for key in ("max_detections", "max_classes_per_detection", "num_classes"):
            options.Int(key, {"max_detections": 5, "num_classes": 2}.get(key, 1))
        for key in ("nms_score_threshold", "nms_iou_threshold"):
            options.Float(key, 0.4)
        for key in ("x_scale", "y_scale", "w_scale", "h_scale"):
            options.Float(key, 5.0)
        options.Bool("use_regular_nms", False)
    graph, model, anchors = schema.SubGraphT(), schema.ModelT(), schema.BufferT()
    anchors.data = np.random.default_rng(0).uniform(0.2, 0.8, 32).astype(np.float32).view(np.uint8)
    model.buffers, model.subgraphs, model.version = [schema.BufferT(), anchors], [graph], 3
    shapes = [(1, 8, 4), (1, 8, 3), (8, 4), (1, 8, 4), (1, 5, 4), (1, 5), (1, 5), (1,)]
    names = ["boxes", "scores", "anchors", "twice", "where", "what", "how", "many"]
    graph.tensors = []
    for name, shape in zip(names, shapes, strict=True):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), np.array(shape, np.int32), 0
        tensor.buffer = int(name == "anchors")
        graph.tensors.append(tensor)
    model.operatorCodes = [schema.OperatorCodeT(), schema.OperatorCodeT()]
    custom = model.operatorCodes[1]
    custom.builtinCode = custom.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    custom.customCode = b"TFLite_Detection_PostProcess"
    add, nms = schema.OperatorT(), schema.OperatorT()
    add.inputs, add.outputs, add.opcodeIndex = [0, 0], [3], 0
    add.builtinOptionsType = schema.BuiltinOptions.AddOptions
    add.builtinOptions = schema.AddOptionsT()
    nms.inputs, nms.outputs, nms.opcodeIndex = [3, 1, 2], [4, 5, 6, 7], 1
    nms.customOptions = np.frombuffer(bytes(options.Finish()), np.uint8)
    graph.operators, graph.inputs, graph.outputs = [add, nms], [0, 1], [4, 5, 6, 7]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())


def test_a_custom_op_that_the_library_knows_replays(tmp_path: Path) -> None:
    """Its options are bytes that the file does not explain, and are copied."""
    postprocess(tmp_path / "nms.tflite")
    subject = opened(tmp_path, "nms")
    rng = np.random.default_rng(1)
    feeds = {"boxes": rng.normal(size=(1, 8, 4)), "scores": rng.uniform(size=(1, 8, 3))}
    values = traced(subject, feeds)
    answer = subject.replay({1: {name: values[name] for name in ("twice", "scores")}})[1]
    assert isinstance(answer, dict), answer
    assert set(answer) == set(subject.graph.outputs)
    for name, array in answer.items():
        assert np.array_equal(array, values[name])
    assert values["many"] > 0
    subject.close()
