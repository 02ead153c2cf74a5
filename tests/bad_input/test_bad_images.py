"""Images that are odd are judged; images that are bad are named, and the others are judged."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spoiling import IMAGES, check, runtime, write_suite

Capture = pytest.CaptureFixture[str]


def _text(path: Path) -> None:
    path.write_text("not an image")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _half(path: Path) -> None:
    dice = np.random.default_rng(0)
    Image.fromarray(dice.integers(0, 255, (20, 20, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:600])


def _deep(path: Path) -> None:
    Image.fromarray(np.full((20, 20), 30000, np.uint16)).save(path)


def _huge(path: Path) -> None:
    """The head of a PNG of 40000 × 40000; its pixels would need 4.8 GB."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    end = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + end)


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no image": (_text, "expected an image that Pillow can read (PNG, JPEG, WebP, …), found"),
    "empty": (_empty, "expected an image, found an empty file"),
    "truncated": (_half, "expected a complete image, found a damaged one"),
    "16-bit": (_deep, "expected 8 bits per channel, found 16 (mode I;16); convert the file to 8"),
    "too large": (_huge, "expected at most 200 megapixels, found 40000 x 40000; scale it down"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_bad_image_is_named_and_the_others_are_judged(
    tmp_path: Path, capfd: Capture, case: str
) -> None:
    """The suite is wrong (exit code 2), the report has every other verdict."""
    spoil, sentence = BAD[case]
    folder = write_suite(tmp_path / "s", runtime("onnx"))
    spoil(folder / IMAGES[1])
    found = check(folder, capfd)
    assert found.code == 2
    assert f"{IMAGES[1]}: 1 problem" in found.out
    assert sentence in found.out
    assert found.images("good") == found.images("onnx") == ["pass", "error", "pass"]


def test_a_bad_image_comes_before_a_broken_runtime_comes_before_broken_parity(
    tmp_path: Path, capfd: Capture
) -> None:
    """Exit codes: 2 before 3 before 1, and every runtime is told."""
    tables = runtime("wrong", "constant"), runtime("broken", "broken_on_the_second")
    assert check(write_suite(tmp_path / "1", *tables[:1]), capfd).code == 1
    assert check(write_suite(tmp_path / "3", *tables), capfd).code == 3
    folder = write_suite(tmp_path / "2", *tables)
    _text(folder / IMAGES[2])
    found = check(folder, capfd)
    assert found.code == 2
    assert found.images("wrong") == ["fail", "fail", "error"]
    assert found.images("broken") == ["pass", "error", "error"]
    assert found.images("good") == ["pass", "pass", "error"]


def _one_pixel(path: Path) -> None:
    Image.fromarray(np.full((1, 1, 3), 200, np.uint8)).save(path)


def _grey(path: Path) -> None:
    Image.fromarray(np.full((20, 20), 90, np.uint8)).save(path)


def _transparent(path: Path) -> None:
    Image.fromarray(np.full((20, 20, 4), 90, np.uint8)).save(path)


def _palette(path: Path) -> None:
    Image.fromarray(np.full((20, 20, 3), 90, np.uint8)).convert("P").save(path)


def _fifty_megapixels(path: Path) -> None:
    Image.new("RGB", (8000, 6250), (90, 90, 90)).save(path, compress_level=1)


@pytest.mark.parametrize("make", [_one_pixel, _grey, _transparent, _palette, _fifty_megapixels])
def test_an_odd_image_is_judged_like_any_other(
    tmp_path: Path, capfd: Capture, make: Callable[[Path], None]
) -> None:
    """1 × 1, grey, RGBA, palette, 50 megapixels: read as RGB, no alarm."""
    folder = write_suite(tmp_path / "s")
    make(folder / IMAGES[1])
    found = check(folder, capfd)
    assert found.code == 0
    assert found.images("good") == ["pass", "pass", "pass"]
