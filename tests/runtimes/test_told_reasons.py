"""What is kept of a library's message: the cause, which stands last."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity.formats import recognise
from parity.runtimes.shared.reasons import reason


def test_the_cause_behind_a_c_signature_is_kept() -> None:
    """ONNX Runtime names its own source and the signature of the function before the cause."""
    error = RuntimeError(
        "Load model from a.onnx failed:/src/core/graph/model.cc:256 m::Model::Model(onnx::Model&&, "
        "const m::PathString&) Unsupported model IR version: 99, max supported IR version: 13\n"
    )
    assert reason(error) == (
        "RuntimeError: Load model from a.onnx failed: Unsupported model IR version: 99, "
        "max supported IR version: 13"
    )


def test_a_long_line_is_cut_in_its_middle() -> None:
    """Both the file's name and the cause stay."""
    told = reason(ValueError("begin " + "x" * 1000 + " end"))
    assert told.startswith("ValueError: begin x")
    assert told.endswith("x end")
    assert " ... " in told
    assert len(told) < 520


def test_a_scripted_sequential_has_no_findings(tmp_path: Path) -> None:
    """TorchScript fetches its modules as getattr(self, "0"): digits name no function."""
    torch = pytest.importorskip("torch")
    from parity.runtimes import scan

    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()).eval()
    torch.jit.save(torch.jit.script(net), str(tmp_path / "net.pt"))
    assert scan.findings(str(tmp_path / "net.pt")) == ()


def test_safetensors_and_graphs_are_recognised(tmp_path: Path) -> None:
    """Weights with a JSON header; a GraphDef of one node."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path = tmp_path / "a"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert recognise(str(path)).kind == "safetensors"
    node = b"\x0a\x01x\x12\x0bPlaceholder"
    path.write_bytes(b"\x0a" + bytes([len(node)]) + node + b"\x22\x02\x08\x0b")
    assert recognise(str(path)).kind == "frozen-graph"
    path.write_bytes(b"\x0a" + bytes([len(node)]) + node[:-3])
    assert recognise(str(path)).kind != "frozen-graph"
