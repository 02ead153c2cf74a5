"""The bundled detectors and the published one, layer by layer: healthy exports raise nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.opening import open_runtime
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import COLUMNS, LayerRow, LayerTable
from parity.pipeline import Images
from parity.runtimes.contract import Artifact
from parity.suite import load


def table_of(folder: Path, name: str, count: int = 2) -> LayerTable:
    """One runtime of a bundled suite against its reference."""
    suite = load(folder)
    if not (folder / str(suite.runtimes[name].table.model)).exists():
        pytest.skip(f"{name} of {suite.name} has not been exported here")
    images = Images(suite)
    both = [open_runtime(suite, one, images) for one in (suite.reference, name)]
    try:
        canvases = [
            [images.prepared(image, one.runtime.recipe).canvas for one in both]
            for image in suite.images[:count]
        ]
        feeds = [(both[0].feeds(ours), both[1].feeds(theirs)) for ours, theirs in canvases]
        return compare_layers(both[0].subject, both[1].subject, feeds, "int8" in name)
    finally:
        for one in both:
            one.close()


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("parts_ssd", "tflite"),
        ("parts_ssd", "tflite_int8"),
        ("parts_ssd", "onnx"),
        ("parts_ssd", "onnx_torch"),
        ("parts_free", "onnx"),
        ("parts_free", "onnx_int8"),
    ],
)
def test_a_healthy_export_raises_nothing(golden_suites, suite, name):
    """Every op is compared, every local error is within its limit."""
    table = table_of(golden_suites / suite, name)
    assert table.suspects() == ()
    assert {row.verdict for row in table.rows} == {"ok"}
    assert table.coverage == 1.0
    assert not table.input_differs
    ratios = [row.local_ratio for row in table.rows if row.local_ratio is not None]
    assert bool(ratios) == ("int8" in name)
    assert all(0.95 < one < 1.05 for one in ratios)


@pytest.mark.parametrize("formats", ["onnx > tflite", "tflite > onnx"])
def test_the_published_pair_differs_where_batch_norms_were_folded(zoo, formats):
    """Its authors folded with another epsilon: a few convolutions late in the network, by 1e-4."""
    raw = zoo / "ultralight" / "rfb320_raw"
    opened = {
        "onnx": OnnxSubject(Artifact(f"{raw}.onnx", options={"threads": 1})),
        "tflite": TFLiteSubject(Artifact(f"{raw}.tflite", options={"threads": 1})),
    }
    image = np.random.default_rng(0).uniform(-1, 1, (1, 240, 320, 3)).astype(np.float32)
    fed = {"onnx": np.ascontiguousarray(image.transpose(0, 3, 1, 2)), "tflite": image}
    sides = [(opened[one], {opened[one].graph.inputs[0]: fed[one]}) for one in formats.split(" > ")]
    try:
        (ours, first), (theirs, second) = sides
        table = compare_layers(ours, theirs, [(first, second)], quantized=False)
    finally:
        for subject in opened.values():
            subject.close()
    assert table.coverage == 1.0
    kinds = {row.candidate_op.split(" + ")[-1].split("_2D")[0] for row in table.suspects(99)}
    assert kinds <= {"CONV", "DEPTHWISE_CONV", "Relu"}
    assert max(row.local_rel_l2 for row in table.rows) < 5e-4


def test_every_column_is_a_field_of_the_row():
    """The CSV is read straight from the rows."""
    assert set(COLUMNS) <= set(LayerRow.__dataclass_fields__)
