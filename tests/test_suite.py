"""``parity.toml``: what is accepted, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity import suite
from parity.decode.families import built_in
from parity.decode.families.boxes_scores import BoxesScores
from parity.errors import SuiteError, UsageError

GOOD = """\
[detector]
name = "parts"
reference = "native"
images = ["images/*.png"]
classes = ["bolt", "nut"]

[preprocess]
size = [240, 320]
mean = 127
std = 128

[decode]
family = "ssd"
score_threshold = 0.5
[decode.ssd]
priors = "priors.npy"
background = 0

[runtimes.native]
kind = "keras"
model = "detector.keras"

[runtimes.onnx]
kind = "onnxruntime"
model = "detector.onnx"
"""


@pytest.fixture
def write(tmp_path: Path):
    """Writes a suite with one image; pairs of (old, new) text change the good one."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").write_bytes(b"")

    def write_suite(*changes: tuple[str, str], more: str = "") -> Path:
        text = GOOD
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "parity.toml"
        path.write_text(text + more)
        return path

    return write_suite


def problems(path: Path) -> list[str]:
    """Every problem that loading the suite finds."""
    with pytest.raises(SuiteError) as caught:
        suite.load(path)
    return list(caught.value.problems)


def test_a_suite_is_found_in_its_folder(write) -> None:
    """A folder stands for the parity.toml in it."""
    path = write()
    assert suite.load(path.parent) == suite.load(path)


def test_images_are_ids_relative_to_the_suite(write) -> None:
    """An image's id is its path below the suite with forward slashes."""
    assert suite.load(write()).images == ("images/1.png",)


def test_a_runtime_inherits_the_suites_recipe(write) -> None:
    """Without overrides every runtime has the suite's own recipe."""
    loaded = suite.load(write())
    assert loaded.runtimes["onnx"].recipe.digest() == loaded.runtimes["native"].recipe.digest()


def test_a_runtime_replaces_single_keys_of_the_recipe(write) -> None:
    """preprocess = { ... } of a runtime changes those keys and keeps the rest."""
    recipe = suite.load(write(more='preprocess = { color = "BGR" }\n')).runtimes["onnx"].recipe
    assert (recipe.color, recipe.mean, recipe.size) == ("BGR", (127.0,), (240, 320))


def test_another_family_leaves_the_suites_table_behind(write) -> None:
    """A runtime of another family needs its own table and not the suite's."""
    more = """
[runtimes.onnx.decode]
family = "boxes-scores"
[runtimes.onnx.decode.boxes-scores]
box_format = "xyxy"
normalized = true
"""
    decode = suite.load(write(more=more)).runtimes["onnx"].decode
    assert (decode.family, decode.score_threshold) == ("boxes-scores", 0.5)
    assert decode.own == BoxesScores(box_format="xyxy", normalized=True)


def test_the_recipe_prints_as_one_line(write) -> None:
    """The recipe says every step in order."""
    assert suite.load(write()).runtimes["onnx"].recipe.describe() == (
        "stretch to 240x320 (h x w) by opencv:linear; RGB; 0..255 to 0..255; (x - 127) / 128"
    )


def test_a_tolerance_of_ones_own_starts_from_a_built_in(write) -> None:
    """Only the limits that are named differ from the base."""
    more = 'tolerance = "ours"\n[tolerance.ours]\nbase = "int8"\nmax_lost = 0.02\n'
    tolerance = suite.load(write(more=more)).runtimes["onnx"].tolerance
    assert (tolerance.name, tolerance.max_lost, tolerance.min_box_iou) == ("ours", 0.02, 0.88)


def test_every_problem_is_told_at_once(write) -> None:
    """Problems do not hide each other."""
    path = write(
        ('name = "parts"', 'name = "parts of/it"'),
        ("size = [240, 320]", "size = [240]"),
        ('kind = "onnxruntime"', "kind = 3"),
    )
    assert problems(path) == [
        "detector.name: expected text like ^[A-Za-z0-9][A-Za-z0-9._-]*$, found 'parts of/it'",
        "preprocess.size: expected [height, width] in pixels, found [240]",
        "runtimes.onnx.kind: expected a string, found 3",
    ]


def test_the_error_names_the_file_and_counts(write) -> None:
    """The first line says where and how many."""
    path = write(("mean = 127", 'mean = "x"'))
    with pytest.raises(SuiteError) as caught:
        suite.load(path)
    assert str(caught.value) == (
        f"{path}: 1 problem\n  preprocess.mean: expected a number or a list of numbers, found 'x'"
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "mean = 127",
            "maen = 127",
            "preprocess.maen: unknown key; expected one of base, cast, color, decoder, "
            "function, kernel, mean, pad, pad_value, range, resize, scale_up, size, std, stride, "
            "found 'maen'; did you mean 'mean'?",
            id="unknown-key",
        ),
        pytest.param(
            'family = "ssd"',
            'family = "ssdd"',
            "decode.family: expected one of {families}, found 'ssdd'; did you mean 'ssd'?",
            id="unknown-family",
        ),
        pytest.param(
            "score_threshold = 0.5",
            "score_threshold = 50",
            "decode.score_threshold: expected at most 1, found 50",
            id="threshold-in-percent",
        ),
        pytest.param(
            'reference = "native"',
            'reference = "natve"',
            "detector.reference: expected one of native, onnx, found 'natve'; "
            "did you mean 'native'?",
            id="unknown-reference",
        ),
        pytest.param(
            'images = ["images/*.png"]',
            'images = "*.jpg"',
            "detector.images: expected files that match '*.jpg', found none in {folder}",
            id="no-image",
        ),
        pytest.param(
            'classes = ["bolt", "nut"]',
            'classes = ["bolt", "bolt"]',
            "detector.classes: expected each class once, found 'bolt' more than once",
            id="class-twice",
        ),
        pytest.param(
            "mean = 127",
            "mean = 127\nresize = 'none'\npad_value = 3",
            "preprocess.pad: expected only with resize = 'letterbox', found without",
            id="pad-without-letterbox",
        ),
        pytest.param(
            "std = 128", "std = 0", "preprocess.std: expected numbers other than 0, found 0",
            id="std-zero",
        ),
        pytest.param(
            "mean = 127",
            "mean = [1, 2]",
            "preprocess.mean: expected 1 or 3 numbers, found 2",
            id="mean-of-two",
        ),
        pytest.param(
            'model = "detector.onnx"',
            'model = "detector.onnx"\ntrust = "yes"',
            "runtimes.onnx.trust: expected true or false, found 'yes'",
            id="trust-as-text",
        ),
        pytest.param(
            'model = "detector.onnx"',
            'model = "detector.onnx"\ntolerance = "int4"',
            "runtimes.onnx.tolerance: expected one of exact, float16, float32, int8, found 'int4'; "
            "did you mean 'int8'?",
            id="unknown-tolerance",
        ),
        pytest.param(
            'model = "detector.onnx"',
            'model = "detector.onnx"\npreprocess = { size = 3 }',
            "runtimes.onnx.preprocess.size: expected [height, width] in pixels, found 3",
            id="bad-override",
        ),
        pytest.param(
            'model = "detector.onnx"',
            'model = "detector.onnx"\nexport = { method = "tf2onnx", from = "nativ" }',
            "runtimes.onnx.export.from: expected one of native, onnx, found 'nativ'; "
            "did you mean 'native'?",
            id="export-from-nothing",
        ),
    ],
)  # fmt: skip
def test_a_wrong_suite_is_told(write, old: str, new: str, message: str) -> None:
    """Key path, what was expected, what was found."""
    path = write((old, new))
    assert problems(path) == [
        message.format(folder=path.parent, families=", ".join(sorted(built_in())))
    ]


def test_a_built_in_tolerance_keeps_its_meaning(write) -> None:
    """Redefining float32 is refused."""
    assert problems(write(more='[tolerance.float32]\nbase = "int8"\n')) == [
        "tolerance.float32: expected a name of your own, found a built-in one: "
        "those keep their meaning"
    ]


def test_the_band_covers_the_score_limit(write) -> None:
    """A band below max_score_diff could not see a partner that is within the limit."""
    more = '[tolerance.ours]\nbase = "float32"\nmax_score_diff = 0.01\n'
    assert problems(write(more=more)) == [
        "tolerance.ours.band: expected at least max_score_diff = 0.01, found 0.001: "
        "a score within its limit would have no partner in sight"
    ]


def test_no_suite_is_told(tmp_path: Path) -> None:
    """A missing file is an error of the suite."""
    assert problems(tmp_path) == ["expected a suite file (TOML), found nothing there"]


def test_toml_that_does_not_parse_is_told(tmp_path: Path) -> None:
    """The TOML parser's own words say where."""
    path = tmp_path / "parity.toml"
    path.write_text("[detector\n")
    (problem,) = problems(path)
    assert problem.startswith("expected valid TOML, found: ")
    assert "line 1" in problem


def test_a_runtime_that_is_asked_for_must_exist(write) -> None:
    """Selecting an unknown runtime names the near one."""
    loaded = suite.load(write())
    with pytest.raises(UsageError) as caught:
        loaded.select(("onx",))
    assert str(caught.value) == (
        f"{loaded.path}: runtimes: expected one of native, onnx, found 'onx'; did you mean 'onnx'?"
    )


def test_a_runtime_with_nms_inside_inherits_no_nms(write) -> None:
    """The suite's NMS is the reference's own; threshold and the rest are inherited."""
    inside = 'model = "detector.onnx"\ndecode = { family = "tflite-postprocess" }'
    threshold = "score_threshold = 0.5"
    loaded = suite.load(
        write(
            ('model = "detector.onnx"', inside),
            (threshold, f'{threshold}\nnms = "agnostic"'),
        )
    )
    decode = loaded.runtimes["onnx"].decode
    assert (decode.nms, decode.score_threshold, decode.max_detections) == ("none", 0.5, None)
