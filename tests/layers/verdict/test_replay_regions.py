"""Replay folders of suspects that are several ops, and of errors that not every image shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

from parity.errors import ParityError
from parity.harness.layering import layers
from parity.layers.subjects.bundle import write_bundle
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.layers.verdict.replay_cases import ReplayCase, replay_cases
from parity.layers.verdict.table import LayerTable
from parity.runtimes.contract import Artifact
from parity.suite import load
from tests.support.suites import flat, runtime, small_suite

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

DECODING = """
import numpy as np

def decode(heads, size):
    (head,) = heads.values()
    return np.tile(np.float32([2, 2, 8, 8]), (256, 1)), head[0, :1].reshape(256, 1)
"""


def split(model: Any, factor: float) -> Any:
    """The second convolution times a factor, its bias in an op of its own behind it."""
    faulty = stacks.reweighted(model, 1, factor)
    node = [node for node in faulty.graph.node if node.op_type == "Conv"][1]
    bias = next(one for one in faulty.graph.initializer if one.name == node.input[2])
    wide = numpy_helper.to_array(bias).reshape(1, -1, 1, 1)
    bias.CopyFrom(numpy_helper.from_array(wide, bias.name))
    made, node.output[0] = node.output[0], "before_bias"
    place = list(faulty.graph.node).index(node) + 1
    faulty.graph.node.insert(place, helper.make_node("Add", ["before_bias", bias.name], [made]))
    del node.input[2]
    return faulty


def evidence(
    folder: Path, reference: Any, candidate: Any
) -> tuple[LayerTable, list[ReplayCase | str], OnnxSubject]:
    """The table of two models, and the evidence of its suspects on the first one's image."""
    table = stacks.compared(folder, reference, candidate)
    subjects = [stacks.subject(folder, "c", reference), stacks.subject(folder, "d", candidate)]
    fed = {"image": stacks.images()[table.suspects()[0].local_image]}
    found = replay_cases(subjects[0], subjects[1], (fed, fed), table.suspects(), None)
    subjects[0].close()
    return table, found, subjects[1]


def printed(folder: Path) -> list[str]:
    """What the folder's script prints."""
    done = subprocess.run(
        [sys.executable, str(folder / "replay.py")], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_region_is_replayed_whole(tmp_path: Path) -> None:
    """Not its last op on what the faulty one made."""
    table, (one,), subject = evidence(tmp_path, stacks.relus(), split(stacks.relus(), -1.0))
    (row,) = table.suspects()
    assert row.candidate_op == "Conv + Add + Relu"
    assert isinstance(one, ReplayCase)
    assert one.ops == row.candidate_ops
    assert list(one.inputs) == list(row.candidate_inputs)
    bundle = write_bundle(tmp_path / "replay", subject, one.ops, one.inputs, one.reference)
    subject.close()
    assert bundle.lines[0].startswith("Conv 't2' + Add ")
    assert f"rel_l2 {row.local_rel_l2:.4g}"[:10] in bundle.lines[1]
    assert printed(tmp_path / "replay") == list(bundle.lines)
    kinds = [node.op_type for node in onnx.load(tmp_path / "replay" / "model.onnx").graph.node]
    assert kinds == ["Conv", "Add", "Relu"]


def test_a_region_in_integers_is_replayed_in_integers(tmp_path: Path) -> None:
    """With the DequantizeLinear and QuantizeLinear around its op."""
    faulty = stacks.quantised(
        stacks.reweighted(stacks.relus(), 2, 1.2), tmp_path, "q", per_channel=True
    )
    table, found, subject = evidence(tmp_path, stacks.relus(), faulty)
    row, one = table.suspects()[0], found[0]
    assert isinstance(one, ReplayCase)
    bundle = write_bundle(tmp_path / "replay", subject, one.ops, one.inputs, one.reference)
    subject.close()
    (given,) = np.load(tmp_path / "replay" / "inputs.npz").values()
    assert given.dtype == np.int8
    assert f"rel_l2 {row.local_rel_l2:.3g}"[:11] in bundle.lines[1]
    assert printed(tmp_path / "replay") == list(bundle.lines)


def test_ops_of_a_tflite_file_are_replayed_together(tflite_folder: Path, tmp_path: Path) -> None:
    """As in the whole model: what the second op gives is the model's own tensor."""
    subject = TFLiteSubject(Artifact(str(tflite_folder / "int8.tflite")))
    image = stacks.images()[0].transpose(0, 2, 3, 1)
    values = dict(subject.trace({subject.graph.inputs[0]: image}))
    first, second = subject.graph.ops[:2]
    reference = {second.outputs[0]: values[second.outputs[0]]}
    inputs = {subject.graph.inputs[0]: image}
    bundle = write_bundle(
        tmp_path / "replay", subject, [first.index, second.index], inputs, reference
    )
    subject.close()
    assert bundle.lines[1] == "max_abs 0, rel_l2 0, 0 of 512 not finite, as recorded: True"
    assert printed(tmp_path / "replay") == list(bundle.lines)


def test_ops_that_cannot_run_without_others_say_why(tmp_path: Path) -> None:
    """The message names them all."""
    subject = stacks.subject(tmp_path, "a", stacks.relus())
    with pytest.raises(ParityError) as caught:
        write_bundle(tmp_path / "replay", subject, [0, 1], {}, {})
    subject.close()
    assert str(caught.value) == (
        "op 0: expected an op that runs alone, found: the inputs of Conv are 'image'; fed were none"
    )


def capped(cap: bool) -> Any:
    """A ReLU that ends at a half or does not, between two convolutions."""
    net = stacks.Stack(1)
    x = net.op("Relu", net.conv("image", 3, 8))
    if cap:
        x = net.op("Min", x, net.constant(np.float32(0.5)))
    return net.model(net.op("Sigmoid", net.conv(x, 8, 1)))


def test_the_image_that_shows_the_error_is_replayed(tmp_path: Path) -> None:
    """The first image is too dark to reach the cap."""
    onnx.save(capped(True), tmp_path / "ref.onnx")
    onnx.save(capped(False), tmp_path / "bare.onnx")
    small_suite(
        tmp_path,
        {
            "ref": runtime("onnxruntime", "ref.onnx"),
            "bare": runtime("onnxruntime", "bare.onnx"),
        },
        classes=["part"],
        images=flat(8, 255),
        size=(16, 16),
        preprocess="range = [0, 1]",
        decode={"function": "decoding:decode", "score_threshold": 0.3},
        files={"decoding.py": DECODING},
    )
    result = layers(load(tmp_path), "bare", replays=tmp_path / "replays")
    assert result.failure is None, result.failure
    assert result.table is not None
    (row,) = result.table.suspects()
    assert (row.candidate_op, row.local_image) == ("Relu", 1)
    (folder,) = result.replays
    assert f"rel_l2 {row.local_rel_l2:.4g}"[:10] in printed(folder)[1]
