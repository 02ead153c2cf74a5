"""Replay folders run with the runtime alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import file_nets
import numpy as np
import pytest

from parity.errors import ParityError
from parity.layers.subjects.bundle import Bundle, write_bundle
from parity.layers.subjects.file_subject import FileSubject
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.runtimes.contract import Artifact

SHAPE = (1, 8, 8, 8)


def bundled(subject: FileSubject, kind: str, folder: Path) -> Bundle:
    """A folder for the first op of a kind on noise, against a reference that is a bit off."""
    op = next(op for op in subject.graph.ops if op.kind == kind)
    rng = np.random.default_rng(0)
    shape = (1, 3, 16, 16) if subject.inside == "onnx" else (1, 16, 16, 3)
    shape = shape if "Conv" in kind or kind == "CONV_2D" else SHAPE
    inputs = {name: rng.normal(size=shape) for name in subject.operands(op)}
    answer = subject.replay({op.index: inputs})[op.index]
    assert isinstance(answer, dict), answer
    reference = {name: array + np.float32(0.01) for name, array in answer.items()}
    bundle = write_bundle(folder, subject, [op.index], inputs, reference)
    subject.close()
    return bundle


def printed(folder: Path) -> list[str]:
    """What the folder's script prints, started elsewhere, with no package of ours in reach."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", str(folder / "replay.py")],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder.parent,
        env=environment,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("net.onnx", "Conv", {}),
        ("net.onnx", "Relu", {"optimization": "disabled", "threads": 2}),
        ("silu_int8.onnx", "Conv", {}),
    ],
)
def test_onnx_numbers_are_reproduced(
    onnx_folder: Path, tmp_path: Path, name: str, kind: str, options: dict[str, Any]
) -> None:
    """The script prints what was measured here, to the last digit, and that nothing moved."""
    subject = OnnxSubject(Artifact(str(onnx_folder / name), options=options))
    bundle = bundled(subject, kind, tmp_path / "replay")
    assert printed(tmp_path / "replay") == list(bundle.lines)
    title, line = bundle.lines
    assert title.startswith(f"{kind} ")
    assert line.startswith("max_abs 0.01")
    assert line.endswith(" not finite, as recorded: True")


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("float32", "CONV_2D", {}),
        ("int8", "CONV_2D", {}),
        ("int8", "MAX_POOL_2D", {"delegate": "none"}),
        ("dynamic", "CONV_2D", {}),
    ],
)
def test_tflite_numbers_are_reproduced(
    tflite_folder: Path, tmp_path: Path, name: str, kind: str, options: dict[str, Any]
) -> None:
    """The same, float and quantised, with the deployment's delegate."""
    subject = TFLiteSubject(Artifact(str(tflite_folder / f"{name}.tflite"), options=options))
    bundle = bundled(subject, kind, tmp_path / "replay")
    assert printed(tmp_path / "replay") == list(bundle.lines)


def test_the_folder_holds_what_a_bug_report_needs(onnx_folder: Path, tmp_path: Path) -> None:
    """The model of one op, inputs, both outputs, and a script that knows nothing of us."""
    bundle = bundled(OnnxSubject(Artifact(str(onnx_folder / "net.onnx"))), "Conv", tmp_path)
    names = sorted(path.name for path in bundle.folder.iterdir())
    assert names == ["candidate.npz", "inputs.npz", "model.onnx", "reference.npz", "replay.py"]
    script = (tmp_path / "replay.py").read_text()
    assert "parity" not in script
    assert len(script.splitlines()) <= 18
    assert max(map(len, script.splitlines())) <= 120
    assert str(onnx_folder) not in script


def test_names_from_a_file_cannot_become_code(onnx_folder: Path, tmp_path: Path) -> None:
    """Quotes, braces and line breaks are text in the script."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(onnx_folder / "net.onnx")
    wild = '"""\nimport os\n{0}\'é'
    model.graph.node[2].name = wild
    for node in model.graph.node:
        node.input[:] = [wild if one == "active" else one for one in node.input]
        node.output[:] = [wild if one == "active" else one for one in node.output]
    onnx.save(model, tmp_path / "wild.onnx")
    subject = OnnxSubject(Artifact(str(tmp_path / "wild.onnx")))
    bundle = bundled(subject, "Relu", tmp_path / "replay")
    assert printed(tmp_path / "replay") == list(bundle.lines)
    assert len(bundle.lines) == 2


def test_an_op_that_does_not_run_alone_has_no_folder(onnx_folder: Path, tmp_path: Path) -> None:
    """The reason is the error."""
    subject = OnnxSubject(Artifact(str(onnx_folder / "net.onnx")))
    with pytest.raises(ParityError) as caught:
        write_bundle(tmp_path / "replay", subject, [3], {}, {})
    assert str(caught.value) == (
        "op 3: expected an op that runs alone, found: Identity computes a constant"
    )
    assert not (tmp_path / "replay").exists()
    subject.close()


def test_a_reference_of_another_shape_is_refused(onnx_folder: Path, tmp_path: Path) -> None:
    """Nothing is broadcast."""
    subject = OnnxSubject(Artifact(str(onnx_folder / "net.onnx")))
    norm = file_nets.image(0, SHAPE)
    with pytest.raises(ParityError) as caught:
        write_bundle(tmp_path, subject, [2], {"norm": norm}, {"active": norm[:, :1]})
    assert str(caught.value) == (
        "active: expected the reference's output in the candidate's shape (1, 8, 8, 8), found "
        "(1, 1, 8, 8)"
    )
    with pytest.raises(ParityError, match="expected the reference's output of the op, found none"):
        write_bundle(tmp_path, subject, [2], {"norm": norm}, {})
    subject.close()
