"""Networks that take one channel: luma by each library, in goldens, in runtimes, as a probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from parity import check
from parity.cli import main
from parity.harness import record
from parity.preprocess import canvas_from_pixels, prepare, read_image
from parity.suite import Recipe
from tests.support.onnx_models import mean_score
from tests.support.suites import boxes_scores, edit, noise, runtime, small_suite

DECODERS = ("pillow", "opencv", "tensorflow")


def colours() -> np.ndarray:
    """Every sum of weights that rounding could differ in: 64 levels a channel, uint8 RGB."""
    levels = np.arange(0, 256, 4, dtype=np.uint8) + np.uint8(3)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(512, 512, 3)


def by_library(image: np.ndarray, library: str) -> np.ndarray:
    """The library's own call, (H, W)."""
    if library == "pillow":
        return np.array(Image.fromarray(image).convert("L"))
    if library == "opencv":
        cv2 = pytest.importorskip("cv2")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    tf = pytest.importorskip("tensorflow")
    return np.array(tf.image.rgb_to_grayscale(image))[..., 0]


@pytest.mark.parametrize("library", DECODERS)
def test_luma_is_that_of_the_decoders_library(library: str) -> None:
    """Bit for bit, over 262,144 colours."""
    found = prepare(colours(), Recipe(resize="none", color="grey", decoder=library))
    assert found.pixels is not None
    assert found.pixels.shape == (512, 512, 1)
    np.testing.assert_array_equal(found.pixels[..., 0], by_library(colours(), library))


def test_libraries_do_differ() -> None:
    """So that it matters which of them is named."""
    pytest.importorskip("cv2")
    ours, theirs = (by_library(colours(), one).astype(int) for one in ("pillow", "opencv"))
    assert np.abs(ours - theirs).max() == 1


@pytest.mark.parametrize("library", DECODERS)
def test_a_grey_file_comes_back_as_it_is(library: str, tmp_path: Path) -> None:
    """Thermal images: decoded into three equal channels, and back into what the file holds."""
    if library != "pillow":
        pytest.importorskip("cv2" if library == "opencv" else library)
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(stored).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png", library)
    found = prepare(image, Recipe(resize="none", color="grey", decoder=library)).canvas
    np.testing.assert_array_equal(found[..., 0], stored)


@pytest.mark.parametrize("kernel", ["pillow:bilinear", "opencv:linear", "opencv:area"])
def test_luma_is_resized_as_one_channel(kernel: str) -> None:
    """First grey, then smaller, as deployments do."""
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3)).astype(np.uint8)
    grey = by_library(image, "pillow")
    found = prepare(image, Recipe(size=(16, 24), kernel=kernel, color="grey")).canvas
    library, name = kernel.split(":")
    if library == "pillow":
        wanted = np.array(Image.fromarray(grey).resize((24, 16), Image.Resampling.BILINEAR))
    else:
        cv2 = pytest.importorskip("cv2")
        wanted = cv2.resize(grey, (24, 16), interpolation=getattr(cv2, f"INTER_{name.upper()}"))
    np.testing.assert_array_equal(found[..., 0], wanted)


@pytest.mark.parametrize(
    "kernel", ["tensorflow:bilinear", "tensorflow:nearest", "torch:bilinear", "torch:area"]
)
def test_kernels_of_frameworks_take_one_channel(kernel: str) -> None:
    """As one of three equal channels."""
    pytest.importorskip(kernel.partition(":")[0])
    grey = np.random.default_rng(0).integers(0, 256, (37, 53, 1)).astype(np.uint8)
    image = np.repeat(grey, 3, axis=2)
    one = prepare(image, Recipe(size=(16, 24), kernel=kernel, color="grey")).canvas
    three = prepare(image, Recipe(size=(16, 24), kernel=kernel)).canvas
    np.testing.assert_array_equal(one, three[..., :1])


def test_a_letterbox_range_mean_and_std_of_one_channel() -> None:
    """Padding, then values, and the same canvas from the recorded pixels."""
    recipe = Recipe(
        size=(32, 32), resize="letterbox", color="grey", range=(0, 1), mean=0.5, std=0.25
    )
    found = prepare(np.full((8, 16, 3), 255, np.uint8), recipe)
    assert found.canvas.shape == (32, 32, 1)
    assert found.canvas[16, 16, 0] == 2.0
    assert found.canvas[0, 0, 0] == np.float32((np.float32(114) / np.float32(255) - 0.5) / 0.25)
    assert found.pixels is not None
    np.testing.assert_array_equal(canvas_from_pixels(found.pixels, recipe), found.canvas)


def test_grey_bgr_is_the_luma_with_red_and_blue_exchanged() -> None:
    """A deployment that takes OpenCV's BGR for RGB."""
    image = colours()
    found = prepare(image, Recipe(resize="none", color="grey-BGR")).canvas
    np.testing.assert_array_equal(found[..., 0], by_library(image[..., ::-1].copy(), "pillow"))


def test_mean_and_std_of_three_channels_are_refused() -> None:
    """There is only one."""
    with pytest.raises(ValidationError) as caught:
        Recipe(size=(8, 8), color="grey", mean=(1, 2, 3))
    (problem,) = caught.value.errors()
    assert problem["msg"] == "Value error, mean: expected 1 number, as color = 'grey', found 3"


def test_a_recipe_tells_whose_luma_it_is() -> None:
    """In one line, for reports."""
    recipe = Recipe(size=(8, 8), color="grey", decoder="opencv")
    assert "; grey by opencv; " in recipe.describe()
    assert recipe.digest() != Recipe(size=(8, 8), decoder="opencv").digest()


SIZE = (16, 24)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One detector in both layouts, and a picture that is far more red than blue."""
    pytest.importorskip("onnxruntime")
    for name, shape in (("planar", (1, 1, *SIZE)), ("interleaved", (1, *SIZE, 1))):
        mean_score(tmp_path / f"{name}.onnx", [2, 3, 12, 13], shape, white=255)
    pixels = noise(33, 47)
    pixels[..., 2] //= 8
    small_suite(
        tmp_path,
        {
            "native": runtime("onnxruntime", "planar.onnx"),
            "other": runtime("onnxruntime", "interleaved.onnx"),
        },
        name="thermal",
        classes=["person"],
        images={"a.png": pixels},
        size=SIZE,
        preprocess='color = "grey"',
        decode=boxes_scores(threshold=0.1),
    )
    return tmp_path


def test_one_channel_in_both_layouts_agrees(home: Path) -> None:
    """(1, 1, H, W) against (1, H, W, 1)."""
    (found,) = check(home, ("other",)).runtimes
    assert (found.verdict, found.layout) == ("pass", "NHWC")
    (row,) = found.images[0].agreement.rows  # type: ignore[union-attr]
    assert row.score_diff == pytest.approx(0, abs=1e-6)


def test_a_golden_holds_the_luma(home: Path) -> None:
    """As pixels, and stands in for the reference."""
    folder = record(home)
    with np.load(folder / "a.png.npz") as file:
        assert (file["pixels"].dtype, file["pixels"].shape) == (np.uint8, (16, 24, 1))
    assert json.loads((folder / "manifest.json").read_text())["recipe"]["color"] == "grey"
    (found,) = check(home, ("other",), reference="golden").runtimes
    assert (found.verdict, found.against) == ("pass", "golden")


def test_exchanged_weights_are_named(home: Path) -> None:
    """BGR fed to the weights of RGB, beside a kernel that does no harm: the probe says which."""
    own = 'preprocess = { color = "grey-BGR", kernel = "opencv:linear-exact" }'
    file = home / "parity.toml"
    file.write_text(f"{file.read_text()}{own}\n")
    (found,) = check(home, ("other",)).runtimes
    assert found.verdict == "fail"
    assert found.recipe_keys == ("preprocess.color", "preprocess.kernel")
    assert "fed the luma with red and blue as they are: then the worst image agrees" in found.hints


def test_three_channels_for_one_say_what_to_write(home: Path) -> None:
    """The error names the key."""
    edit(home, 'color = "grey"', "")
    (found,) = check(home, ("other",)).runtimes
    assert found.images[0].failure is not None
    assert found.images[0].failure.message.endswith(
        'for one channel say color = "grey" in [preprocess]'
    )


def test_init_sees_the_one_channel(home: Path, capfd: Any) -> None:
    """And proposes no mean and std of three."""
    assert main(["init", str(home / "planar.onnx"), str(home / "interleaved.onnx")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert (
        'color = "grey"                  # seen: the network takes one channel; its luma is the '
        "decoder's" in lines
    )
    assert not any(line.startswith(("mean", "std")) for line in lines)


def test_init_finds_the_one_channel_of_a_file_that_declares_no_shape(
    tmp_path: Path, capfd: Any
) -> None:
    """TorchScript says nothing of its input: three channels do not run, one does."""
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Conv2d(1, 4, 8, 8)

        def forward(self, image: Any) -> Any:
            rows = torch.relu(self.body(image)).flatten(2)
            return rows.transpose(1, 2), rows.transpose(1, 2)[..., :1].sigmoid()

    path = str(tmp_path / "net.torchscript.pt")
    torch.jit.trace(Net().eval(), torch.zeros(1, 1, 64, 64)).save(path)
    assert main(["init", path]) == 0
    assert '\ncolor = "grey"  ' in capfd.readouterr().out
