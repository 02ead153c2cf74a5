"""Which layer is named: faults in many layers, layers that cannot run alone, inputs that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from file_nets import image
from onnx_nets import OnnxNet, compared, int8

from parity.layers.verdict.table import LayerTable
from parity.report.layers.text import headline

SAME = [(image(1), image(1)), (image(2), image(2))]


def introduced(table: LayerTable) -> list[str]:
    """The candidate's kinds of the regions that introduce an error."""
    return [row.candidate_op for row in table.rows if row.verdict == "introduced"]


def leaky(slope: float) -> Any:
    """Six convolutions, each with a LeakyReLU."""
    net, x, channels = OnnxNet(), "image", 3
    for _ in range(6):
        x = net.op("LeakyRelu", net.conv(x, (channels, 8)), alpha=slope)
        channels = 8
    return net.model(x)


def norms(epsilon: float) -> Any:
    """Six convolutions, each with a batch norm and a ReLU."""
    net, x, channels = OnnxNet(), "image", 3
    for _ in range(6):
        x, channels = net.conv(x, (channels, 8)), 8
        sizes = [net.constant(np.full(8, one, np.float32)) for one in (1.0, 0.1, 0.1, 0.7)]
        x = net.op("Relu", net.op("BatchNormalization", x, *sizes, epsilon=epsilon))
    return net.model(x)


def convs(factors: tuple[float, ...]) -> Any:
    """Convolutions whose weights are so many times what they should be."""
    net, x, channels = OnnxNet(), "image", 3
    for factor in factors:
        x, channels = net.conv(x, (channels, 8), factor), 8
    return net.model(x)


@pytest.mark.parametrize(
    ("reference", "candidate", "expected"),
    [
        (leaky(0.1), leaky(0.01), ["LeakyRelu"] * 6),
        (norms(1e-5), norms(1e-1), ["BatchNormalization"] * 6),
        (convs((1, 1, 1, 1)), convs((1, 1.2, 1.2, 1)), ["Conv"] * 2),
    ],
    ids=["slope", "epsilon", "half of the weights"],
)
def test_a_fault_in_every_layer_of_a_kind_is_not_its_own_measure(
    tmp_path: Path, reference: Any, candidate: Any, expected: list[str]
) -> None:
    """What float32 cannot explain is marked, whatever the median of the kind."""
    assert introduced(compared(tmp_path, reference, candidate, SAME)) == expected


def conditional(slope: float, first: bool = False) -> Any:
    """Convolutions around an If of two LeakyReLUs, which nothing can run alone."""
    from onnx import TensorProto, helper

    net = OnnxNet()
    x = "image" if first else net.conv("image", (3, 3))
    mean = net.op("ReduceMean", x, keepdims=0)
    asked = net.op("Less", mean, net.constant(np.float32(1e9)))
    branches = []
    for name, alpha in (("yes", slope), ("no", 0.9)):
        made = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        node = helper.make_node("LeakyRelu", [x], [name], alpha=alpha)
        branches.append(helper.make_graph([node], name, [], [made]))
    x = net.op("If", asked, then_branch=branches[0], else_branch=branches[1])
    for channels in ((3, 8), (8, 8), (8, 8)):
        x = net.op("Relu", net.conv(x, channels))
    return net.model(x)


@pytest.mark.parametrize("first", [False, True], ids=["in the middle", "first of all"])
def test_a_layer_that_cannot_run_alone_is_the_suspect_where_its_error_begins(
    tmp_path: Path, first: bool
) -> None:
    """What it reads agrees and what it makes does not: never ok, and never the input's doing."""
    table = compared(tmp_path, conditional(0.1, first), conditional(0.5, first), SAME)
    (row,) = table.suspects()
    assert (row.candidate_op, row.local_rel_l2) == ("If", None)
    assert row.note == (
        "could not be run alone, but what it reads agrees and what it makes does not; "
        "If holds graphs of its own (control flow)"
    )
    assert not table.input_differs
    assert {one.verdict for one in table.rows[row.index + 1 :]} == {"inherited"}
    name = row.candidate
    assert table.notes[0] == (
        f"Every layer that could be run alone is fine; {name} could not be, and is the first "
        "whose result is off."
    )
    assert f"; the suspect is {row.layer} (If, accumulated relative L2 0." in headline("x", table)
    assert headline("x", table).endswith(", not run alone)")


def test_a_layer_that_cannot_run_alone_and_whose_result_agrees_is_ok(tmp_path: Path) -> None:
    """The result was measured, and is the reference's."""
    table = compared(tmp_path, conditional(0.1), conditional(0.1), SAME)
    assert {row.verdict for row in table.rows} == {"ok"}
    assert table.notes == ()


def attention(transposed: bool) -> Any:
    """A map of 64 channels and 64 positions as a matrix, the right way round or not."""
    net = OnnxNet(shape=(1, 3, 8, 8))
    x = net.op("Relu", net.conv("image", (3, 64)))
    x = net.op("Reshape", x, net.constant([1, 64, 64]))
    if transposed:
        x = net.op("Transpose", x, perm=[0, 2, 1])
    x = net.op("MatMul", x, net.draw(64, 64, scale=0.12))
    return net.model(net.op("MatMul", net.op("Tanh", x), net.draw(64, 5, scale=0.2)))


def test_layouts_that_cannot_be_brought_together_are_no_pass(tmp_path: Path) -> None:
    """No order of the values explains the difference: a missing transpose is a suspect."""
    shots = [(one, one) for one in (image(1, (1, 3, 8, 8)), image(2, (1, 3, 8, 8)))]
    table = compared(tmp_path, attention(transposed=True), attention(transposed=False), shots)
    assert table.suspects()
    assert not [row for row in table.rows if row.verdict == "ok" and row.rel_l2 is None]


DIFFERENT = {
    "blue for red": lambda one: np.ascontiguousarray(one[:, ::-1]),
    "2 % darker": lambda one: one * np.float32(0.98),
    "a constant more": lambda one: one + np.float32(0.05),
    "mirrored": lambda one: np.ascontiguousarray(one[..., ::-1]),
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_another_input_is_said_to_be_the_cause(tmp_path: Path, change: Any) -> None:
    """Whatever its size beyond rounding; no layer is blamed."""
    shots = [(image(seed), change(image(seed))) for seed in (1, 2)]
    table = compared(tmp_path, norms(1e-3), norms(1e-3), shots)
    assert table.input_differs
    assert not table.suspects()
    assert "the input differs (relative L2" in table.notes[0]


def test_another_input_of_an_int8_network_is_said_to_be_the_cause(onnx_folder: Path) -> None:
    """Its local errors are what int8 must cost, and so no layer is to blame."""
    import onnx

    reference, candidate = (
        onnx.load(onnx_folder / name) for name in ("silu.onnx", "silu_int8.onnx")
    )
    for change in DIFFERENT.values():
        shots = [(image(seed), change(image(seed))) for seed in (1, 2)]
        table = compared(onnx_folder, reference, candidate, shots)
        assert table.input_differs
        assert not table.suspects()


def test_another_input_is_mentioned_beside_a_faulty_layer(tmp_path: Path) -> None:
    """Both are true at once."""
    shots = [(image(1), image(1) * np.float32(0.98))]
    table = compared(tmp_path, convs((1, 1, 1)), convs((1, 1.2, 1)), shots)
    assert introduced(table) == ["Conv"]
    assert not table.input_differs
    assert table.notes[0] == (
        "The input differs (relative L2 0.02), and that adds to what layers introduce: compare "
        "both runtimes' preprocessing."
    )


def test_an_equal_input_is_never_the_cause(tmp_path: Path) -> None:
    """Every layer is off behind the first, and the input is the same."""
    table = compared(tmp_path, convs((1, 1, 1)), convs((1.3, 1, 1)), SAME)
    assert (table.input_rel_l2, table.input_differs) == (0.0, False)
    assert introduced(table) == ["Conv"]


def masked(bias: float) -> Any:
    """A sum with the -inf of an attention mask before a softmax."""
    net = OnnxNet()
    mask = np.zeros((1, 8, 16, 16), np.float32)
    mask[..., 8:] = -np.inf
    x = net.op("Add", net.conv("image", (3, 8)), net.constant(mask + np.float32(bias)))
    return net.model(net.conv(net.op("Softmax", x, axis=-1), (8, 4)))


def test_infinities_that_both_sides_have_are_healthy(tmp_path: Path) -> None:
    """A mask of -inf is no error; nor does looking change anything."""
    table = compared(tmp_path, masked(0), masked(0), SAME)
    assert {row.verdict for row in table.rows} == {"ok"}
    assert {row.nonfinite for row in table.rows} == {0}
    assert table.notes == ()


def root(protected: bool) -> Any:
    """A square root of what may be negative."""
    net = OnnxNet()
    x = net.conv("image", (3, 8))
    x = net.op("Sqrt", net.op("Abs", x) if protected else x)
    return net.model(net.op("Relu", x))


def test_nan_on_both_sides_agrees_and_nan_on_one_does_not(tmp_path: Path) -> None:
    """Only what one side alone cannot count is a finding."""
    both = compared(tmp_path, root(False), root(False), SAME)
    assert {row.verdict for row in both.rows} == {"ok"}
    assert both.notes == ()
    one = compared(tmp_path, root(True), root(False), SAME)
    assert next(row.verdict for row in one.rows if row.nonfinite) == "nonfinite"


def dead(extra: float, bias: float = -100.0) -> Any:
    """A branch whose ReLU lets nothing through, plus a number that is next to nothing."""
    net = OnnxNet()
    x = net.op("Relu", net.conv("image", (3, 8)))
    branch = net.op("Add", net.conv(x, (8, 8)), net.constant(np.float32(bias)))
    branch = net.op("Add", net.op("Relu", branch), net.constant(np.float32(extra)))
    x = net.op("Add", net.conv(x, (8, 8)), branch)
    return net.model(net.conv(net.op("Relu", x), (8, 4)))


def test_a_reference_of_zeros_has_an_error_relative_to_the_network(tmp_path: Path) -> None:
    """1e-12 in place of 0 is nothing; a branch that is alive is something."""
    nothing = compared(tmp_path, dead(0.0), dead(1e-12), SAME)
    assert not nothing.suspects()
    assert compared(tmp_path, dead(0.0), dead(0.0, bias=0.0), SAME).suspects()


def suppressed(threshold: float) -> Any:
    """Boxes and scores through a NonMaxSuppression that is part of the network."""
    net = OnnxNet()
    x = net.op("Relu", net.conv("image", (3, 8), strides=[2, 2]))
    heads = []
    for size in (4, 1):
        head = net.op("Transpose", net.conv(x, (8, size)), perm=[0, 2, 3, 1])
        head = net.op("Reshape", head, net.constant([1, -1, size]))
        heads.append(net.op("Sigmoid", head))
    boxes, scores = heads[0], net.op("Transpose", heads[1], perm=[0, 2, 1])
    limits = net.constant(np.array(50)), net.constant(np.float32(0.5))
    kept = net.op("NonMaxSuppression", boxes, scores, *limits, net.constant(np.float32(threshold)))
    places = net.op("Gather", kept, net.constant(np.array(2)), axis=1)
    flat = net.op("Squeeze", boxes, net.constant([0]))
    found = net.op("Gather", flat, places, axis=0)
    return net.model(net.op("Mul", found, net.constant(np.float32(16))))


@pytest.mark.parametrize("threshold", [0.6, 2.0], ids=["fewer boxes", "none at all"])
def test_a_suppression_that_keeps_other_boxes_is_named(tmp_path: Path, threshold: float) -> None:
    """Its result has another size, and so is paired with nothing: its place tells."""
    table = compared(tmp_path, suppressed(0.3), suppressed(threshold), SAME)
    (row,) = table.suspects()
    assert row.candidate_op.endswith("NonMaxSuppression")
    assert row.evidence == "place"
    assert row.note.startswith("expected shape (")
    assert row.note.endswith(" on the reference's own input")
    assert table.uncompared
    assert f"; introduced by {row.layer} ({row.candidate_op}, expected sh" in headline("x", table)


def test_a_healthy_suppression_is_compared(tmp_path: Path) -> None:
    """Down to the output."""
    table = compared(tmp_path, suppressed(0.3), suppressed(0.3), SAME)
    assert {row.verdict for row in table.rows} == {"ok"}
    assert (table.coverage, table.uncompared) == (1.0, ())


def test_looking_at_an_optimised_network_is_no_news(tmp_path: Path) -> None:
    """Fusion changes its outputs by rounding; that is no note."""
    table = compared(tmp_path, leaky(0.1), leaky(0.1), SAME)
    assert max(one or 0.0 for one in table.observer.values()) < 1e-5
    assert table.notes == ()


def few(seed: int) -> Any:
    """A classifier of two values, as face or no face."""
    net, x, channels = OnnxNet(seed), "image", 3
    for _ in range(2):
        x, channels = net.conv(x, (channels, 8), strides=[2, 2]), 8
        x = net.op("Mul", x, net.op("Sigmoid", x))
    x = net.op("Reshape", net.op("GlobalAveragePool", x), net.constant([1, 8]))
    x = net.op("Gemm", x, net.draw(8, 2, scale=0.5), net.draw(2))
    return net.model(net.op("Softmax", x, axis=-1))


def test_healthy_int8_heads_of_two_values_are_not_blamed(tmp_path: Path) -> None:
    """Two rounding errors do not average out: their ratio to the expected ones is chance."""
    shots = [(image(seed), image(seed)) for seed in (11, 12, 13)]
    for seed in range(4):
        made = few(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        candidate = int8(folder, made, [image(seed) for seed in range(8)])
        assert not compared(folder, made, candidate, shots).suspects()
