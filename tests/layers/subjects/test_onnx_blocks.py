"""Files that ONNX Runtime saved with channels in one processor's blocks: compared all the same.

A block has 8 channels on processors with AVX2 and 16 with AVX-512. What is asked of the deployed
kernels is asked of this processor's; what the file alone tells is asked of every size of block.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

from parity.layers.subjects.onnx import blocks as onnx_blocks
from parity.layers.subjects.onnx import file as onnx_file

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
numpy_helper = onnx.numpy_helper


def blocked(folder: Path, model: Any, name: str = "blocked") -> Path:
    """The file that ONNX Runtime writes at level all."""
    onnx.save(model, folder / f"{name}_plain.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(folder / f"{name}.onnx")
    plain = str(folder / f"{name}_plain.onnx")
    ort.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    if not onnx_blocks.is_blocked(onnx.load(folder / f"{name}.onnx")):
        pytest.skip("no kernels for blocks on this processor: only what files tell is tested")
    return folder / f"{name}.onnx"


def detector(width: int = 20, fault: float = 1.0) -> Any:
    """Depthwise convolutions, a sum, a concatenation, poolings, a resizing, two heads; channels
    that fill no block among them."""
    net = stacks.Stack(4, (1, 3, 32, 32))

    def depthwise(x: str, channels: int) -> str:
        weight = net.constant(net.rng.normal(size=(channels, 1, 3, 3)) / 3)
        return net.op("Conv", x, weight, pads=[1] * 4, group=channels)

    body = net.op("Relu", net.conv("image", 3, 16))
    deep = net.op("Relu", net.conv(net.op("Relu", depthwise(body, 16)), 16, width, 1, fault))
    wide = net.conv(deep, width, width)
    joined = net.op("Relu", net.op("Add", wide, deep))
    small = net.op("MaxPool", joined, kernel_shape=[2, 2], strides=[2, 2])
    small = net.op("LeakyRelu", net.conv(small, width, 32), alpha=0.1)
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    large = net.op("Resize", small, "", scales, mode="nearest", nearest_mode="floor",
                   coordinate_transformation_mode="asymmetric")  # fmt: skip
    both = net.op("Concat", large, net.op("Relu", net.conv(joined, width, 16)), axis=1)
    boxes = net.op("Sigmoid", net.conv(both, 48, 5, 1))
    mean = net.op("GlobalAveragePool", net.op("Relu", net.conv(small, 32, 20)))
    return net.model(boxes, net.op("Flatten", mean))


def table(folder: Path, reference: Any, candidate: Path) -> Any:
    """Of two images of this network."""
    rng = np.random.default_rng(0)
    fed = [rng.normal(size=(1, 3, 32, 32)).astype(np.float32) for _ in range(2)]
    return stacks.compared(folder, reference, candidate, [(one, one) for one in fed])


@pytest.mark.parametrize("width", [8, 16, 20, 32, 44])
def test_blocks_are_compared_as_any_other_layout(tmp_path: Path, width: int) -> None:
    """Every layer has its own size again, is run alone and agrees; nothing is left over."""
    found = table(tmp_path, detector(width), blocked(tmp_path, detector(width)))
    assert (found.coverage, found.uncompared, found.notes) == (1.0, (), ())
    assert {row.verdict for row in found.rows} == {"ok"}
    assert all(row.local_rel_l2 is not None and row.local_rel_l2 < 1e-6 for row in found.rows)
    assert (1, width, 32, 32) in {row.shape for row in found.rows}


def test_what_was_read_is_what_is_deployed(tmp_path: Path) -> None:
    """The blocked file, run as it is, gives what its copy without blocks gives."""
    found = table(tmp_path, detector(), blocked(tmp_path, detector()))
    assert found.observer["candidate"] < 1e-6


@pytest.mark.parametrize("width", [16, 20])
def test_a_fault_in_a_blocked_file_is_found(tmp_path: Path, width: int) -> None:
    """A convolution whose weights are 2 % too large."""
    found = table(tmp_path, detector(width), blocked(tmp_path, detector(width, 1.02)))
    (suspect,) = found.suspects()
    assert suspect.op == "Conv + Relu"
    assert suspect.shape == (1, width, 32, 32)
    assert suspect.local_rel_l2 == pytest.approx(0.02, rel=0.3)


def test_one_number_in_the_blocks_is_found(tmp_path: Path) -> None:
    """Written into the file itself, wherever it lies in its block."""
    file = blocked(tmp_path, detector())
    model = onnx.load(file)
    held = next(one for one in model.graph.initializer if tuple(one.dims)[2:] == (3, 3))
    array = numpy_helper.to_array(held).copy()
    array.reshape(-1)[np.flatnonzero(array)[-5]] *= 3
    held.CopyFrom(numpy_helper.from_array(array, held.name))
    onnx.save(model, file)
    (suspect,) = table(tmp_path, detector(), file).suspects()
    assert "Conv" in suspect.candidate_op


def test_a_shared_weight_is_put_back_once(tmp_path: Path) -> None:
    """Heads of several levels have one weight."""

    def shared() -> Any:
        net = stacks.Stack(1)
        first = net.op("Relu", net.conv("image", 3, 16))
        second = net.op("Relu", net.conv(first, 16, 16))
        weight = net.constant(net.rng.normal(size=(5, 16, 1, 1)))
        return net.model(net.op("Conv", first, weight), net.op("Conv", second, weight))

    found = stacks.compared(tmp_path, shared(), blocked(tmp_path, shared()))
    assert {row.verdict for row in found.rows} == {"ok"}
    assert found.coverage == 1.0


def test_the_probe_tells_the_block_of_this_runtime(tmp_path: Path) -> None:
    """Of 4 channels, as many as fill one."""
    blocked(tmp_path, stacks.relus(2))  # or skip
    session = ort.InferenceSession(onnx_blocks.probe(), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"plain": np.zeros((1, 4, 1, 1), np.float32)})
    assert made.shape[1] in (8, 16, 32)


def test_blocks_of_another_processor_are_refused_aloud(tmp_path: Path) -> None:
    """Without a runtime that knows their size, or of weights that do not fill it, the rows say what
    to compare instead."""
    file = tmp_path / "sixteen.onnx"
    onnx.save(by_hand(16), file)
    said = (
        "Conv has its channels in one processor's blocks (com.microsoft.nchwc): compare the file "
        "before that optimisation, or one saved at level extended"
    )
    for block in (None, lambda: None, lambda: 24):
        found = onnx_file.read(file, block)
        assert said in found.graph.problems.values()
    with pytest.raises(ValueError, match=r"^the weight \(32, 3, 3, 3\) is not in blocks of 24 ch"):
        onnx_blocks.unblocked(onnx.load(file), 24)


def own() -> tuple[list[Any], list[Any]]:
    """Weights (O, I, H, W) and biases of two convolutions, of 20 and of 5 channels."""
    rng = np.random.default_rng(0)
    shapes = [(20, 3, 3, 3), (5, 20, 3, 3)]
    return [rng.normal(size=one) for one in shapes], [rng.normal(size=one[0]) for one in shapes]


def by_hand(block: int) -> Any:
    """These convolutions, a ReLU in the first, as ONNX Runtime writes them in blocks of a size."""
    net = stacks.Stack()
    x, domain = "image", onnx_blocks.DOMAIN
    for weight, bias in zip(*own(), strict=True):
        made, read = (-(-size // block) * block for size in weight.shape[:2])
        read = weight.shape[1] if weight.shape[1] < block else read
        filled = np.zeros((made, read, 3, 3))
        filled[: weight.shape[0], : weight.shape[1]] = weight
        more = np.pad(bias, (0, made - len(bias)))
        held = [net.constant(one) for one in (in_blocks(filled, block), more)]
        extra = {"activation": "Relu"} if x == "image" else {}
        x = net.op("Conv", x, *held, domain=domain, pads=[1] * 4, **extra)
    return net.model(net.op("ReorderOutput", x, domain=domain, channels=5))


@pytest.mark.parametrize("block", [8, 16])
def test_blocks_of_every_size_are_put_back(block: int) -> None:
    """Weights and biases are the network's own, without the zeros that filled the last blocks."""
    found = onnx_blocks.unblocked(by_hand(block), block).graph
    kinds = [(node.domain, node.op_type) for node in found.node]
    assert kinds == [("com.microsoft", "FusedConv"), ("", "Conv"), ("", "Identity")]
    held = {one.name: numpy_helper.to_array(one) for one in found.initializer}
    for node, weight, bias in zip(found.node, *own(), strict=False):
        np.testing.assert_array_equal(held[node.input[1]], np.float32(weight))
        np.testing.assert_array_equal(held[node.input[2]], np.float32(bias))


def in_blocks(weight: Any, block: int) -> Any:
    """A weight (O, I, H, W) with its output channels in blocks, and its input channels where there
    is a whole block of them."""
    made, read, *kernel = weight.shape
    if read < block:
        parts = weight.reshape(made // block, block, read, *kernel).transpose(0, 2, 3, 4, 1)
    else:
        parts = weight.reshape(made // block, block, read // block, block, *kernel)
        parts = parts.transpose(0, 2, 4, 5, 3, 1)
    return np.ascontiguousarray(parts.reshape(weight.shape))


def out_of_blocks(weight: Any, block: int) -> Any:
    """The way back, of a weight with both kinds of channels in blocks."""
    made, read, *kernel = weight.shape
    parts = weight.reshape(made // block, read // block, *kernel, block, block)
    return parts.transpose(0, 5, 1, 4, 2, 3).reshape(weight.shape).copy()


def leaking(file: Path) -> None:
    """Let the first layer of 20 channels fill the 22nd, beyond them, and the next one read it."""
    model = onnx.load(file)
    session = ort.InferenceSession(onnx_blocks.probe(), providers=["CPUExecutionProvider"])
    block = session.run(None, {"plain": np.zeros((1, 4, 1, 1), np.float32)})[0].shape[1]
    held = {one.name: one for one in model.graph.initializer}
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    bias = numpy_helper.to_array(held[convs[2].input[2]]).copy()
    bias[21] = 1
    held[convs[2].input[2]].CopyFrom(numpy_helper.from_array(bias, convs[2].input[2]))
    name = convs[3].input[1]
    weight = out_of_blocks(numpy_helper.to_array(held[name]), block)
    weight[:20, 21] = 0.5
    held[name].CopyFrom(numpy_helper.from_array(in_blocks(weight, block), name))
    onnx.save(model, file)


def test_channels_that_only_seem_to_fill_a_block_are_kept(tmp_path: Path) -> None:
    """The file computes something with them, so what is compared does too: the layer that reads
    such a channel is found, and what was looked at is what is deployed."""
    file = blocked(tmp_path, detector())
    leaking(file)
    found = table(tmp_path, detector(), file)
    assert found.observer["candidate"] < 1e-6
    first = min(found.suspects(), key=lambda row: row.index)
    assert first.op == "Conv + Relu + Conv + Add + Relu + MaxPool"


def test_a_sum_inside_a_convolution_is_a_sum(tmp_path: Path) -> None:
    """A wrong weight in such an op is not called a sum that is missing."""
    found = table(tmp_path, detector(), blocked(tmp_path, altered()))
    (suspect,) = found.suspects()
    assert suspect.op == "Conv + Add + Relu"
    assert "has no Add" not in suspect.note


def altered() -> Any:
    """The detector with a channel of the convolution before the sum 1.5 times as large."""
    model = detector()
    name = [node for node in model.graph.node if node.op_type == "Conv"][3].input[1]
    held = next(one for one in model.graph.initializer if one.name == name)
    weight = numpy_helper.to_array(held).copy()
    weight[0] *= 1.5
    held.CopyFrom(numpy_helper.from_array(weight, name))
    return model
