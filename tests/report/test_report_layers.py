"""The layers of a candidate in words, as CSV and as a plot, from tables made by hand."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from importlib import util
from textwrap import dedent
from typing import Any

import pytest

from parity.layers.verdict.table import COLUMNS, LayerRow, LayerTable
from parity.report.layers.files import layers_csv, write_layers
from parity.report.layers.plot import layers_figure, no_plot
from parity.report.layers.text import headline, layers_text
from parity.report.text import width


def row(index: int, **changes: Any) -> LayerRow:
    """A layer that is fine, but for what is changed."""
    values: dict[str, Any] = {
        "index": index,
        "layer": f"conv_{index}",
        "op": "Conv2D + ReLU",
        "candidate": f"node_{index}",
        "candidate_op": "Conv",
        "verdict": "ok",
        "max_abs": 1e-6,
        "rel_l2": 2e-7,
        "local_rel_l2": 1e-7,
        "local_max_abs": 5e-7,
        "suspicion": 1e-4,
    }
    return LayerRow(**(values | changes))


def faulty(index: int, error: float = 0.055, **changes: Any) -> LayerRow:
    """A layer that introduces an error."""
    values: dict[str, Any] = {
        "verdict": "introduced",
        "rel_l2": error,
        "local_rel_l2": error,
        "suspicion": error * 1e5,
    }
    return row(index, **(values | changes))


def layers(*rows: LayerRow, **changes: Any) -> LayerTable:
    """A table of these rows over two images."""
    values: dict[str, Any] = {
        "rows": rows,
        "images": 2,
        "coverage": 1.0,
        "quantized": False,
        "input_rel_l2": 0.0,
        "input_differs": False,
        "observer": {},
        "seconds": {},
        "limits": (1e-5, 1e-3),
    }
    return LayerTable(**(values | changes))


def test_a_suspect_has_its_figures_first_and_its_names_whole() -> None:
    """Place, verdict, errors; then both names and both sides' ops; then what the words mean."""
    found = layers(row(0), faulty(1, note="the candidate has no ReLU here"))
    assert layers_text("onnx", found, (), (), 80) == dedent("""\
        onnx: 100 % of its ops compared on 2 images; introduced by conv_1 (Conv, local
          relative L2 0.055)

          #  verdict     accumulated  local  layer   of the candidate
              ops: reference > candidate
          1  introduced        0.055  0.055  conv_1  node_1
              Conv2D + ReLU > Conv

          # 1: the candidate has no ReLU here
          sorted: the most suspicious first; # is the place in execution order, and the
            row of the CSV
          errors are relative L2 on the worst image; accumulated: both networks run from
            the image; local: this layer alone, fed with the reference's tensors
          introduced: local above 10 times the median of its op type and above 1e-05, or
            above 0.0001 (float32; narrower formats are entitled to more)
        """)


def test_what_passes_says_what_the_rows_are() -> None:
    """Not a list of faults: the most suspicious of healthy layers."""
    text = layers_text("onnx", layers(row(0), row(1)), (), ())
    assert text.startswith(
        "onnx: 100 % of its ops compared on 2 images; no layer introduces an error\n"
    )
    assert "  sorted: the most suspicious first, none of them beyond the limit; # is" in text


def test_a_table_in_which_nothing_differs_has_no_rows() -> None:
    """Two networks that are equal to the last bit: the headline is all."""
    found = layers(row(0, rel_l2=0.0, local_rel_l2=0.0, suspicion=0.0))
    assert layers_text("onnx", found, (), ()) == (
        "onnx: 100 % of its ops compared on 2 images; no layer introduces an error\n"
    )


@pytest.mark.parametrize("wide", [60, 80, 110, 200])
def test_lines_are_as_wide_as_there_is_room(wide: int) -> None:
    """Columns fold, words wrap, and no figure is cut."""
    names = {"layer": "block_12_expand/batch_normalization", "op": "Conv2D + BatchNormalization"}
    found = layers(*(faulty(i, **names) for i in range(3)), notes=("so " * 60,))
    text = layers_text("onnx", found, (), ("why " * 60,), wide)
    assert max(width(line) for line in text.splitlines()) <= wide
    assert text.count("block_12_expand/batch_normalization") > 3


def test_names_that_differ_in_the_middle_stay_apart_where_there_is_room() -> None:
    """Two layers never get the same short name in a wide terminal."""
    names = [f"PartitionedCall/parts_ssd/{one}_2_pw_1/BiasAdd" for one in ("boxes", "scores")]
    found = layers(*(faulty(i, layer=name) for i, name in enumerate(names)))
    text = layers_text("onnx", found, (), (), 200)
    for name in names:
        assert f" {name} " in text


def test_of_two_faults_the_largest_and_the_first_are_named() -> None:
    """The first in execution order is where to start, the largest what is seen."""
    assert headline("onnx", layers(faulty(3, 0.044), faulty(9, 1.0))) == (
        "onnx: 100 % of its ops compared on 2 images; introduced by 2 layers, the largest conv_9 "
        "(Conv, local relative L2 1.0), the first in execution order conv_3 (Conv, local relative "
        "L2 0.044)"
    )
    assert headline("onnx", layers(faulty(3, 1.0), faulty(9, 0.044))) == (
        "onnx: 100 % of its ops compared on 2 images; introduced by 2 layers, the first and "
        "largest conv_3 (Conv, local relative L2 1.0)"
    )


def test_more_suspects_than_are_shown_are_counted() -> None:
    """The CSV has the rest."""
    text = layers_text("onnx", layers(*(faulty(i) for i in range(7))), (), ())
    assert "\n  2 more layers of that kind: see the CSV\n" in text


def test_a_bad_range_is_called_one() -> None:
    """Local equals expected there: the reason is the range, and which way it is wrong."""
    found = faulty(
        4,
        0.018,
        expected_rel_l2=0.018,
        local_ratio=1.0,
        range_fault="too narrow",
        range_times=18.2,
        note="range too narrow: 18 times the least possible range error",
    )
    table = layers(found, quantized=True)
    assert headline("int8", table) == (
        "int8: 100 % of its ops compared on 2 images; introduced by conv_4 (Conv, its quantisation "
        "range is too narrow: 18 times the least possible range error)"
    )
    text = layers_text("int8", table, (), ())
    assert "  #  verdict     accumulated  local  expected  layer" in text
    assert "\n  # 4: range too narrow: 18 times the least possible range error\n" in text
    assert "introduced: local above 1.25 times expected (more where a layer has few" in text


def test_an_int8_error_beyond_its_due_says_how_far() -> None:
    """The multiple of what quantisation must cost."""
    found = faulty(4, 0.09, expected_rel_l2=0.018, local_ratio=5.0)
    assert headline("int8", layers(found, quantized=True)).endswith(
        "introduced by conv_4 (Conv, local relative L2 0.090, 5.0 times what quantisation must "
        "cost)"
    )


def spoilt() -> LayerTable:
    """NaN comes up in the second layer and is passed on."""
    born = faulty(
        1, 5.2e-7, verdict="nonfinite", nonfinite=9600, local_nonfinite=9600, max_abs=1e-6
    )
    return layers(row(0), born, row(2, verdict="inherited", nonfinite=40, rel_l2=0.0))


def test_nan_is_shown_as_nan() -> None:
    """What is left of the finite values is no error of the layer."""
    text = layers_text("onnx", spoilt(), (), ())
    assert "introduced by conv_1 (Conv, 9600 values not finite)\n" in text
    (line,) = [one for one in text.splitlines() if "conv_1  " in one]
    assert line.split()[:4] == ["1", "nonfinite", "nan", "nan"]


def test_nan_is_nan_in_the_csv() -> None:
    """Rows that look perfect after a NaN would be sorted below the healthy ones."""
    rows = list(csv.DictReader(io.StringIO(layers_csv(spoilt()))))
    assert tuple(rows[0]) == COLUMNS
    assert COLUMNS[-1] == "local_max_abs"
    assert [one["rel_l2"] for one in rows] == ["2e-07", "nan", "nan"]
    assert [one["local_max_abs"] for one in rows] == ["5e-07", "nan", "5e-07"]
    assert [one["nonfinite"] for one in rows] == ["0", "9600", "40"]


def test_a_model_that_was_read_otherwise_than_deployed_is_warned_of() -> None:
    """Where reading changes the outputs by more than noise, the headline says what follows."""
    warning = (
        "; warning: the model that was read is not quite the deployed one, whose outputs are "
        "0.035 away (relative L2)"
    )
    assert headline("onnx", layers(row(0), observer={"candidate": 0.035})).endswith(warning)
    for quiet in (None, 3e-7, float("inf")):
        assert "warning" not in headline("onnx", layers(row(0), observer={"candidate": quiet}))


def test_coverage_is_never_rounded_up() -> None:
    """99.97 % is not all."""
    assert headline("onnx", layers(row(0), coverage=0.9997)).startswith("onnx: 99.9 % of its ops")
    assert headline("onnx", layers(row(0), coverage=0.07)).startswith("onnx: 7 % of its ops")


def test_what_has_no_partner_is_counted() -> None:
    """One layer, or several."""
    alone = row(1, verdict="unpaired", suspicion=0.0)
    assert "\n  1 layer without a partner: see the CSV\n" in layers_text(
        "onnx", layers(row(0), alone), (), ()
    )


def test_the_plot_has_places_for_zero_and_for_nan() -> None:
    """Neither is drawn as a small error: zero stands below all of them, NaN above."""
    figure = layers_figure(spoilt(), "onnx")
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    texts = {one.get_text(): one.xy[1] for one in axes.texts if hasattr(one, "xy")}
    assert set(texts) == {"not finite", "1 conv_1"}
    assert texts["not finite"] == texts["1 conv_1"] > 2e-7
    drawn = {tuple(line.get_xdata()): line for line in axes.lines if line.get_label() == "local"}
    assert all(low < value < high for line in drawn.values() for value in line.get_ydata()[:1])
    accumulated = next(line for line in axes.lines if line.get_label() == "accumulated")
    assert [value == value for value in accumulated.get_ydata()] == [True, False, False]


def test_a_plot_of_equal_networks_shows_both_errors() -> None:
    """Marks of two sizes: neither kind hides the other."""
    same = layers(*(row(i, rel_l2=0.0, local_rel_l2=0.0, suspicion=0.0) for i in range(3)))
    (axes,) = layers_figure(same, "savedmodel").axes
    marks = [line for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata())]
    assert [line.get_markersize() for line in marks] == [10, 5]
    assert [one.get_text() for one in axes.texts] == ["exactly 0"]


def test_layers_are_named_below_the_axis() -> None:
    """Names beside places, as many as there is room for."""
    (axes,) = layers_figure(layers(*(row(i) for i in range(100))), "onnx").axes
    names = [one.get_text() for one in axes.get_xticklabels()]
    assert names[:2] == ["conv_0  0", "conv_6  6"]
    assert len(names) == 17


def test_dollars_in_names_are_no_mathematics(tmp_path: Any) -> None:
    """A name may hold anything; both files are written."""
    wild = faulty(0, layer="$a_{", candidate="=1+1")
    paths = write_layers(tmp_path, "parts", "onnx", layers(wild, replace(wild, index=1)))
    assert [path.name for path in paths] == ["layers-onnx.csv", "layers-onnx.svg"]
    assert "'=1+1" in paths[0].read_text()


def test_without_matplotlib_the_table_is_written_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plots are an extra: what is missing, and how to install it, can be asked for."""
    found = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    paths = write_layers(tmp_path, "parts", "onnx", layers(faulty(0)))
    assert [path.name for path in paths] == ["layers-onnx.csv"]
    assert no_plot() == (
        "matplotlib is not installed; install it with: pip install 'detector-parity[plots]'"
    )


def test_with_matplotlib_there_is_nothing_to_say() -> None:
    """The healthy twin."""
    assert no_plot() is None
