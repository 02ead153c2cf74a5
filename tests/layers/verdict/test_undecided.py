"""What could not be compared is never called healthy: outputs without a partner, hidden faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_nets import image
from onnx_nets import OnnxNet, compared

from parity.cli import main
from parity.harness import layering
from parity.harness.layering import LayerResult
from parity.layers.verdict.causes import RegionErrors, judge
from parity.layers.verdict.table import LayerTable
from parity.report.layers.text import headline

SAME = [(image(1), image(1))]


def boxes(suppressed: bool, factor: float = 1.0) -> Any:
    """Boxes of 16 numbers, in the candidate behind an NMS of its own."""
    net = OnnxNet()
    x = net.op("Relu", net.conv("image", (3, 8), factor, strides=[2, 2]))
    heads = []
    for size in (4, 1):
        head = net.op("Transpose", net.conv(x, (8, size)), perm=[0, 2, 3, 1])
        head = net.op("Reshape", head, net.constant([1, -1, size]))
        heads.append(net.op("Sigmoid", head))
    found, scores = heads[0], net.op("Transpose", heads[1], perm=[0, 2, 1])
    if not suppressed:
        return net.model(found, scores)
    limits = net.constant(np.array(50)), net.constant(np.float32(0.5))
    kept = net.op("NonMaxSuppression", found, scores, *limits, net.constant(np.float32(0.3)))
    places = net.op("Gather", kept, net.constant(np.array(2)), axis=1)
    return net.model(net.op("Gather", net.op("Squeeze", found, net.constant([0])), places, axis=0))


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> LayerTable:
    """The table of a candidate whose NMS the reference has not."""
    return compared(tmp_path_factory.mktemp("blind"), boxes(False), boxes(True), SAME)


def test_an_output_without_a_partner_leaves_the_table_undecided(blind: LayerTable) -> None:
    """Headline and notes say what was not compared, and how much of the network was."""
    assert [row.verdict for row in blind.rows if row.candidate_op == "NonMaxSuppression"] == [
        "unpaired"
    ]
    assert blind.undecided
    assert headline("x", blind).endswith("; no layer that could be compared introduces an error")
    (output,) = blind.uncompared
    assert blind.notes[-1] == f"Nothing could be compared with the candidate's output {output}."
    assert blind.notes[-2] == (
        "66.6 % of the ops that compute could be compared, on the side where that is less."
    )


def test_a_suspect_decides_whatever_else_was_not_compared(tmp_path: Path) -> None:
    """A fault before an NMS is a fault."""
    table = compared(tmp_path, boxes(False), boxes(True, 1.2), SAME)
    assert table.uncompared
    assert [row.candidate_op for row in table.suspects()] == ["Conv"]
    assert not table.undecided


def test_another_input_decides_too(tmp_path: Path) -> None:
    """It is known what to look at."""
    table = compared(tmp_path, boxes(False), boxes(True), [(image(1), image(2))])
    assert (table.input_differs, table.undecided) == (True, False)


@pytest.mark.parametrize(("which", "code"), [("blind", 3), ("whole", 0), ("faulty", 1)])
def test_the_command_ends_with_what_the_table_is_worth(
    which: str, code: int, blind: LayerTable, golden_suites: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """Undecided is no pass: 3, as for a runtime that could not be compared."""
    table = blind
    if which != "blind":
        factor = 1.2 if which == "faulty" else 1.0
        table = compared(tmp_path, boxes(False), boxes(False, factor), SAME)
    found = LayerResult("onnx", table)
    monkeypatch.setattr(layering, "layers", lambda *_: found)
    assert main(["layers", str(golden_suites / "parts_free"), "--runtimes", "onnx"]) == code


def test_help_says_that_an_unseen_output_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """Both where 0 and where 3 stand."""
    assert main(["layers", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "the inputs are the same, every output was compared" in printed
    assert "compared introduces an error, but an output was compared with nothing" in printed


def traced(baked: bool, constant: bool = False) -> Any:
    """Boxes and scores; the scores as a constant, and anchors that are one, where asked for."""
    from onnx import helper, numpy_helper

    model = boxes(False)
    if baked:
        made = model.graph.node[-1]
        scores = np.random.default_rng(0).random((1, 1, 64)).astype(np.float32)
        model.graph.node.remove(made)
        value = numpy_helper.from_array(scores)
        model.graph.node.append(helper.make_node("Constant", [], [made.output[0]], value=value))
    if constant:
        anchors = numpy_helper.from_array(np.ones((64, 4), np.float32))
        model.graph.node.append(helper.make_node("Constant", [], ["anchors"], value=anchors))
        model.graph.output.append(helper.make_tensor_value_info("anchors", 1, (64, 4)))
    return model


@pytest.mark.parametrize("constant", [False, True])
def test_an_output_baked_into_a_constant_is_no_pass(tmp_path: Path, constant: bool) -> None:
    """A converter that traced one image gives that image's scores for all others."""
    table = compared(tmp_path, traced(False, constant), traced(True, constant), SAME)
    (output,) = table.uncompared
    assert table.undecided
    assert table.notes[-2:] == (
        f"Nothing could be compared with the candidate's output {output}.",
        f"The candidate's output {output} is the same for every image, and the reference's is not.",
    )


def test_an_output_that_is_a_constant_on_both_sides_is_fine(tmp_path: Path) -> None:
    """Anchors are the same for every image."""
    table = compared(tmp_path, traced(False, True), traced(False, True), SAME)
    assert (table.uncompared, table.undecided, table.notes) == ((), False, ())


def region(above: tuple[int, ...], rel_l2: float | None, local: float | None) -> RegionErrors:
    """A region of a float network."""
    return RegionErrors("Conv", above, rel_l2, 0, local, 0, reads_input=not above)


def test_a_region_that_nothing_was_seen_of_is_blamed_where_its_reader_alone_is_off() -> None:
    """0 is fine, 1 could neither be compared nor run, 2 is fine by itself and yet off."""
    regions = [region((), 1e-7, 1e-7), region((0,), None, None), region((1,), 0.5, 1e-7)]
    found = judge(regions, quantized=False, input_rel_l2=0.0)
    assert found.verdicts == ("ok", "introduced", "inherited")
    assert found.unmeasured == (1,)


@pytest.mark.parametrize(
    "regions",
    [
        [region((), 1e-7, 1e-7), region((0,), None, None), region((1,), 1e-7, 1e-7)],
        [region((), 0.5, 1e-7), region((0,), None, None), region((1,), 0.5, 1e-7)],
        [region((), 0.5, 0.5), region((0,), None, None), region((1,), 0.5, 1e-7)],
        [region((), 1e-7, 1e-7), region((0,), None, None), region((1,), 0.5, 0.5)],
    ],
    ids=["nothing is off", "its input is off", "fault before", "fault behind"],
)
def test_and_not_where_something_else_explains_it(regions: list[RegionErrors]) -> None:
    """What nobody saw is not blamed for what others do."""
    assert judge(regions, quantized=False, input_rel_l2=0.0).verdicts[1] == "unpaired"
