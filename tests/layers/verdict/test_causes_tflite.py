"""Verdicts on quantised networks: healthy exports of every precision, and ranges that are bad."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")

from file_nets import image

from parity.layers.numbers import ranges
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.layers.verdict.causes import RATIO, RegionErrors, judge, ratio_limit
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import LayerTable
from parity.runtimes.contract import Artifact, Quantization

ADD = 0  # BuiltinOperator of the schema


def pictures(seeds: range) -> list[np.ndarray]:
    """Channels last."""
    return [image(seed).transpose(0, 2, 3, 1) for seed in seeds]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """float.tflite, int8.tflite and int16.tflite of a residual with a norm and a small head."""
    from parity.runtimes.shared import tf_common

    tf = tf_common.start(1)
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    given = keras.Input((16, 16, 3), name="image", batch_size=1)
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(given)
    x = layers.Add()([first, layers.Conv2D(8, 3, padding="same")(first)])
    x = layers.Conv2D(8, 3, padding="same", activation="swish")(x)
    x = layers.GroupNormalization(4)(x)
    x = layers.Conv2D(3, 3, padding="same")(x)
    scores = layers.Softmax()(layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    model = keras.Model(given, [x, scores])
    made = tmp_path_factory.mktemp("residual")
    sets = tf.lite.OpsSet
    supported = {
        "float": None,
        "int8": [sets.TFLITE_BUILTINS_INT8],
        "int16": [
            sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            sets.TFLITE_BUILTINS,
        ],
    }

    def calibration() -> Iterator[list[np.ndarray]]:
        yield from ([one] for one in pictures(range(8)))

    for name, ops in supported.items():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if ops is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = calibration
            converter.target_spec.supported_ops = ops
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (made / f"{name}.tflite").write_bytes(converter.convert())
    return made


def compared(reference: Path, candidate: Path) -> LayerTable:
    """The table of two files on three pictures that none was calibrated on."""
    sides = [TFLiteSubject(Artifact(str(one))) for one in (reference, candidate)]
    names = [side.graph.inputs[0] for side in sides]
    feeds = [({names[0]: one}, {names[1]: one}) for one in pictures(range(20, 23))]
    try:
        return compare_layers(sides[0], sides[1], feeds, bool(sides[1].grids))
    finally:
        for side in sides:
            side.close()


@pytest.mark.parametrize("name", ["float16", "dynamic", "int8"])
def test_a_healthy_export_of_any_precision_has_no_suspect(tflite_folder: Path, name: str) -> None:
    """Weights in half precision, weights in integers, everything in integers."""
    table = compared(tflite_folder / "float32.tflite", tflite_folder / f"{name}.tflite")
    assert table.suspects() == ()
    assert not table.input_differs
    assert table.coverage == 1.0


@pytest.mark.parametrize("name", ["int8", "int16"])
def test_a_norm_in_single_ops_and_a_head_of_two_values_are_healthy(folder: Path, name: str) -> None:
    """Inner tensors count by what they do to the result; 16 bits by what float32 explains."""
    assert compared(folder / "float.tflite", folder / f"{name}.tflite").suspects() == ()


def rewritten(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """A file with its graph changed."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(builder.Output())
    return target


@pytest.mark.parametrize("factor", [0.5, 8.0], ids=["clips", "coarse"])
def test_a_bad_range_is_introduced(folder: Path, tmp_path: Path, factor: float) -> None:
    """Of a sum: half of the range that its values need, or eight times as much."""

    def scaled(model: Any) -> None:
        (op,) = [
            one
            for one in model.subgraphs[0].operators
            if model.operatorCodes[one.opcodeIndex].builtinCode == ADD
            and all(index >= 0 for index in one.inputs)
            and model.subgraphs[0].tensors[one.inputs[1]].shape.tolist() == [1, 16, 16, 8]
        ][:1]
        found = model.subgraphs[0].tensors[op.outputs[0]].quantization
        found.scale = found.scale * np.float32(factor)

    bad = rewritten(folder / "int8.tflite", tmp_path / "bad.tflite", scaled)
    (row, *_) = compared(folder / "float.tflite", bad).suspects()
    assert row.candidate_op == "ADD"
    assert row.note.endswith(" times the least possible range error")


def grid(low: float, high: float) -> Grid:
    """The int8 grid from one number to the other."""
    scale = (high - low) / 255
    return Grid(Quantization((scale,), (round(-128 - low / scale),)), "int8")


def test_a_range_that_every_value_needs_is_worse_than_one_outlier() -> None:
    """The same end of the range: a tenth of the values beyond it, or a single one."""
    values = np.random.default_rng(0).uniform(-1, 1, 4096).astype(np.float32)
    outlier = values.copy()
    outlier[0] = 1.3
    fits = [ranges.fit(grid(-1, 0.8), values), ranges.fit(grid(-1, 1), outlier)]
    assert fits[0] is not None
    assert fits[1] is not None
    assert fits[0].excess > 1 > fits[1].excess


def test_few_values_may_lie_beyond_a_calibrated_range() -> None:
    """The extremes of four variances differ from image to image."""
    values = np.array([0.9, 1.0, 1.1, 0.8], np.float32)
    few = ranges.fit(grid(0, 1), values)
    many = ranges.fit(grid(0, 1), values.repeat(1024))
    assert few is not None
    assert many is not None
    assert few.times == pytest.approx(many.times)
    assert few.excess < 1 < many.excess


def test_the_ratio_that_chance_allows_shrinks_with_the_number_of_values() -> None:
    """Two values may be 20 times as far off as expected, a feature map no more than 1.25."""
    assert ratio_limit(2) == pytest.approx(RATIO * np.exp(4 / 2**0.5))
    assert ratio_limit(1e6) == pytest.approx(RATIO, rel=0.005)
    assert ratio_limit(4) > ratio_limit(100) > RATIO


def region(**more: Any) -> RegionErrors:
    """A healthy int8 region of a feature map."""
    known: dict[str, Any] = {"rel_l2": 0.01, "nonfinite": 0, "local": 0.01, "local_nonfinite": 0}
    return RegionErrors("CONV_2D", (), **{**known, "expected": 0.01, "samples": 1e5, **more})


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (region(), "ok"),
        (region(local=0.013), "introduced"),
        (region(local=0.013, two_steps=0.014), "ok"),
        (region(local=9e-5, expected=2e-5), "ok"),  # 16 bits: below what float32 explains
        (region(local=0.013, samples=48), "ok"),
        (region(range_excess=1.1), "introduced"),
        (region(range_excess=1.1, absorbed="SOFTMAX"), "ok"),
        (region(expected=None, local=0.011), "ok"),
        (region(expected=None, local=0.2), "introduced"),
        (region(local=None, expected=None, rel_l2=0.5), "introduced"),
        (region(local=None, expected=None, rel_l2=None), "unpaired"),
    ],
)
def test_what_an_int8_region_is_entitled_to(one: RegionErrors, verdict: str) -> None:
    """Beside healthy neighbours."""
    neighbours = [region() for _ in range(5)]
    assert judge([*neighbours, one], quantized=True).verdicts[-1] == verdict
