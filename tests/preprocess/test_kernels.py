"""Resize kernels of TensorFlow and torch, pixel for pixel against the call that they are named for.

Those of Pillow and OpenCV are in ``tests/test_preprocess.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from parity.errors import LibraryMissing
from parity.preprocess import missing, prepare
from parity.suite.recipe import KERNELS, Recipe

tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")

SIZES = [(24, 32), (80, 100), (37, 53), (1, 1), (20, 90)]  # down, up, the same, one, both ways


def photo(height: int = 37, width: int = 53) -> np.ndarray:
    """A picture with edges, gradients and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    base = np.stack([x * 255 / width, y * 255 / height, (x // 5 + y // 7) % 2 * 255.0], axis=-1)
    return np.clip(base + rng.normal(0, 20, base.shape), 0, 255).astype(np.uint8)


def scaled(kernel: str, antialias: bool) -> Callable[[Any, Any], Any]:
    """The operation ``ScaleAndTranslate`` on half-pixel centres."""

    def call(image: Any, size: tuple[int, int]) -> Any:
        scale = np.array(size, np.float32) / np.array(image.shape[1:3], np.float32)
        return tf.raw_ops.ScaleAndTranslate(
            images=image,
            size=size,
            scale=scale,
            translation=[0.0, 0.0],
            kernel_type=kernel,
            antialias=antialias,
        )

    return call


def plain(operation: str, **grid: bool) -> Callable[[Any, Any], Any]:
    """One of the older operations, on the grid that is named."""
    return lambda image, size: getattr(tf.raw_ops, operation)(images=image, size=size, **grid)


HALF = {"align_corners": False, "half_pixel_centers": True}
CORNERS = {"align_corners": True, "half_pixel_centers": False}
LEGACY = {"align_corners": False, "half_pixel_centers": False}
TENSORFLOW: dict[str, Callable[[Any, Any], Any]] = {
    "bilinear": plain("ResizeBilinear", **HALF),
    "bilinear-antialias": scaled("triangle", True),
    "bilinear-align-corners": plain("ResizeBilinear", **CORNERS),
    "bilinear-legacy": plain("ResizeBilinear", **LEGACY),
    "nearest": plain("ResizeNearestNeighbor", **HALF),
    "nearest-align-corners": plain("ResizeNearestNeighbor", **CORNERS),
    "nearest-legacy": plain("ResizeNearestNeighbor", **LEGACY),
    "bicubic": plain("ResizeBicubic", **HALF),
    "bicubic-antialias": scaled("keyscubic", True),
    "bicubic-align-corners": plain("ResizeBicubic", **CORNERS),
    "bicubic-legacy": plain("ResizeBicubic", **LEGACY),
    "area": plain("ResizeArea", align_corners=False),
    "area-align-corners": plain("ResizeArea", align_corners=True),
    **{
        f"{name}{ending}": scaled(name, bool(ending))
        for name in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")
        for ending in ("", "-antialias")
    },
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", KERNELS["tensorflow"])
def test_tensorflow_kernels_are_tensorflows_own(kernel: str, size: tuple[int, int]) -> None:
    """Against the operation itself."""
    found = prepare(photo(), Recipe(size=size, kernel=f"tensorflow:{kernel}"))
    expected = TENSORFLOW[kernel](photo()[None], size)[0].numpy()
    np.testing.assert_array_equal(found.canvas, expected.astype(np.float32))


TORCH: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest"},
    "nearest-exact": {"mode": "nearest-exact"},
    "area": {"mode": "area"},
    "bilinear": {"mode": "bilinear", "align_corners": False},
    "bilinear-antialias": {"mode": "bilinear", "antialias": True, "align_corners": False},
    "bilinear-align-corners": {"mode": "bilinear", "align_corners": True},
    "bicubic": {"mode": "bicubic", "align_corners": False},
    "bicubic-antialias": {"mode": "bicubic", "antialias": True, "align_corners": False},
    "bicubic-align-corners": {"mode": "bicubic", "align_corners": True},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", KERNELS["torch"])
def test_torch_kernels_are_torchs_own(kernel: str, size: tuple[int, int]) -> None:
    """Of the image as deployments make a tensor of it: permuted, then float."""
    found = prepare(photo(), Recipe(size=size, kernel=f"torch:{kernel}"))
    batch = torch.from_numpy(photo()).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(batch, size=size, **TORCH[kernel])
    np.testing.assert_array_equal(found.canvas, expected[0].permute(1, 2, 0).numpy())


def test_every_kernel_is_tested() -> None:
    """The tables above are those that a suite may name."""
    assert set(TENSORFLOW) == set(KERNELS["tensorflow"])
    assert set(TORCH) == set(KERNELS["torch"])


@pytest.mark.parametrize("library", ["tensorflow", "torch"])
def test_each_ending_changes_something(library: str) -> None:
    """No two kernels of a library are one under two names, scaled down."""
    made = [
        prepare(photo(), Recipe(size=(14, 17), kernel=f"{library}:{one}")).canvas.tobytes()
        for one in KERNELS[library]
    ]
    assert len(set(made)) == len(made)


# -------------------------------------------------------------------------------- floats and casts


@pytest.mark.parametrize("kernel", ["tensorflow:bilinear", "torch:bilinear"])
def test_floats_are_fed_as_they_are(kernel: str) -> None:
    """There are then no pixels to store: the canvas is what was fed."""
    found = prepare(photo(), Recipe(size=(24, 32), kernel=kernel))
    assert found.pixels is None
    assert (found.canvas % 1).any()


def test_nearest_of_tensorflow_gives_whole_pixels() -> None:
    """It picks them."""
    found = prepare(photo(), Recipe(size=(24, 32), kernel="tensorflow:nearest"))
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels, found.canvas)


def test_a_cast_rounds_half_to_even_and_keeps_to_pixels() -> None:
    """As torchvision turns a resized uint8 tensor back: clamped and rounded."""
    recipe = Recipe(size=(80, 100), kernel="torch:bicubic", cast="round")
    batch = torch.from_numpy(photo()).permute(2, 0, 1)[None].float()
    floats = torch.nn.functional.interpolate(batch, size=(80, 100), mode="bicubic")
    assert floats.min() < 0
    assert floats.max() > 255
    expected = floats.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(prepare(photo(), recipe).pixels, expected)


def test_a_cast_truncates_as_a_saturated_cast_does() -> None:
    """``tf.saturate_cast`` of what was resized."""
    recipe = Recipe(size=(24, 32), kernel="tensorflow:bicubic-antialias", cast="truncate")
    floats = tf.image.resize(photo(), (24, 32), method="bicubic", antialias=True)
    expected = tf.saturate_cast(floats, tf.uint8).numpy()
    np.testing.assert_array_equal(prepare(photo(), recipe).pixels, expected)


def test_a_letterbox_of_floats_is_padded_exactly() -> None:
    """The padding is not resized, and the image in it is the library's own."""
    recipe = Recipe(size=(40, 40), resize="letterbox", kernel="torch:bilinear", pad="corner")
    found = prepare(photo(100, 50), recipe).canvas
    batch = torch.from_numpy(photo(100, 50)).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(batch, size=(40, 20), mode="bilinear")
    np.testing.assert_array_equal(found[:, :20], expected[0].permute(1, 2, 0).numpy())
    assert set(found[:, 20:].ravel().tolist()) == {114.0}


# ------------------------------------------------------------------------------------ what is wrong


def problem(**keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Recipe(size=(4, 4), **keys)
    return str(caught.value.errors()[0]["ctx"]["error"])


def test_a_kernel_that_its_library_does_not_have_is_told() -> None:
    """What may be meant first, then what it has."""
    assert problem(kernel="torch:bilinear-legacy") == (
        "expected a kernel of torch, found 'torch:bilinear-legacy', did you mean 'torch:bilinear'? "
        "(torch has nearest, nearest-exact, area, bilinear, bilinear-antialias, "
        "bilinear-align-corners, bicubic, bicubic-antialias, bicubic-align-corners)"
    )


def test_a_kernel_without_its_library_is_told_where_it_is() -> None:
    """A kernel is LIBRARY:KERNEL."""
    assert problem(kernel="bilinear") == (
        "expected LIBRARY:KERNEL with one of pillow, opencv, tensorflow, torch as the library, "
        "found 'bilinear', did you mean 'pillow:bilinear' or 'tensorflow:bilinear' or "
        "'torch:bilinear'?"
    )


def without(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a framework were not installed."""
    real = importlib.import_module

    def imported(name: str) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name)

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib, "import_module", imported)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == library else found(name)
    )


@pytest.mark.parametrize(
    ("keys", "setting", "library", "extra"),
    [
        ({"kernel": "torch:area"}, "kernel = 'torch:area'", "torch", "torch"),
        ({"kernel": "tensorflow:area"}, "kernel = 'tensorflow:area'", "tensorflow", "tensorflow"),
    ],
)
def test_a_kernel_of_a_library_that_is_not_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], setting: str, library: str, extra: str
) -> None:
    """The setting, the library, how to install it; an error of the suite, exit code 2."""
    without(library, monkeypatch)
    recipe = Recipe(size=(4, 4), **keys)
    with pytest.raises(LibraryMissing) as caught:
        prepare(photo(), recipe)
    remedy = f"{library} is not installed; install it with: pip install 'detector-parity[{extra}]'"
    assert str(caught.value) == f"preprocess.{setting}: 1 problem\n  {remedy}"
    assert caught.value.exit_code == 2
    assert missing(recipe) == f"preprocess.{setting}: {remedy}"


@pytest.mark.parametrize("decoder", ["pillow", "opencv"])
def test_an_opencv_that_cannot_be_imported_counts_as_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, decoder: str
) -> None:
    """It is there, but a library that it needs is not."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    recipe = Recipe(size=(4, 4), kernel="opencv:area", decoder=decoder)  # type: ignore[arg-type]
    reason = (
        "OpenCV cannot be imported (ImportError: libGL.so.1: cannot open); install it with: "
        "pip install opencv-python-headless"
    )
    key = "decoder = 'opencv'" if decoder == "opencv" else "kernel = 'opencv:area'"
    assert missing(recipe) == f"preprocess.{key}: {reason}"
    with pytest.raises(LibraryMissing) as caught:
        prepare(photo(), recipe)
    assert str(caught.value) == f"preprocess.kernel = 'opencv:area': 1 problem\n  {reason}"


def test_a_recipe_that_does_not_resize_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel is never called."""
    without("torch", monkeypatch)
    assert missing(Recipe(resize="none", kernel="torch:area")) is None
