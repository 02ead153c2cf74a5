"""`parity init`: what it prints, writes, refuses; and that what it wrote loads and runs."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

from parity.cli import main
from parity.suite import load

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def free(golden_suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the anchor-free detector and two images, as the current one."""
    pytest.importorskip("onnxruntime")
    source = golden_suites / "parts_free"
    folder = tmp_path / "parts"
    (folder / "images").mkdir(parents=True)
    for name in ("detector.onnx", "detector_int8.onnx", "detector.pth", "classes.txt"):
        shutil.copy(source / name, folder / name)
    for name in ("001.jpg", "002.jpg"):
        shutil.copy(source / "images" / name, folder / "images" / name)
    monkeypatch.chdir(folder)
    return folder


TEXT = """\
# Proposed by `parity init`: read every line before you rely on it.
# Each network was run once, on images/001.jpg (values 0..1).
# seen: what the file or that run showed. assumed: what is usual, and was not seen.
# TODO: what only you can know.

[detector]
name = "parts"
reference = "onnx"              # assumed: nearest to training, in the highest precision
images = ["images/*.jpg"]
classes = "classes.txt"

[preprocess]
size = [320, 320]               # height, width; seen: the input is (1, 3, 320, 320)
resize = "stretch"              # assumed, as is usual for boxes-scores; not seen
kernel = "opencv:linear"        # assumed; not seen
color = "RGB"                   # assumed, as is usual for boxes-scores; not seen
range = [0, 1]                  # assumed, as is usual for boxes-scores; not seen

[decode]
# seen: 'boxes' (1, 2100, 4) beside 'scores' (1, 2100, 5)
# seen: 'boxes' can be read as boxes, cxcywh in pixels of the input
# seen: 'scores' is within 0..1
# seen: 5 columns for the 5 classes of the suite
# evidence 0..1: boxes-scores 1.00, then ssd 0.40
family = "boxes-scores"         # what the heads look like
score_threshold = 0.5           # assumed
nms_iou = 0.45                  # assumed
nms = "class"                   # assumed
max_detections = 100            # assumed

[decode.boxes-scores]
box_format = "cxcywh"           # seen: sizes or corners that fit; xyxy and yxyx look the same
normalized = false              # seen: the range of the boxes
activation = "none"             # seen: the range of the scores

[runtimes.onnx]
kind = "onnxruntime"            # seen: the file's content
model = "detector.onnx"

[runtimes.onnx_int8]
kind = "onnxruntime"            # seen: the file's content
model = "detector_int8.onnx"
tolerance = "int8"              # seen: 97.3 % of the weights are 8-bit integers
"""


def test_the_proposal_is_printed(free: Path, capfd: Capture) -> None:
    """All of it: what was seen, what is assumed; nothing is written."""
    before = sorted(free.rglob("*"))
    arguments = ["--images", "images/*.jpg", "--classes", "classes.txt"]
    assert main(["init", "detector.onnx", "detector_int8.onnx", *arguments]) == 0
    assert capfd.readouterr().out == TEXT
    assert sorted(free.rglob("*")) == before


def test_what_was_written_loads_and_is_judged(free: Path, capfd: Capture) -> None:
    """With images and classes named there is nothing left to fill in."""
    arguments = ["--images", "images/*.jpg", "--classes", "classes.txt"]
    arguments += ["--output", "parity.toml"]
    assert main(["init", "detector_int8.onnx", "detector.onnx", *arguments]) == 0
    out = capfd.readouterr().out
    assert out == "wrote parity.toml; 0 lines marked TODO for you to complete\n"
    assert (free / "parity.toml").read_text() == TEXT
    assert main(["check", "parity.toml", "--runtimes", "onnx_int8"]) in (0, 1)
    suite = load(free)
    assert (suite.reference, suite.candidates) == ("onnx", ("onnx_int8",))


def test_without_images_and_classes_both_are_marked(free: Path, capfd: Capture) -> None:
    """The number of classes is known from the heads; their names are not."""
    assert main(["init", "detector.onnx", "--output", "parity.toml"]) == 0
    assert capfd.readouterr().out == (
        "wrote parity.toml; 2 lines marked TODO for you to complete\n"
        "it holds one runtime: add a second, there is nothing to compare it with yet\n"
    )
    lines = (free / "parity.toml").read_text().splitlines()
    assert lines[1] == "# Each network was run once, on a synthetic picture (values 0..1)."
    todo = [line for line in lines[4:] if "TODO: " in line]
    assert [line.split("  #")[0].strip() for line in todo] == [
        'images = ["images/*.jpg"]',
        'classes = ["class 0", "class 1", "class 2", "class 3", "class 4"]',
    ]
    assert todo[1].endswith("# TODO: their names; seen: the heads have room for 5")
    assert load(free).classes == tuple(f"class {number}" for number in range(5))


def test_paths_are_relative_to_the_file(free: Path, capfd: Capture) -> None:
    """Written elsewhere, it still finds models, images and classes."""
    arguments = ["--images", "images/*.jpg", "--classes", "classes.txt", "--output"]
    (free / "suite").mkdir()
    assert main(["init", "detector.onnx", *arguments, "suite/parity.toml"]) == 0
    text = (free / "suite" / "parity.toml").read_text()
    assert 'model = "../detector.onnx"' in text
    suite = load(free / "suite")
    assert suite.images == ("../images/001.jpg", "../images/002.jpg")
    assert len(suite.classes) == 5


def test_an_existing_file_is_never_overwritten_unasked(free: Path, capfd: Capture) -> None:
    """Exit code 2 and the old content; --force says otherwise."""
    (free / "parity.toml").write_text("mine")
    assert main(["init", "detector.onnx", "--output", "parity.toml"]) == 2
    assert capfd.readouterr().err == (
        "error: --output: expected a new file, found parity.toml; say --force to overwrite it\n"
    )
    assert (free / "parity.toml").read_text() == "mine"
    assert main(["init", "detector.onnx", "--output", "parity.toml", "--force"]) == 0
    assert (free / "parity.toml").read_text().startswith("# Proposed by `parity init`")


def test_a_model_that_does_not_load_is_listed_and_the_others_stand(
    free: Path, capfd: Capture
) -> None:
    """A state dict and a missing file: their reasons on the standard error and in the file; 3."""
    assert main(["init", "detector.pth", "nothing.onnx", "detector.onnx"]) == 3
    out, err = capfd.readouterr()
    assert err.splitlines()[-2:] == [
        "error: detector.pth: expected a model, found a torch state dict: weights alone. "
        'Say model = "module:build" and weights = this file, where build() returns the network',
        "error: nothing.onnx: expected a model, found nothing",
    ]
    assert "\n# left out, as it did not load or run: nothing.onnx: expected a model, found " in out
    assert out.count("[runtimes.") == 1


def test_where_none_loads_nothing_is_proposed(free: Path, capfd: Capture) -> None:
    """Exit code 3."""
    (free / "broken.onnx").write_bytes((free / "detector.onnx").read_bytes()[:5000])
    assert main(["init", "broken.onnx", "detector.pth", "--output", "parity.toml"]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert "error: broken.onnx: expected a model, found a truncated protobuf file" in err
    assert not (free / "parity.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "*.png"], "--images: expected files that match '*.png', found none"),
        (
            ["--classes", "none.txt"],
            "--classes: expected a text file at none.txt, found nothing there",
        ),
        (["--output", "images"], "--output: expected a file name, found the folder images"),
    ],
)
def test_wrong_arguments_exit_with_2_before_anything_is_opened(
    free: Path, capfd: Capture, arguments: list[str], message: str
) -> None:
    """Even where no model would load."""
    assert main(["init", "detector.pth", *arguments]) == 2
    assert capfd.readouterr().err.startswith(f"error: {message}")


def test_a_class_file_that_does_not_fit_is_marked(free: Path, capfd: Capture) -> None:
    """Both numbers, and the line to look at."""
    (free / "classes.txt").write_text("bolt\nnut\n")
    assert main(["init", "detector.onnx", "--classes", "classes.txt"]) == 0
    assert "# TODO: the heads have room for 5, the file lists 2\n" in capfd.readouterr().out


def test_code_in_a_model_file_is_never_run(tmp_path: Path, capfd: Capture) -> None:
    """A pickled module is refused as everywhere, and no trust can be given here."""
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Conv2d(3, 4, 1), tmp_path / "whole.pt")
    assert main(["init", str(tmp_path / "whole.pt")]) == 3
    assert "found a zip archive that holds a pickled Python object" in capfd.readouterr().err


def test_a_file_that_needs_trust_is_left_to_be_written_by_hand(
    tmp_path: Path, capfd: Capture
) -> None:
    """The proposal has no place to say trust."""
    torch = pytest.importorskip("torch")

    class Reader(torch.nn.Module):
        def forward(self, image: torch.Tensor):
            return torch.from_file("nothing", False, 4, dtype=torch.uint8)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Reader()), str(tmp_path / "reader.pt"))
    assert main(["init", str(tmp_path / "reader.pt")]) == 3
    assert capfd.readouterr().err.endswith(
        "found it calls from_file(). init opens no such file; write its [runtimes.NAME] by hand, "
        "with trust = true\n"
    )


def test_what_was_written_for_one_file_is_a_suite_that_lacks_a_candidate(
    free: Path, capfd: Capture
) -> None:
    """Exit code 2: there is nothing wrong with a runtime, but with the suite."""
    arguments = ["--images", "images/*.jpg", "--classes", "classes.txt"]
    assert main(["init", "detector.onnx", *arguments, "--output", "parity.toml"]) == 0
    assert main(["check", "parity.toml"]) == 2
    assert (
        "runtimes: expected a candidate beside the reference onnx, found none; add a second "
        "runtime: that a reference agrees with itself"
    ) in capfd.readouterr().out
