"""Advice about an op that ONNX Runtime refuses: another opset only where one has it."""

from __future__ import annotations

import sys

import pytest

from parity.runtimes.contract import AdapterError
from parity.runtimes.onnxruntime import ops, refusals
from parity.session.failures import typed
from parity.suite import Decode, Recipe, Runtime, RuntimeTable
from parity.suite.tolerance import BUILT_IN

pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")


def told(words: str) -> str:
    """What is said where ONNX Runtime said these words; the sentence behind "found"."""
    code, facts = refusals.explain(RuntimeError(words))
    runtime = Runtime(
        "onnx",
        RuntimeTable(kind="onnxruntime", model="net.onnx"),
        BUILT_IN["float32"],
        Recipe(size=(8, 8)),
        Decode(family="yolov8", score_threshold=0.5),
    )
    context = {"expected": "an ONNX model", "path": "net.onnx", "library": "onnxruntime"}
    error = AdapterError(code, **{"reason": words, "found": "an ONNX model", **context, **facts})
    return str(typed(runtime, error)).split("found the ")[1]


@pytest.mark.parametrize(
    ("op", "opset", "sentence"),
    [
        ("GridSample", 11, "which came with opset 16. Export it for opset 16 or later, or "),
        ("GridSampel", 17, "which no opset has (near: GridSample). Export the model without it"),
        ("MyOwnNms", 17, "which no opset has. Export the model without it, or run it by a"),
    ],
)
def test_a_later_opset_is_advised_where_it_has_the_op(op: str, opset: int, sentence: str) -> None:
    """By the list of ops that this very ONNX Runtime has."""
    found = told(f"No Op registered for {op} with domain_version of {opset}")
    assert f"op {op} in opset {opset}, {sentence}" in found


def test_an_earlier_opset_is_advised_where_the_op_was_withdrawn() -> None:
    """Later ones have it no more."""
    assert told("Op registered for Upsample is deprecated in domain_version of 17") == (
        "op Upsample in opset 17, which ONNX has withdrawn in opset 10. Export it for opset 9, or "
        "again by an exporter that knows what replaced it."
    )


def test_a_kernel_is_advised_where_there_is_one() -> None:
    """Float32 where the op's version takes it, another opset where its kernels take more."""
    without = "Could not find an implementation for {} node with name ''"
    assert "Export the model in float32, or export the model without it" in told(
        without.format("Softsign(1)")
    )
    assert "types. Export it for opset 7 or later, with kernels for more types, or " in told(
        without.format("Upsample(1)")
    )


def test_a_build_that_does_not_tell_its_ops_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is claimed of an opset that nobody has looked into."""
    monkeypatch.delitem(sys.modules, ops._STATE, raising=False)
    assert told("No Op registered for GridSample with domain_version of 11") == (
        "op GridSample in opset 11, which is not registered. Export it for a later opset, if one "
        "has that op, or export the model without it, or run it by a program that knows it (kind = "
        "'command')."
    )
    assert "Export the model in float32, or export" in told(
        "Could not find an implementation for Softsign(1) node"
    )
