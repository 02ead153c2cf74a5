"""``parity layers`` and ``pytest --parity-layers``: the bundled anchor-free detector, one image."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from parity.cli import main
from parity.layers.verdict.table import COLUMNS


@pytest.fixture
def suite(golden_suites: Path, tmp_path: Path) -> Path:
    """A copy of the suite with its first image alone, and without goldens."""
    folder = tmp_path / "parts_free"
    ignore = shutil.ignore_patterns("golden", "images", "*.pt*", "labels.json", "*int8*")
    shutil.copytree(golden_suites / "parts_free", folder, ignore=ignore)
    shutil.copy(golden_suites / "parts_free" / "detector.pth", folder)
    (folder / "images").mkdir()
    shutil.copy(golden_suites / "parts_free" / "images" / "001.jpg", folder / "images")
    file = folder / "parity.toml"
    lines = file.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("images", "labels"))]
    kept.insert(kept.index("[detector]") + 1, 'images = ["images/001.jpg"]')
    file.write_text("\n".join(kept))
    return folder


@pytest.fixture
def faulty(suite: Path) -> Path:
    """The suite whose ONNX file has one convolution's weights 5 % too large."""
    model = onnx.load(suite / "detector.onnx")
    kernels = [one for one in model.graph.initializer if len(one.dims) == 4]
    kernel = kernels[len(kernels) // 2]
    array = numpy_helper.to_array(kernel) * 1.05
    kernel.CopyFrom(numpy_helper.from_array(array.astype("float32"), kernel.name))
    onnx.save(model, suite / "detector.onnx")
    return suite


def layers(suite: Path, *more: str) -> int:
    """``parity layers SUITE --runtimes onnx``."""
    return main(["layers", str(suite), "--runtimes", "onnx", "--images", "1", *more])


def test_a_healthy_export_has_no_suspect(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, everything compared."""
    assert layers(suite) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "onnx: 100 % of its ops compared on 1 image; no layer introduces an error\n"
    )


def test_the_faulty_layer_is_named(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the convolution stands first."""
    assert layers(faulty) == 1
    printed = capsys.readouterr().out
    assert "100 % of its ops compared on 1 image; introduced by " in printed
    lines = printed.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line[6:16] == "introduced"]
    assert lines[place + 1].endswith(" > Conv")


def test_a_report_has_the_table_and_a_plot(faulty: Path, tmp_path: Path) -> None:
    """The CSV has the promised columns, one row a layer; the plot is an SVG."""
    layers(faulty, "--report", str(tmp_path / "out"))
    folder = tmp_path / "out" / "parts-free"
    with (folder / "layers-onnx.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["verdict"] for row in rows].count("introduced") == 1
    assert {row["verdict"] for row in rows} == {"ok", "introduced", "inherited"}
    assert (folder / "layers-onnx.svg").read_text().startswith("<?xml")


def test_a_replay_folder_reproduces_the_numbers(faulty: Path, tmp_path: Path) -> None:
    """Its script runs the one op with the runtime alone."""
    layers(faulty, "--report", str(tmp_path / "out"))
    (folder,) = (tmp_path / "out" / "parts-free" / "replay-onnx").iterdir()
    names = {"model.onnx", "inputs.npz", "reference.npz", "candidate.npz", "replay.py"}
    assert {path.name for path in folder.iterdir()} == names
    assert "parity" not in (folder / "replay.py").read_text()
    done = subprocess.run(
        [sys.executable, str(folder / "replay.py")], capture_output=True, text=True, check=True
    )
    with (folder.parents[1] / "layers-onnx.csv").open(newline="") as file:
        (row,) = [one for one in csv.DictReader(file) if one["verdict"] == "introduced"]
    title, line = done.stdout.splitlines()
    assert title.endswith(", fed with the reference's tensors")
    assert line.startswith(
        f"max_abs {float(row['local_max_abs']):.6g}, rel_l2 {float(row['local_rel_l2']):.6g}, 0 of "
    )
    assert line.endswith(" not finite, as recorded: True")


def test_another_input_is_told_from_a_faulty_layer(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fed BGR, every layer is off and none of them is to blame."""
    file = suite / "parity.toml"
    text = file.read_text()
    marker = "[runtimes.onnx]"
    assert marker in text
    file.write_text(text.replace(marker, f'{marker}\npreprocess = {{ color = "BGR" }}'))
    assert layers(suite) == 1
    assert ("no layer introduces the error: the input differs, look at preprocess") in " ".join(
        capsys.readouterr().out.split()
    )


def test_the_reference_has_nothing_to_be_compared_with(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asking for the reference is an error of the command."""
    assert main(["layers", str(suite), "--runtimes", "torch"]) == 2
    assert capsys.readouterr().err == (
        "error: --runtimes: expected a candidate, found 'torch', the reference of parts-free\n"
    )


def test_a_slip_in_a_name_is_offered_candidates_only(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reference is no choice; nothing has run by then."""
    assert main(["layers", str(suite), "--runtimes", "onnx,onx"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: --runtimes: expected one of ")
    assert "torch," not in err
    assert err.endswith("found 'onx'; did you mean 'onnx'?\n")


def test_a_suite_of_its_reference_alone_is_an_error(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to compare is never a pass."""
    file = suite / "parity.toml"
    head, _, rest = file.read_text().partition("[runtimes.torch]")
    own, _, _ = rest.partition("\n[")
    file.write_text(f"{head}[runtimes.torch]{own}\n")
    assert main(["layers", str(suite)]) == 2
    assert capsys.readouterr().err == (
        f"error: {file}: expected a candidate, found only 'torch', the reference of parts-free\n"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("0", "argument --images: expected at least 1 image, found 0"),
        ("-1", "argument --images: expected at least 1 image, found -1"),
        ("some", "argument --images: expected a number of images, found 'some'"),
    ],
)
def test_no_image_is_an_error(
    suite: Path, capsys: pytest.CaptureFixture[str], given: str, sentence: str
) -> None:
    """At least one image is needed; the option is named."""
    assert main(["layers", str(suite), "--runtimes", "onnx", f"--images={given}"]) == 2
    assert sentence in capsys.readouterr().err


def test_more_images_than_there_are_is_said(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are compared, and that is told."""
    assert main(["layers", str(suite), "--runtimes", "onnx", "--images", "10000"]) == 0
    note = "  note: --images 10000: the suite has 1, all were compared\n"
    assert note in capsys.readouterr().out


def test_a_report_that_cannot_be_written_is_refused_before_any_work(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the place of the folder, or of the detector's folder in it."""
    place = tmp_path / "file"
    place.write_text("")
    assert layers(suite, "--report", str(place)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"error: --report: expected a folder that can be written, found {place}: File exists\n"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "parts-free").write_text("")
    assert layers(suite, "--report", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err.endswith(f"found {tmp_path}/out/parts-free: Not a directory\n")


def test_networks_without_a_weight_in_common_are_told_with_the_runtime(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Like every other error of a runtime, its name stands first."""
    model = onnx.load(suite / "detector.onnx")
    rng = np.random.default_rng(0)
    for one in model.graph.initializer:
        if len(one.dims) > 1:
            other = rng.normal(size=tuple(one.dims)).astype("float32")
            one.CopyFrom(numpy_helper.from_array(other, one.name))
    onnx.save(model, suite / "detector.onnx")
    assert layers(suite) == 3
    assert capsys.readouterr().err.startswith(
        "error: onnx: expected weights that the reference and the candidate have in common, found "
    )


def test_help_says_what_the_words_and_the_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    """A suspect that is found is exit code 1; the words of the table are explained."""
    assert main(["layers", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "  1  a layer introduces an error, or the inputs differ\n" in printed
    for word in ("accumulated", "local", "expected", "introduced", "inherited", "nonfinite"):
        assert word in printed


def test_pytest_names_the_layer_in_the_failure(pytester: pytest.Pytester, faulty: Path) -> None:
    """--parity-layers looks into the runtimes that fail, and writes their tables."""
    result = pytester.runpytest_subprocess(
        str(faulty), "--parity-runtimes", "onnx", "--parity-layers", "--parity-report", "out"
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["layers: onnx: 100 % of its ops compared on 1 image; introduced*"])
    names = {path.name for path in (pytester.path / "out" / "parts-free").iterdir()}
    assert names >= {"layers-onnx.csv", "layers-onnx.svg", "replay-onnx", "results.json"}


def test_a_disk_that_fills_loses_no_table(
    suite: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The layers are told, then that their report is lost: exit code 2."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert layers(suite, "--report", str(tmp_path / "out")) == 2
    out, err = capsys.readouterr()
    assert "of its ops compared" in out
    assert "report:" not in out
    assert err.startswith("error: --report: expected a folder that can be written, found ")
    assert "no space left on device" in err
