"""ONNX's own evaluator as a runtime: a second opinion on a file, op by op."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity import runtimes
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.runtimes.contract import AdapterError, Artifact

onnx = pytest.importorskip("onnx")
KIND = "onnx-reference"


def image(seed: int = 0) -> dict[str, np.ndarray]:
    return {"image": np.random.default_rng(seed).random((1, 3, 8, 8), np.float32)}


def opened(path: Path) -> OnnxSubject:
    artifact = Artifact(str(path))
    adapter = runtimes.load(KIND)
    return OnnxSubject(artifact, adapter, adapter(artifact))


def test_it_agrees_with_onnx_runtime(onnx_files: Path) -> None:
    """The same heads in the same order, to the last digits of float32."""
    pytest.importorskip("onnxruntime")
    artifact = Artifact(str(onnx_files / "net.onnx"))
    ours, theirs = (runtimes.load(kind)(artifact).run(image()) for kind in (KIND, "onnxruntime"))
    assert list(ours) == list(theirs)
    for name, head in ours.items():
        np.testing.assert_allclose(head, theirs[name], rtol=1e-4, atol=1e-5)


def test_its_inside_is_shown(onnx_files: Path) -> None:
    """Every op's tensor, and a convolution that runs alone on its inputs as it did in the whole."""
    subject = opened(onnx_files / "net.onnx")
    feeds = image()
    found = {name: np.array(array) for name, array in subject.trace(feeds)}
    assert {name for op in subject.graph.ops for name in op.outputs} - set(
        subject.graph.constants
    ) <= set(found)
    conv = next(op for op in subject.graph.ops if op.kind == "Conv")
    given = {name: {**found, **feeds}[name] for name in subject.operands(conv)}
    (answer,) = subject.replay({conv.index: given}).values()
    assert isinstance(answer, dict), answer
    np.testing.assert_array_equal(answer[conv.outputs[0]], found[conv.outputs[0]])
    subject.close()


def test_a_replay_names_its_own_library(onnx_files: Path) -> None:
    """The script of a replay runs what ran here, not the format's usual runtime."""
    subject = opened(onnx_files / "net.onnx")
    assert subject.script().library == "from onnx.reference import ReferenceEvaluator"
    subject.close()


def test_an_op_of_nobody_is_named(tmp_path: Path) -> None:
    """It has no kernels but ONNX's own."""
    helper = onnx.helper
    (value,) = (helper.make_tensor_value_info("image", 1, [1]),)
    made = helper.make_tensor_value_info("made", 1, [1])
    node = helper.make_node("Mystery", ["image"], ["made"], domain="acme")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("acme", 1)]
    model = helper.make_model(helper.make_graph([node], "g", [value], [made]), opset_imports=opsets)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(AdapterError) as caught:
        runtimes.load(KIND)(Artifact(str(tmp_path / "odd.onnx")))
    assert caught.value.code == "not-registered"
    assert (caught.value.facts["name"], caught.value.facts["detail"]) == (
        "Mystery",
        "of the domain acme",
    )
