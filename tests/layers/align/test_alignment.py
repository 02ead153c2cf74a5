"""Traps of alignment and of cause marking, on small networks that run in numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy_subject import Net, NumpySubject, damaged

from parity.layers.align.alignment import AlignmentError
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import LayerRow, LayerTable
from parity.runtimes.contract import Graph


def seeded(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal weights, scaled so that activations keep their size."""
    values = np.random.default_rng(seed).normal(size=shape)
    return (values / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def images(*shape: int, count: int = 1) -> list[np.ndarray]:
    """Seeded images (1, C, H, W)."""
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape).astype(np.float32) for _ in range(count)]


def compared(reference: Graph, candidate: Graph, inputs: list[np.ndarray], **options) -> LayerTable:
    """The table of two numpy networks; TFLite-like ones are fed channels last."""

    def fed(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": image if graph.format == "onnx" else image.transpose(0, 2, 3, 1)}

    feeds = [(fed(reference, one), fed(candidate, one)) for one in inputs]
    return compare_layers(
        NumpySubject(reference), NumpySubject(candidate, **options), feeds, quantized=False
    )


def introduced(table: LayerTable) -> list[str]:
    """The candidate's kinds of the regions that introduced an error."""
    return [row.candidate_op for row in table.rows if row.verdict == "introduced"]


def row_of(table: LayerTable, kind: str) -> LayerRow:
    """The only row with that kind among its candidate ops."""
    (found,) = [row for row in table.rows if kind in row.candidate_op.split(" + ")]
    return found


def residual(graph_format: str, prefix: str = "t", relu: bool = True, channels: int = 8) -> Graph:
    """Conv, depthwise, 1x1 with a residual and two heads of four values, concatenated."""
    net = Net(graph_format, prefix)
    x = net.relu(net.conv("image", seeded(channels, 3, 3, 3), pad=1))
    y = net.conv(x, seeded(channels, 1, 3, 3, seed=1), group=channels, pad=1)
    y = net.conv(net.relu(y) if relu else y, seeded(channels, channels, 1, 1, seed=2))
    x = net.add(x, y)
    heads = []
    for seed in (3, 4):
        head = net.conv(x, seeded(8, channels, 1, 1, seed=seed))
        if graph_format == "onnx":
            head = net.transpose(head, 0, 2, 3, 1)
        heads.append(net.reshape(head, 1, -1, 4))
    return net.graph(net.concat(*heads, axis=1))


def test_healthy_networks_of_two_formats_agree_layer_by_layer():
    """Every op is compared, in its own layout, and none is marked."""
    table = compared(residual("onnx"), residual("tflite"), images(1, 3, 10, 12, count=3))
    assert table.coverage == 1.0
    assert table.images == 3
    assert {row.verdict for row in table.rows} == {"ok"}
    assert max(row.local_rel_l2 for row in table.rows) < 1e-6
    assert row_of(table, "ADD").layout == "NCHW > NHWC"
    assert table.observer == {"reference": 0.0, "candidate": 0.0}


def test_names_that_lie_change_nothing():
    """The candidate calls every tensor by another one's name; names are never looked at."""
    honest = compared(residual("onnx"), residual("tflite"), images(1, 3, 10, 12))
    reference, candidate = residual("onnx", "net"), residual("tflite", "net")
    liar = {name: f"net_{len(candidate.ops) - 1 - i}" for i, name in enumerate(
        [op.outputs[0] for op in candidate.ops])}  # fmt: skip
    ops = tuple(
        replace(
            op,
            name=f"{liar[op.outputs[0]]}_op",
            inputs=tuple(liar.get(one, one) for one in op.inputs),
            outputs=(liar[op.outputs[0]],),
        )
        for op in candidate.ops
    )
    outputs = tuple(liar[one] for one in candidate.outputs)
    table = compared(reference, replace(candidate, ops=ops, outputs=outputs), images(1, 3, 10, 12))
    assert [row.evidence for row in table.rows] == [row.evidence for row in honest.rows]
    assert {row.verdict for row in table.rows} == {"ok"}


def test_a_missing_relu_does_not_hide():
    """The tensor before it is nearer in value; by its reader it is the activation's place."""
    table = compared(residual("onnx"), residual("tflite", relu=False), images(1, 3, 10, 12))
    assert introduced(table) == ["DEPTHWISE_CONV_2D"]
    row = row_of(table, "DEPTHWISE_CONV_2D")
    assert (row.op, row.evidence) == ("Conv + Relu", "consumer")
    assert row.local_rel_l2 > 0.5
    assert {row.verdict for row in table.rows[row.index + 1 :]} == {"inherited"}


@pytest.mark.parametrize("channels", [8, 6], ids=["C = H = W", "square map"])
def test_height_and_width_swapped_show_as_an_error(channels):
    """On a square map the shapes agree; no layout is searched in which the numbers would."""
    graphs = []
    for swap in (False, True):
        net = Net("onnx" if not swap else "tflite", "a" if not swap else "b")
        x = net.relu(net.conv("image", seeded(channels, 3, 3, 3), pad=1))
        if swap:
            x = net.transpose(x, 0, 2, 1, 3)
        graphs.append(net.graph(net.conv(x, seeded(4, channels, 3, 3, seed=1), pad=1)))
    table = compared(*graphs, images(1, 3, 8, 8))
    assert introduced(table) == ["TRANSPOSE"]
    assert table.suspects(1)[0].local_rel_l2 > 0.1


def test_equal_channels_height_and_width_are_still_told_apart():
    """C = H = W: channels are where the convolution has them."""
    graphs = [residual(one, channels=8) for one in ("onnx", "tflite")]
    table = compared(*graphs, images(1, 3, 8, 8))
    assert {row.verdict for row in table.rows} == {"ok"}


def branches(graph_format: str, order: tuple[int, int], fault: bool = False) -> Graph:
    """Two branches of equal weights with unlike heads, concatenated in the listed order."""
    net = Net(graph_format, graph_format)
    made = {}
    for place in order:
        x = net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1))
        weight = seeded(4, 4, 3, 3, seed=1)
        x = net.relu(net.conv(x, weight * (1.3 if fault and place == 1 else 1), pad=1))
        made[place] = net.conv(x, seeded(4, 4, 1, 1, seed=2 + place))
    axis = 1 if graph_format == "onnx" else -1
    return net.graph(net.concat(made[0], made[1], axis=axis))


def test_two_identical_branches_are_paired_by_where_they_lead():
    """Equal weights on equal inputs; the fault in one of them is found in that one."""
    table = compared(branches("onnx", (0, 1)), branches("tflite", (1, 0)), images(1, 3, 9, 7))
    assert {row.verdict for row in table.rows} == {"ok"}
    reference, candidate = branches("onnx", (0, 1)), branches("tflite", (1, 0), fault=True)
    table = compared(reference, candidate, images(1, 3, 9, 7))
    assert introduced(table)[:1] == ["CONV_2D"]
    assert table.suspects(1)[0].candidate_ops[0] == 2  # branch 1 is built first


def test_a_tied_weight_is_compared_use_by_use():
    """One tower on two maps: every use is paired with the use on the same map."""
    graphs = []
    for graph_format in ("onnx", "tflite"):
        net = Net(graph_format, graph_format)
        large = net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1))
        small = net.relu(net.conv(large, seeded(4, 4, 3, 3, seed=1), pad=1, stride=2))
        heads = []
        maps = (large, small) if graph_format == "onnx" else (small, large)
        for x in maps:
            head = net.relu(net.conv(x, seeded(4, 4, 3, 3, seed=2), pad=1))
            if graph_format == "onnx":
                head = net.transpose(head, 0, 2, 3, 1)
            heads.append(net.reshape(head, 1, -1, 4))
        if graph_format == "tflite":
            heads.reverse()
        graphs.append(net.graph(net.concat(*heads, axis=1)))
    table = compared(*graphs, images(1, 3, 8, 12))
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}


def test_an_op_that_reads_the_wrong_tensor_is_the_one_to_blame():
    """Not the op that made the tensor, although by its reader it should be another one."""
    graphs = []
    for wrong in (False, True):
        net = Net("tflite" if wrong else "onnx", "x")
        x = net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1))
        y = net.relu(net.conv(x, seeded(4, 4, 3, 3, seed=1), pad=1))
        z = net.conv(x if wrong else y, seeded(4, 4, 1, 1, seed=2))
        graphs.append(net.graph(net.add(net.relu(z), y)))
    table = compared(*graphs, images(1, 3, 8, 8))
    (blamed,) = [row for row in table.rows if row.verdict == "introduced"]
    assert blamed.candidate == "x_4_op"
    assert blamed.note == "reads x_1 where the reference reads x_3"


def test_nan_in_the_middle_is_found_where_it_begins():
    """The op that makes it is nonfinite; what only reads it is inherited."""
    graphs = []
    for kind in ("Identity", "NaN"):
        net = Net("onnx", kind)
        x = net.op(kind, net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1)))
        x = net.relu(net.conv(x, seeded(4, 4, 3, 3, seed=1), pad=1))
        graphs.append(net.graph(net.conv(x, seeded(4, 4, 1, 1, seed=2))))
    table = compared(*graphs, images(1, 3, 8, 8))
    (first,) = [row for row in table.rows if row.verdict == "nonfinite"]
    assert "NaN" in first.candidate_op
    assert first.nonfinite == 1
    assert table.suspects(1) == (first,)
    assert {row.verdict for row in table.rows[first.index + 1 :]} == {"inherited"}


def test_a_one_dimensional_output_off_by_100_is_introduced():
    """Small outputs count like large ones."""
    graphs = []
    for shift in (0.0, 100.0):
        net = Net("onnx", f"n{shift}")
        x = net.reshape(net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1)), 1, 256)
        x = net.reshape(net.op("MatMul", x, net.constant(seeded(256, 10, seed=1))), 10)
        graphs.append(net.graph(net.op("Add", x, net.constant(np.full(10, shift)))))
    table = compared(*graphs, images(1, 3, 8, 8))
    assert table.rows[-1].verdict == "introduced"
    assert table.rows[-1].max_abs == pytest.approx(100)
    assert table.rows[-1].shape == (10,)


def test_weights_off_by_two_percent_point_at_their_layer():
    """The rest is inherited."""
    candidate = residual("tflite")
    name = candidate.ops[2].inputs[1]
    noise = np.random.default_rng(0).choice([0.98, 1.02], size=candidate.constants[name].shape)
    broken = damaged(candidate, name, candidate.constants[name] * noise.astype(np.float32))
    table = compared(residual("onnx"), broken, images(1, 3, 10, 12, count=2))
    assert introduced(table) == ["DEPTHWISE_CONV_2D"]
    assert 0.01 < table.suspects(1)[0].local_rel_l2 < 0.03


def test_an_input_that_differs_is_said_to_be_the_cause():
    """Every accumulated error is large, every local one nothing: no layer is to blame."""
    reference, candidate = residual("onnx"), residual("tflite")
    (image,) = images(1, 3, 10, 12)
    swapped = image[:, ::-1].transpose(0, 2, 3, 1)
    feeds = [({"image": image}, {"image": swapped})]
    table = compare_layers(NumpySubject(reference), NumpySubject(candidate), feeds, quantized=False)
    assert table.input_differs
    assert introduced(table) == []
    assert {row.verdict for row in table.rows} == {"inherited"}
    assert table.notes[0].startswith(
        "Every layer is far off and none of them by its own doing: the input differs (relative L2"
    )


def test_an_op_that_cannot_run_alone_says_so_and_the_rest_stands():
    """Its row has no local error and says why; other rows have theirs."""
    graphs = [residual("onnx"), residual("tflite")]
    table = compared(*graphs, images(1, 3, 10, 12), uncut=("ADD",))
    row = row_of(table, "ADD")
    assert (row.local_rel_l2, row.note) == (None, "ADD cannot run alone")
    assert row.rel_l2 < 1e-6
    others = [one for one in table.rows if one is not row]
    assert all(one.local_rel_l2 is not None for one in others)


def test_a_layer_that_only_one_side_has_is_listed():
    """A second head of the candidate has no partner."""
    net = Net("onnx", "a")
    reference = net.graph(net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1)))
    net = Net("onnx", "b")
    x = net.relu(net.conv("image", seeded(4, 3, 3, 3), pad=1))
    extra = net.op("Sigmoid", net.conv(x, seeded(2, 4, 1, 1, seed=9)), name="more")
    candidate = net.graph(x, extra)
    table = compared(reference, candidate, images(1, 3, 8, 8))
    listed = [(row.candidate, row.note) for row in table.rows if row.verdict == "unpaired"]
    assert listed == [
        ("b_2_op", "no tensor of the reference is it"),
        ("more_op", "no tensor of the reference is it"),
    ]
    assert table.coverage == 0.5


def other_weights(graph: Graph) -> Graph:
    """The same network, trained anew."""
    rng = np.random.default_rng(99)
    changed = {
        name: rng.normal(size=value.shape).astype(np.float32)
        for name, value in graph.constants.items()
    }
    return replace(graph, constants=changed)


def nothing_in_common(_: Graph) -> Graph:
    """Another function altogether, without weights."""
    net = Net("tflite", "x")
    return net.graph(net.op("LOGISTIC", "image"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            other_weights,
            "expected weights that the reference and the candidate have in common, found none "
            "among 5 and 5 layers: do both come from one training?",
        ),
        (
            nothing_in_common,
            "expected layers that the reference and the candidate have in common, found none: "
            "5 and 0 layers with weights, none of them alike, and no values that agree. Are both "
            "the same network?",
        ),
    ],
    ids=["other weights", "other network"],
)
def test_zero_coverage_is_an_error(change: Callable[[Graph], Graph], message: str):
    """Never an empty table that looks healthy."""
    with pytest.raises(AlignmentError) as caught:
        compared(residual("onnx"), change(residual("tflite")), images(1, 3, 10, 12))
    assert str(caught.value) == message
    assert caught.value.exit_code == 3


def test_no_image_is_an_error():
    """A table of nothing is no table."""
    with pytest.raises(AlignmentError, match="expected an image to compare layers on, found none"):
        compared(residual("onnx"), residual("tflite"), [])


def test_images_stream_to_the_same_table():
    """The worst of three images together is the worst of three tables."""
    reference, candidate = residual("onnx"), residual("tflite", relu=False)
    shots = images(1, 3, 10, 12, count=3)
    together = compared(reference, candidate, shots)
    alone = [compared(reference, candidate, [one]) for one in shots]
    for index, row in enumerate(together.rows):
        errors = [table.rows[index].rel_l2 for table in alone]
        assert row.rel_l2 == max(errors)
        assert row.mean_rel_l2 == pytest.approx(np.mean(errors))
        assert row.worst_image == int(np.argmax(errors))
