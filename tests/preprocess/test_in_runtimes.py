"""Recipes in real runtimes: inputs of free size, TensorFlow's threads, SSD priors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parity import check
from parity.harness import Run
from parity.suite import load
from tests.support.onnx_models import mean_score
from tests.support.suites import boxes_scores, edit, runtime, small_suite

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def suite(folder: Path, model: str) -> Path:
    """Three pictures; a network of free size beside one whose file is ``model``."""
    for name, sides in (("free", ("height", "width")), ("fixed", (64, 64))):
        mean_score(folder / f"{name}.onnx", [0, 0, 1, 1], (1, 3, *sides))
    sizes = {"wide.png": (80, 128), "high.png": (64, 32), "square.png": (50, 50)}
    return small_suite(
        folder,
        {
            "native": runtime("onnxruntime", "free.onnx"),
            "copy": runtime("onnxruntime", f"{model}.onnx"),
        },
        classes=["bolt"],
        images={name: np.full((*size, 3), 200, np.uint8) for name, size in sizes.items()},
        size=(64, 64),
        preprocess='base = "yolo"\nstride = 32',
        decode=boxes_scores(normalized=True, threshold=0.01),
    )


def test_each_image_has_an_input_of_its_own_size(tmp_path: Path) -> None:
    """A rectangular letterbox into an ONNX model whose height and width are free."""
    found = check(suite(tmp_path, "free"))
    assert found.verdict == "pass"
    run = Run(load(tmp_path))
    sizes = {name: run.pipeline("copy").prepared(name).size for name in found.images}
    assert sizes == {"high.png": (64, 32), "square.png": (64, 64), "wide.png": (64, 64)}
    run.close()


def test_boxes_are_those_of_the_image_whatever_the_padding(tmp_path: Path) -> None:
    """The whole input is more than the image by its padding, on both sides alike."""
    found = check(suite(tmp_path, "free"))
    (row,) = found.runtimes[-1].images[-1].agreement.rows  # type: ignore[union-attr]
    # 128 x 80 is halved to 64 x 40, with 12 rows of padding above and below it.
    assert row.reference_box == pytest.approx((0, -24, 128, 104))


def test_a_fixed_input_judges_only_the_images_that_fit(tmp_path: Path) -> None:
    """The others are errors that say what to do."""
    found = check(suite(tmp_path, "fixed"))
    verdicts = {image.image: image.verdict for image in found.runtimes[-1].images}
    assert verdicts == {"high.png": "error", "square.png": "pass", "wide.png": "pass"}
    failure = found.runtimes[-1].images[0].failure
    assert failure is not None
    assert failure.message == (
        "copy: input image: expected (1, 3, 64, 64), found (1, 3, 64, 32); see preprocess.size; "
        "preprocess.stride = 32 gives each image a size of its own, and this input takes only "
        "one: remove stride, or export the model with a height and width that are free"
    )


def test_ssd_priors_need_one_size(tmp_path: Path) -> None:
    """They are laid over an input that is always the same."""
    folder = suite(tmp_path, "free")
    edit(folder, '"boxes-scores"', '"ssd"')
    own = '{ box_format = "xyxy", normalized = true }'
    edit(folder, f"boxes-scores = {own}", 'ssd = { priors = "priors.npy" }')
    path = folder / "parity.toml"
    np.save(folder / "priors.npy", np.full((1, 4), 0.5))
    failure = check(path).runtimes[-1].failure
    assert failure is not None
    assert failure.message == (
        f"{path}: 1 problem\n  preprocess.stride: expected none for SSD priors, which are those "
        f"of one size, found 32"
    )


def test_tensorflow_is_started_with_the_threads_that_adapters_ask_for() -> None:
    """A kernel may be what starts it in a process."""
    pytest.importorskip("tensorflow")
    code = (
        "import json, numpy as np\n"
        "from parity.preprocess import prepare\n"
        "from parity.suite.recipe import Recipe\n"
        "recipe = Recipe(size=(2, 2), kernel='tensorflow:area')\n"
        "prepare(np.zeros((4, 4, 3), np.uint8), recipe)\n"
        "from parity.runtimes.shared import tf_common\n"
        "print(json.dumps(tf_common.facts(tf_common.start(1), 1)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["threads"], found["inter_op_threads"]) == (1, 1)
    assert "threads_asked" not in found
