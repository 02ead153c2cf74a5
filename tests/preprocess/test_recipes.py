"""Named recipes, what lies over what, and when two recipes are one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parity import suite
from parity.errors import SuiteError
from parity.suite.recipe import Recipe
from tests.support.suites import boxes_scores, runtime, small_suite, toml


def recipe(folder: Path, preprocess: str, override: str = "") -> Recipe:
    """The recipe of a runtime with an override of its own."""
    small_suite(
        folder,
        {
            "native": runtime("torch", "network:build"),
            "onnx": toml(runtime("onnxruntime", "detector.onnx"))
            + f"preprocess = {{ {override} }}",
        },
        images={"1.png": b""},
        size=None,
        preprocess=preprocess,
        decode=boxes_scores(normalized=True),
    )
    return suite.load(folder).runtimes["onnx"].recipe


def problems(folder: Path, preprocess: str, override: str = "") -> list[str]:
    with pytest.raises(SuiteError) as caught:
        recipe(folder, preprocess, override)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("base", "described"),
    [
        (
            "imagenet",
            "stretch to 320x640 (h x w) by pillow:bilinear; RGB; 0..255 to 0..1; "
            "(x - 0.485, 0.456, 0.406) / 0.229, 0.224, 0.225",
        ),
        (
            "yolo",
            "letterbox to 320x640 (h x w) by opencv:linear; pad center with 114; RGB; "
            "0..255 to 0..1; (x - 0) / 1",
        ),
        ("tf-od-api", "no resize; RGB; 0..255 to 0..255; (x - 0) / 1"),
        (
            "mobilenet",
            "stretch to 320x640 (h x w) by opencv:linear; RGB; 0..255 to -1..1; (x - 0) / 1",
        ),
    ],
)
def test_a_named_recipe_is_described_in_full(base: str, described: str) -> None:
    """Nobody has to know what a name stands for."""
    assert Recipe(base=base, size=(320, 640)).describe() == described  # type: ignore[arg-type]


def test_a_network_that_resizes_by_itself_takes_any_size(tmp_path: Path) -> None:
    """In a suite whose other networks have one; beside the base a size is still a check."""
    assert recipe(tmp_path, "size = [64, 64]", 'base = "tf-od-api"').size is None
    assert Recipe(base="tf-od-api", size=(8, 8)).size == (8, 8)


def test_every_step_is_described() -> None:
    """In its order."""
    found = Recipe(
        base="yolo",
        size=(640, 640),
        decoder="opencv",
        kernel="torch:bilinear",
        cast="round",
        stride=32,
        scale_up=False,
    )
    assert found.describe() == (
        "decoded by opencv; letterbox within 640x640 (h x w) by torch:bilinear, sides multiples "
        "of 32, never enlarged; rounded; pad center with 114; RGB; 0..255 to 0..1; (x - 0) / 1"
    )


def test_keys_beside_a_base_stand_over_it(tmp_path: Path) -> None:
    """In the suite's own table."""
    found = recipe(tmp_path, 'base = "yolo"\nsize = [640, 640]\ncolor = "BGR"')
    assert (found.resize, found.color, found.range) == ("letterbox", "BGR", (0.0, 1.0))


def test_a_named_recipe_is_the_one_that_it_stands_for() -> None:
    """The same digest, and the same value."""
    named = Recipe(base="yolo", size=(640, 640))
    spelled = Recipe(size=(640, 640), resize="letterbox", range=(0, 1), pad="center", pad_value=114)
    assert named.digest() == spelled.digest()
    assert named == Recipe(
        size=(640, 640),
        resize="letterbox",
        kernel="opencv:linear",
        color="RGB",
        range=(0, 1),
        mean=0,  # type: ignore[arg-type]
        std=1,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mean": (3, 3, 3)}, {"mean": 3}),
        ({"resize": "letterbox"}, {"resize": "letterbox", "pad": "center", "pad_value": 114}),
        ({"cast": "round"}, {}),
        ({"kernel": "tensorflow:nearest", "cast": "round"}, {"kernel": "tensorflow:nearest"}),
        ({"kernel": "torch:nearest-exact", "cast": "round"}, {"kernel": "torch:nearest-exact"}),
        ({"resize": "none", "kernel": "torch:area"}, {"resize": "none"}),
    ],
)
def test_what_changes_nothing_is_no_difference(one: dict[str, Any], other: dict[str, Any]) -> None:
    """One number for all channels, a default written out, a cast of whole pixels, no resize."""
    assert Recipe(size=(8, 8), **one).digest() == Recipe(size=(8, 8), **other).digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"decoder": "opencv"},
        {"kernel": "torch:bilinear"},
        {"kernel": "torch:bilinear", "cast": "round"},
        {"resize": "letterbox"},
        {"resize": "letterbox", "stride": 8},
        {"resize": "letterbox", "scale_up": False},
        {"resize": "letterbox", "pad": "corner"},
        {"resize": "letterbox", "pad_value": 0},
        {"color": "BGR"},
        {"range": (0, 1)},
        {"mean": 1},
        {"std": 2},
    ],
)
def test_what_changes_pixels_is_a_difference(changed: dict[str, Any]) -> None:
    """Every setting counts."""
    plain = Recipe(size=(8, 8))
    less = dict(list(changed.items())[:-1])
    digests = {plain.digest(), Recipe(size=(8, 8), **less).digest()}
    assert Recipe(size=(8, 8), **changed).digest() not in digests


def test_the_bundled_goldens_keep_their_digests(golden_suites: Path) -> None:
    """Settings that came later change nothing for recipes without them."""
    from parity import golden

    for name in ("parts_ssd", "parts_free"):
        loaded = suite.load(golden_suites / name)
        assert golden.load(loaded).covers(loaded.runtimes[loaded.reference].recipe)


def test_a_runtime_may_have_a_base_of_its_own(tmp_path: Path) -> None:
    """It replaces all values of the suite's base, and keeps the size."""
    found = recipe(tmp_path, 'base = "imagenet"\nsize = [64, 64]', 'base = "yolo"')
    assert found.digest() == Recipe(base="yolo", size=(64, 64)).digest()


def test_a_runtime_may_change_a_key_of_the_suites_base(tmp_path: Path) -> None:
    """Key by key, as without a base."""
    found = recipe(tmp_path, 'base = "yolo"\nsize = [64, 64]', 'color = "BGR"')
    assert found.digest() == Recipe(base="yolo", size=(64, 64), color="BGR").digest()


def test_a_runtime_that_stretches_leaves_the_letterbox_behind(tmp_path: Path) -> None:
    """With its padding and stride."""
    letterbox = 'base = "yolo"\nsize = [64, 64]\npad = "corner"\npad_value = 0\nstride = 32'
    found = recipe(tmp_path, letterbox, 'resize = "stretch"')
    assert found.digest() == Recipe(size=(64, 64), range=(0, 1)).digest()


def test_a_function_keeps_the_decoder(tmp_path: Path) -> None:
    """It works on the pixels that were decoded."""
    found = recipe(
        tmp_path, 'size = [8, 8]\ndecoder = "opencv"\ncolor = "BGR"', 'function = "code:prepare"'
    )
    assert found == Recipe(size=(8, 8), decoder="opencv", function="code:prepare")
    assert found.describe() == "decoded by opencv; function code:prepare"


def test_a_base_replaces_the_suites_function(tmp_path: Path) -> None:
    """A whole recipe in its place."""
    found = recipe(tmp_path, 'function = "code:prepare"\nsize = [8, 8]', 'base = "yolo"')
    assert found.digest() == Recipe(base="yolo", size=(8, 8)).digest()


def test_a_single_key_beside_the_suites_function_is_refused(tmp_path: Path) -> None:
    """It would do nothing."""
    assert problems(tmp_path, 'function = "code:prepare"', 'color = "BGR"') == [
        "runtimes.onnx.preprocess.function: expected alone or with size, found also color"
    ]


def test_a_base_beside_a_function_is_refused(tmp_path: Path) -> None:
    """The function makes the whole input."""
    assert problems(tmp_path, 'base = "yolo"\nfunction = "code:prepare"') == [
        "preprocess.function: expected alone or with size, found also base"
    ]


def test_an_unknown_base_is_told(tmp_path: Path) -> None:
    """With those that exist, in the suite's table and in a runtime's."""
    expected = "expected 'imagenet', 'yolo', 'tf-od-api' or 'mobilenet', found 'yolov9'"
    assert problems(tmp_path, 'size = [8, 8]\nbase = "yolov9"') == [f"preprocess.base: {expected}"]
    assert problems(tmp_path, "size = [8, 8]", 'base = "yolov9"') == [
        f"runtimes.onnx.preprocess.base: {expected}"
    ]


def test_numbers_must_be_finite(tmp_path: Path) -> None:
    """TOML has nan and inf; a network has no use for either."""
    assert problems(tmp_path, "size = [8, 8]\nmean = nan") == [
        "preprocess.mean: expected a number or a list of numbers, found nan"
    ]


def test_a_forgotten_table_is_called_a_table(tmp_path: Path) -> None:
    """What is missing is a [table], or else a value in one."""
    (tmp_path / "parity.toml").write_text('[detector]\nname = "parts"\n')
    with pytest.raises(SuiteError) as caught:
        suite.load(tmp_path)
    assert caught.value.problems == (
        "decode: expected a table [decode], found nothing",
        "detector.classes: expected a value, found nothing",
        "detector.images: expected a value, found nothing",
        "detector.reference: expected a value, found nothing",
        "preprocess: expected a table [preprocess], found nothing",
        "runtimes: expected a table [runtimes], found nothing",
    )


def test_a_suffix_matches_in_either_case(tmp_path: Path) -> None:
    """Cameras write .JPG; another suffix is another one."""
    for name in ("a.jpg", "b.JPG", "c.Jpg", "d.jpeg", "e.png"):
        (tmp_path / name).write_bytes(b"")
    assert suite.matching("*.jpg", tmp_path) == ["a.jpg", "b.JPG", "c.Jpg"]
    assert suite.matching("*.JPG", tmp_path) == ["a.jpg", "b.JPG", "c.Jpg"]
    assert suite.matching("*", tmp_path) == ["a.jpg", "b.JPG", "c.Jpg", "d.jpeg", "e.png"]


def test_only_the_suffix_is_free_in_its_case(tmp_path: Path) -> None:
    """Names stay what they are."""
    for name in ("a.jpg", "A.jpg"):
        (tmp_path / name).write_bytes(b"")
    assert suite.matching("a.jpg", tmp_path) == ["a.jpg"]
