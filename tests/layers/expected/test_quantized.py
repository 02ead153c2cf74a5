"""Expected quantisation error, and how well a range fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import file_nets
import flatbuffers
import numpy as np
import pytest
from PIL import Image

from parity import tensors
from parity.layers.expected.integer_weights import Twin, distance
from parity.layers.expected.quantized import Expectation
from parity.layers.numbers.grids import Grid, raw, real
from parity.layers.numbers.ranges import range_score
from parity.layers.numbers.rounding import dynamic, ideal_step
from parity.layers.subjects.file_subject import FileSubject
from parity.layers.subjects.onnx import file as onnx_file
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.runtimes.contract import Artifact, Quantization

Arrays = dict[str, Any]
HEALTHY, FLAGGED = 1.17, 1.25


def grid(scale: float, zero: int, dtype: str) -> Grid:
    """A grid of one scale."""
    return Grid(Quantization((scale,), (zero,)), dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
def test_fast_conversions_are_those_of_tensors(dtype: str) -> None:
    """Bit for bit from integers, and to integers where nothing is exactly between two."""
    rng = np.random.default_rng(0)
    one = grid(float(np.float32(0.0371)), 3, dtype)
    kind = np.iinfo(dtype)
    integers = rng.integers(kind.min, kind.max, 5000, dtype=dtype, endpoint=True)
    found = real(integers, one.quantization)
    assert np.array_equal(found, tensors.dequantize(integers, one.quantization))
    values = rng.normal(size=5000).astype(np.float32) * 10
    assert np.array_equal(raw(values, one), tensors.quantize(values, one.quantization, dtype))
    assert np.array_equal(raw(found, one), integers)


def test_a_tensor_without_axes_is_quantised_as_any_other() -> None:
    """A scalar, which numpy's functions give back as a plain number."""
    one = grid(0.5, 3, "int8")
    found = raw(np.array(2.2, np.float32), one)
    assert (found.shape, found.dtype, int(found)) == ((), np.int8, 7)
    assert real(found, one.quantization).shape == ()
    assert one.onto(np.float32(2.2)) == 2.0


def test_unsigned_integers_do_not_wrap() -> None:
    """5 with zero point 128 and scale 0.1 is −12.3."""
    found = real(np.array([5], np.uint8), Quantization((0.1,), (128,)))
    np.testing.assert_allclose(found, [-12.3], rtol=1e-6)


def test_many_scales_and_wide_integers_take_the_general_way() -> None:
    """Per channel, and 32 bits."""
    many = Quantization((0.5, 0.25), (0, 1), 1)
    assert real(np.array([[2, 3]], np.int8), many).tolist() == [[1.0, 0.5]]
    wide = Quantization((0.5,), (0,))
    assert real(np.array([1 << 24 | 1], np.int32), wide).tolist() == [float(1 << 23)]


def test_what_is_not_finite_is_on_no_grid() -> None:
    """Never turned into a number."""
    with pytest.raises(ValueError, match="expected finite numbers to quantise, found 1 NaN and 1"):
        raw(np.array([np.nan, np.inf, 0], np.float32), grid(1.0, 0, "int8"))


def test_range_score_adds_what_is_clipped_to_the_steps() -> None:
    """Values ±3 of RMS 3 on a grid of step 1 that ends at ±1 (in effect): 2/3 and 1/√12/3."""
    tight = Grid(Quantization((1 / 64,), (0,)), "int8")  # ends at 127/64 and -2
    reference = np.array([3.0, -3.0], np.float32)
    clipping = np.sqrt(((3 - 127 / 64) ** 2 + 1) / 2)
    assert range_score(tight, reference) == pytest.approx((clipping + 1 / 64 / 12**0.5) / 3)
    wide = grid(1.0, 0, "int8")
    assert range_score(wide, reference) == pytest.approx(1 / 12**0.5 / 3)
    assert range_score(wide, np.zeros(3, np.float32)) == 0


def test_a_dynamic_grid_goes_from_the_least_to_the_greatest() -> None:
    """Zero is on it; a tensor of zeros has none."""
    found = dynamic(np.array([-1, 4.1], np.float32))
    assert found is not None
    low, high = found.limits()
    assert (low[0], high[0]) == pytest.approx((-1, 4.1), abs=0.02)
    assert dynamic(np.zeros(3, np.float32)) is None


def test_ideal_steps_are_per_channel_and_of_as_many_bits() -> None:
    """Of a convolution: a per-tensor scale is not ideal; 7 bits stay 7 bits."""
    weights = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
    integers = np.array([[64, -127], [32, 16]], np.int8)
    one = Quantization((2 / 127,), (0,))
    step = ideal_step(weights, integers, one, 0)
    np.testing.assert_allclose(step, [[2 / 127], [0.5 / 127]])
    np.testing.assert_allclose(ideal_step(weights, integers // 2, one, 0)[0], [2 / 64])
    np.testing.assert_allclose(ideal_step(weights, integers, one, None), [2 / 127])


def test_distance_is_relative_to_the_exact_tensor() -> None:
    """Over all outputs together; of zeros it is 0 or 1."""
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    assert distance([Twin(ones, ones * 1.5), Twin(ones, ones)]) == pytest.approx(0.5 / 2**0.5)
    assert distance([Twin(zeros, zeros)]) == 0
    assert distance([Twin(zeros, ones)]) == 1


class Pair:
    """A float network and its int8 copy, with the float one's tensors under the names of the other.

    ONNX keeps names; TFLite keeps the order of ops. What has no partner is left out.
    """

    def __init__(self, exact: FileSubject, int8: FileSubject, image: Any) -> None:
        self.exact, self.int8 = exact, int8
        feeds = {exact.graph.inputs[0]: image}
        values: Arrays = {name: array.copy() for name, array in exact.trace(feeds)}
        mine = [op for op in exact.graph.ops if op.kind not in MOVES]
        theirs = [op for op in int8.graph.ops if op.kind not in MOVES]
        self.values: Arrays = {int8.graph.inputs[0]: image}
        if exact.graph.format == "onnx":
            self.values.update(values)
            for op in mine:
                if op.kind == "BatchNormalization":  # it has been folded into the convolution
                    self.values[op.inputs[0]] = values[op.outputs[0]]
        else:
            assert [op.kind for op in mine] == [op.kind for op in theirs]
            for one, other in zip(mine, theirs, strict=True):
                self.values[other.outputs[0]] = values[one.outputs[0]]
        for op in int8.graph.ops:
            if op.kind in MOVES and op.inputs[0] in self.values:
                self.values[op.outputs[0]] = self.values[op.inputs[0]]

    def feeds(self) -> dict[int, Arrays]:
        """The reference's tensors for every op of the int8 network."""
        found = {}
        for op in self.int8.graph.ops:
            operands = self.int8.operands(op)
            made = [name for name in op.outputs if name not in self.int8.graph.constants]
            if made and {*operands, *made} <= set(self.values):
                found[op.index] = {name: self.values[name] for name in operands}
        return found

    def ratios(self, weights: dict[int, Arrays] | None = None) -> dict[str, float]:
        """Local error over expected error, by the op's kind and index."""
        expectation = Expectation(self.int8, weights)
        expected = expectation.rel_l2(self.feeds())
        found = {}
        for index, answer in self.int8.replay(self.feeds()).items():
            op = self.int8.graph.ops[index]
            assert isinstance(answer, dict), answer
            entitled = expected[index]
            if entitled == f"{op.kind} has no quantised tensor":
                continue
            assert isinstance(entitled, float), entitled
            local = distance(Twin(self.values[n], array) for n, array in answer.items())
            found[f"{op.kind}_{index}"] = local / entitled if entitled else 1.0
        expectation.close()
        return found


MOVES = ("QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear")


def tflite_pair(folder: Path, name: str = "int8", where: Path | None = None) -> Pair:
    """float32.tflite and an int8 copy."""
    exact = TFLiteSubject(Artifact(str(folder / "float32.tflite")))
    int8 = TFLiteSubject(Artifact(str((where or folder) / f"{name}.tflite")))
    return Pair(exact, int8, file_nets.image(3).transpose(0, 2, 3, 1))


@pytest.fixture
def healthy(tflite_folder: Path) -> Iterator[Pair]:
    """A TFLite network that nothing ails."""
    pytest.importorskip("ai_edge_litert")
    pair = tflite_pair(tflite_folder)
    yield pair
    pair.exact.close()
    pair.int8.close()


def test_healthy_tflite_ops_err_as_expected(healthy: Pair) -> None:
    """Without being told the float weights."""
    ratios = healthy.ratios()
    assert max(ratios.values()) < HEALTHY, ratios
    assert 0.9 < np.median(list(ratios.values())) < 1.1


def test_healthy_onnx_ops_err_as_expected(onnx_folder: Path) -> None:
    """QDQ: the fused units, and the moves between them."""
    exact = OnnxSubject(Artifact(str(onnx_folder / "silu.onnx")))
    int8 = OnnxSubject(Artifact(str(onnx_folder / "silu_int8.onnx")))
    ratios = Pair(exact, int8, file_nets.image(3)).ratios()
    assert max(ratios.values()) < HEALTHY, ratios
    assert 0.9 < np.median(list(ratios.values())) < 1.1
    exact.close()
    int8.close()


def test_the_references_weights_take_the_place_of_drawn_rounding(healthy: Pair) -> None:
    """Given by op and by the candidate's name of the constant, in its layout."""
    theirs = [op for op in healthy.int8.graph.ops if op.kind not in MOVES]
    mine = [op for op in healthy.exact.graph.ops if op.kind not in MOVES]
    weights = {
        other.index: {other.inputs[1]: healthy.exact.graph.constants[one.inputs[1]]}
        for one, other in zip(mine, theirs, strict=True)
        if "CONV" in one.kind or one.kind == "FULLY_CONNECTED"
    }
    ratios = healthy.ratios(weights)
    assert max(ratios.values()) < HEALTHY, ratios


def changed(folder: Path, where: Path, change: Any) -> Pair:
    """The pair with one op of the int8 network changed."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf((folder / "int8.tflite").read_bytes(), 0)
    change(model.subgraphs[0], model.buffers)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    (where / "changed.tflite").write_bytes(builder.Output())
    return tflite_pair(folder, "changed", where)


def first(graph: Any, kind: int) -> Any:
    """The first operator with these options."""
    return next(op for op in graph.operators if op.builtinOptionsType == kind)


CONV, DEPTHWISE = 1, 2  # BuiltinOptions of the schema


def test_weights_that_are_off_exceed_the_expected_error(
    tflite_folder: Path, tmp_path: Path
) -> None:
    """20 % more: that op alone is flagged."""

    def louder(graph: Any, buffers: Any) -> None:
        weight = graph.tensors[first(graph, CONV).inputs[1]]
        weight.quantization.scale = weight.quantization.scale * np.float32(1.2)

    ratios = changed(tflite_folder, tmp_path, louder).ratios()
    flagged = [name for name, ratio in ratios.items() if ratio > FLAGGED]
    assert [name[:7] for name in flagged] == ["CONV_2D"]
    assert ratios[flagged[0]] > 5


def test_a_depthwise_convolution_with_one_scale_is_coarse(
    tflite_folder: Path, tmp_path: Path
) -> None:
    """Its quiet channels are drowned; other convolutions are as fine as they can be."""

    def per_tensor(graph: Any, buffers: Any) -> None:
        weight = graph.tensors[first(graph, DEPTHWISE).inputs[1]]
        scale = weight.quantization.scale
        stored = np.asarray(buffers[weight.buffer].data, np.uint8).view(np.int8)
        values = stored.reshape(weight.shape).astype(np.float32) * scale
        rounded = np.rint(values / scale.max()).astype(np.int8)
        buffers[weight.buffer].data = rounded.reshape(-1).view(np.uint8)
        weight.quantization.scale = np.full_like(scale, scale.max())

    pair = changed(tflite_folder, tmp_path, per_tensor)
    scores = [
        {op.index: Expectation(one.int8).weights.coarseness(op.index) for op in one.int8.graph.ops}
        for one in (tflite_pair(tflite_folder), pair)
    ]
    (index,) = [op.index for op in pair.int8.graph.ops if op.kind == "DEPTHWISE_CONV_2D"]
    for number, score in scores[0].items():
        kind = pair.int8.graph.ops[number].kind
        assert (score is None) == ("CONV" not in kind), kind
        assert score is None or score == pytest.approx(1, abs=0.01)
    assert scores[1].pop(index) > 3
    scores[0].pop(index)
    assert scores[1] == scores[0]


def test_a_bad_range_shows_in_the_range_score_only(tflite_folder: Path, tmp_path: Path) -> None:
    """Expected error believes the scale; the score compares it with the reference's tensor."""
    names = []

    def narrow(graph: Any, buffers: Any) -> None:
        output = graph.tensors[first(graph, DEPTHWISE).outputs[0]]
        output.quantization.scale = output.quantization.scale / np.float32(3)
        names.append(output.name.decode())

    pair = changed(tflite_folder, tmp_path, narrow)
    assert max(pair.ratios().values()) < FLAGGED
    good = tflite_pair(tflite_folder)
    scores = [range_score(one.int8.grids[names[0]], one.values[names[0]]) for one in (good, pair)]
    assert scores[0] < 0.05
    assert scores[1] > 5 * scores[0]


def test_dynamic_range_ops_err_at_most_as_expected(tflite_folder: Path) -> None:
    """Their floats are quantised while they run, or not at all where the delegate has no kernel."""
    exact = TFLiteSubject(Artifact(str(tflite_folder / "float32.tflite")))
    mixed = TFLiteSubject(Artifact(str(tflite_folder / "dynamic.tflite")))
    pair = Pair(exact, mixed, file_nets.image(3).transpose(0, 2, 3, 1))
    expected = Expectation(mixed).rel_l2(pair.feeds())
    kinds = {mixed.graph.ops[index].kind: answer for index, answer in expected.items()}
    assert kinds["ADD"] == "ADD has no quantised tensor"
    for index, answer in mixed.replay(pair.feeds()).items():
        entitled = expected[index]
        if isinstance(entitled, float) and entitled:
            assert isinstance(answer, dict)
            local = distance(Twin(pair.values[n], array) for n, array in answer.items())
            assert local / entitled < HEALTHY, mixed.graph.ops[index].kind


def test_noise_is_handed_on_through_a_region(healthy: Pair) -> None:
    """The second op of a region reads what the first one made, exact and noisy."""
    expectation = Expectation(healthy.int8)
    body, deep = (
        next(op for op in healthy.int8.graph.ops if op.kind == kind)
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D")
    )
    (given,) = healthy.int8.operands(body)
    made = expectation.twins({body.index: {given: healthy.values[given]}})[body.index]
    assert isinstance(made, dict)
    twin = made[body.outputs[0]]
    (between,) = healthy.int8.operands(deep)
    both = expectation.twins(
        {deep.index: {between: twin.exact}}, {deep.index: {between: twin.noisy}}
    )[deep.index]
    alone = expectation.twins({deep.index: {between: twin.exact}})[deep.index]
    assert isinstance(both, dict)
    assert isinstance(alone, dict)
    assert distance(both.values()) > distance(alone.values()) > 0
    expectation.close()


def test_what_has_no_expected_error_says_why(healthy: Pair) -> None:
    """By op; the rest stands."""
    expectation = Expectation(healthy.int8)
    conv = next(op for op in healthy.int8.graph.ops if op.kind == "CONV_2D")
    pool = next(op for op in healthy.int8.graph.ops if op.kind == "MAX_POOL_2D")
    answers = expectation.rel_l2(
        {
            conv.index: {conv.inputs[0]: np.full((1, 16, 16, 3), np.inf, np.float32)},
            pool.index: {pool.inputs[0]: np.ones((1, 8, 8, 8), np.float32)},
            77: {},
        }
    )
    assert (
        answers[conv.index] == "expected finite numbers to quantise, found 0 NaN and 768 infinite"
    )
    assert isinstance(answers[pool.index], float)
    assert answers[77] == "there is no op 77"
    expectation.close()


def test_integer_ops_of_unknown_scales_have_no_expected_error(onnx_folder: Path) -> None:
    """QLinearConv and its like, where the scales are computed while the model runs."""
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("QLinearConv", ["x", *"abcdefg"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    model = onnx.helper.make_model(graph)
    subject = OnnxSubject(Artifact(str(onnx_folder / "net.onnx")))
    subject.file = onnx_file.parse(model)
    subject.graph = subject.file.graph
    feeds = {0: {name: np.zeros(1, np.float32) for name in ("x", *"abcdefg")}}
    assert Expectation(subject).twins(feeds) == {0: "QLinearConv computes its scale while it runs"}
    subject.close()


@pytest.mark.parametrize(
    "name", ["parts_ssd/detector_int8.tflite", "parts_free/detector_int8.onnx"]
)
def test_bundled_int8_detectors_are_healthy(golden_suites: Path, name: str) -> None:
    """No op is flagged (1.25) on the float artifact's own tensors for a bundled picture.

    The largest is the first depthwise convolution of parts_ssd, at 1.21.
    """
    path = golden_suites / name
    if not path.exists():
        pytest.skip(f"{name} has not been exported")
    made = TFLiteSubject if path.suffix == ".tflite" else OnnxSubject
    exact = made(Artifact(str(path).replace("_int8", "")))
    int8 = made(Artifact(str(path)))
    size = (240, 320) if path.suffix == ".tflite" else (320, 320)
    with Image.open(path.parent / "images" / "004.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB").resize(size[::-1]), np.float32)[None]
    if path.suffix == ".tflite":
        ratios = Pair(exact, int8, (pixels - 127) / 128).ratios()
    else:
        ratios = Pair(exact, int8, pixels.transpose(0, 3, 1, 2) / 255).ratios()
    assert len(ratios) > 90
    assert max(ratios.values()) < FLAGGED, ratios
    assert 0.95 < np.median(list(ratios.values())) < 1.05
    exact.close()
    int8.close()
