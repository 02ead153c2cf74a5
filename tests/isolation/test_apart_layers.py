"""Looking into a network that runs apart: the same numbers, and a crash is the runtime's error."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from parity import suite as suites
from parity.harness.layering import layers
from parity.layers.subjects.opening import open_runtime
from parity.runtimes.contract import AdapterError
from parity.suite import Suite

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def suite(golden_suites: Path, tmp_path: Path) -> Suite:
    """The bundled ONNX file three times: the reference, in this process, and apart."""
    source = golden_suites / "parts_free"
    (tmp_path / "images").symlink_to(source / "images")
    (tmp_path / "detector.onnx").symlink_to(source / "detector.onnx")
    (tmp_path / "classes.txt").symlink_to(source / "classes.txt")
    text = (source / "parity.toml").read_text().partition("[runtimes")[0]
    lines = [line for line in text.splitlines() if not line.startswith(("reference", "labels"))]
    text = "\n".join(lines).replace("[detector]", '[detector]\nreference = "native"')
    for name, more in (("native", ""), ("here", ""), ("apart", "isolated = true")):
        text += f'\n[runtimes.{name}]\nkind = "onnxruntime"\nmodel = "detector.onnx"\n{more}\n'
    (tmp_path / "parity.toml").write_text(text)
    return suites.load(tmp_path)


def test_the_table_is_the_same(suite: Suite) -> None:
    """Traced, cut and replayed in a worker: every number of the table, to the bit."""
    here, apart = (layers(suite, name, 1) for name in ("here", "apart"))
    assert here.table is not None
    assert apart.table is not None
    assert repr(apart.table.rows) == repr(here.table.rows)


def test_a_crash_while_layers_are_shown_is_no_ops_answer(suite: Suite) -> None:
    """A replay in a worker that is gone raises, instead of saying of each op that it fails."""
    opened = open_runtime(suite, "apart")
    graph = opened.subject.graph
    op = next(one for one in graph.ops if one.kind == "Relu" or one.kind == "Sigmoid")
    os.kill(opened.subject._deployed._worker.pid, signal.SIGKILL)
    with pytest.raises(AdapterError) as caught:
        opened.subject.replay({op.index: {op.inputs[0]: np.zeros((1, 4, 8, 8), np.float32)}})
    assert (caught.value.code, caught.value.facts["runtime"]) == ("worker-lost", "apart")
    opened.close()
