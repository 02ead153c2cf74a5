"""Real runtimes in cells: what each does beside the reference and beside its row's first cell."""

from __future__ import annotations

from pathlib import Path

import pytest

import parity
from parity.harness.matrix import matrix
from parity.record.matrix import CellRecord, MatrixRecord, RowRecord
from parity.report.matrix.pages import matrix_text

Cells = dict[tuple[str, str], CellRecord]


def row(found: MatrixRecord, name: str) -> RowRecord:
    """One row by its name."""
    (chosen,) = (one for one in found.rows if one.name == name)
    return chosen


@pytest.mark.parametrize("level", ["extended", "basic", "disabled"])
def test_graph_optimisation_stays_within_the_tolerance(cells: Cells, level: str) -> None:
    """Fusion moves the last bits, and only those."""
    cell = cells["onnxruntime", level]
    assert cell.verdict == "pass"
    assert cell.changes == (f"optimization = {level}",)
    assert cell.meaning == "nothing changed beyond the tolerance"
    assert cell.first is not None
    assert 0 < (cell.first.max_score_diff or 0) < 1e-5


@pytest.mark.parametrize("name", ["threads 2", "same file"])
def test_the_same_bits_are_seen(cells: Cells, name: str) -> None:
    """Neither threads nor another name of the file change a value."""
    cell = cells["onnxruntime", name]
    assert cell.meaning == "nothing changed, number by number"
    assert cell.first is not None
    assert cell.first.identical
    assert not cell.reference.identical


def test_xnnpack_and_the_plain_kernels_of_tflite(cells: Cells) -> None:
    """Another kernel set adds in another order."""
    cell = cells["tflite kernels", "none"]
    assert (cell.verdict, cell.changes) == ("pass", ("delegate = none",))
    assert cell.meaning == "nothing changed beyond the tolerance"
    assert cells["tflite kernels", "xnnpack"].identity["delegate"] != cell.identity["delegate"]


def test_the_references_own_runtime_can_be_a_row(cells: Cells) -> None:
    """Its cells are judged against it as it stands in the suite."""
    first = cells["tflite kernels", "xnnpack"]
    assert (first.verdict, first.reference.identical) == ("pass", True)


def test_another_file_that_agrees_is_told_as_replaced(cells: Cells) -> None:
    """By its digest, not by its name."""
    cell = cells["onnxruntime", "other exporter"]
    assert cell.verdict == "pass"
    assert cell.meaning == (
        "nothing changed beyond the tolerance, though the model itself was replaced"
    )


def test_another_checkpoint_is_the_model_not_the_version(cells: Cells) -> None:
    """The sentence names both files by their digests."""
    cell = cells["onnxruntime", "other checkpoint"]
    before, after = (
        cells["onnxruntime", name].artifacts[0].sha256[:8] for name in ("all", "other checkpoint")
    )
    assert cell.verdict == "fail"
    assert cell.meaning == (
        f"the replaced model (SHA-256 {before} → {after}) broke it: the first cell agrees with "
        "the reference"
    )


def test_a_broken_cell_names_its_layer(cells: Cells) -> None:
    """The convolution whose weights were changed, by the name that it has in the reference."""
    divergent = cells["onnxruntime", "other checkpoint"].divergent
    assert divergent is not None
    assert divergent.op.startswith("Conv")
    assert divergent.local_rel_l2 == pytest.approx(0.4, abs=0.05)  # its weights are 0.6 of theirs
    assert divergent.note == ""


def test_a_cell_that_holds_is_not_looked_into(cells: Cells) -> None:
    """There is nothing to find."""
    assert cells["onnxruntime", "disabled"].divergent is None


def test_another_colour_order_is_a_setting_and_no_layer(cells: Cells) -> None:
    """Every layer passes on what it was fed."""
    cell = cells["onnxruntime", "BGR"]
    assert cell.meaning == (
        "the setting (preprocess.color = BGR) broke it: the first cell agrees with the reference"
    )
    assert cell.divergent is not None
    assert cell.divergent.note == "no layer introduces it: the input differs, look at preprocess"


def test_a_missing_file_is_the_cells_own_failure(cells: Cells, small_suite: Path) -> None:
    """With the cause, and without a verdict."""
    cell = cells["onnxruntime", "not there"]
    assert (cell.verdict, cell.loaded, cell.first) == ("error", False, None)
    assert cell.reference.verdict is None
    assert cell.cause == (
        f"expected a model file at {small_suite}/none.onnx, found nothing. Correct "
        "the path in parity.toml, or put the file there."
    )


def test_a_wrong_option_is_told_as_the_adapter_tells_it(cells: Cells) -> None:
    """Exit code 2: the suite asks for what does not exist."""
    cell = cells["onnxruntime", "no such level"]
    assert cell.cause == (
        "options.optimization: expected one of all, extended, basic, disabled, "
        "found optimization = 'most'"
    )
    assert cell.failure is not None
    assert cell.failure.exit_code == 2


def test_failing_cells_leave_the_others_their_results(found: MatrixRecord) -> None:
    """Those before and those after them."""
    verdicts = [cell.verdict for cell in row(found, "onnxruntime").cells]
    assert verdicts == ["pass"] * 7 + ["fail", "error", "error", "fail"]


def test_a_broken_export_is_the_model_in_every_cell(cells: Cells) -> None:
    """All cells miss the reference alike: no option has a part in it."""
    assert cells["broken export", "as it is"].meaning == (
        "disagrees with the reference, and every cell of this model alike: the model (its "
        "export) differs, not a version or option"
    )
    assert cells["broken export", "threads 2"].meaning == (
        "the model (its export) differs from the reference: the first cell disagrees alike, and "
        "the option (threads = 2) changed nothing, number by number"
    )


def test_a_first_cell_that_fails_leaves_the_reference(cells: Cells) -> None:
    """The others are still judged against that."""
    assert cells["first cell fails", "gone"].meaning == "failed: nothing can be compared with it"
    here = cells["first cell fails", "here"]
    assert (here.verdict, here.first) == ("pass", None)
    assert here.meaning == ("agrees with the reference; the first cell, to compare it with, failed")
    assert cells["first cell fails", "gone too"].meaning == (
        "does not load, and the first cell failed too: it need not be what changed"
    )


def test_every_cell_that_ran_was_timed(found: MatrixRecord) -> None:
    """The median of the network's time on one image."""
    for cell in found.cells:
        assert (cell.milliseconds is not None) == (cell.verdict in ("pass", "fail"))


def test_the_worst_cell_decides_the_exit_code(found: MatrixRecord) -> None:
    """The wrong option wins over what is missing and what is broken."""
    assert (found.verdict, found.exit_code) == ("error", 2)


def test_only_the_named_rows_are_run(small_suite: Path) -> None:
    """The others are not even opened."""
    alone = matrix(small_suite, ("tflite kernels",))
    assert [one.name for one in alone.rows] == ["tflite kernels"]
    assert (alone.verdict, alone.exit_code) == ("pass", 0)


def test_what_saved_the_models_is_named(cells: Cells) -> None:
    """As the files say it themselves, whether they were run or not."""
    assert cells["onnxruntime", "all"].saved_by.startswith("tf2onnx ")
    assert cells["onnxruntime", "other exporter"].saved_by.startswith("pytorch ")
    assert cells["onnxruntime", "no such level"].saved_by.startswith("tf2onnx ")
    assert cells["onnxruntime", "not there"].saved_by == ""


def test_one_author_of_a_row_is_named_once(found: MatrixRecord) -> None:
    """Above its table; where cells differ, below each of them."""
    told = matrix_text(found, 300)
    kernels = next(line for line in told.splitlines() if line.startswith("tflite kernels: "))
    assert "compared with xnnpack; saved by TensorFlow Lite converter" in kernels
    assert "\n  saved by: pytorch " in told
    assert told.count("\n  saved by: tf2onnx ") > 1


def test_the_library_runs_a_matrix_too() -> None:
    """Beside check and record."""
    assert parity.matrix is matrix
