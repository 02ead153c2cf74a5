"""What of a suite may not change after its golden was recorded, and what may."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from parity import check
from parity.errors import GoldenError
from parity.golden import load as load_golden
from parity.harness import record
from parity.suite import load
from tests.support.onnx_models import constant_heads
from tests.support.suites import edit, noise, runtime, small_suite

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def save(path: Path, seed: int = 1) -> None:
    """CenterNet's three heads, whatever it is fed: size ``p`` and offset ``q`` look alike."""
    rng = np.random.default_rng(seed)
    heads = {
        "heat": rng.uniform(0, 0.9, (1, 2, 8, 8)),
        "p": rng.uniform(0.2, 3.8, (1, 2, 8, 8)),
        "q": rng.uniform(0, 1, (1, 2, 8, 8)),
    }
    constant_heads(path, heads, (1, 3, 32, 32))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A suite whose reference has size and offset the other way round, with its golden."""
    for name in ("ref", "candidate"):
        save(tmp_path / f"{name}.onnx")
    turned, straight = {"size": "q", "offset": "p"}, {"size": "p", "offset": "q"}
    small_suite(
        tmp_path,
        {
            "ref": runtime("onnxruntime", "ref.onnx", outputs=turned),
            "candidate": runtime("onnxruntime", "candidate.onnx", outputs=straight),
        },
        name="centres",
        images={"a.png": noise(32, 32)},
        size=(32, 32),
        decode={"family": "centernet", "score_threshold": 0.3},
    )
    record(tmp_path)
    return tmp_path


def problems(home: Path) -> list[str]:
    """Why the golden no longer stands for the suite."""
    with pytest.raises(GoldenError) as caught:
        load_golden(load(home))
    return list(caught.value.problems)


def rewrite(home: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The manifest with one change."""
    path = home / "golden" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_outputs_bound_otherwise_since_are_named(home: Path) -> None:
    """The heads in the golden are those of the old binding."""
    edit(home, 'outputs = { size = "q", offset = "p" }', 'outputs = { size = "p", offset = "q" }')
    assert problems(home) == [
        "runtimes.ref.outputs was {'size': 'q', 'offset': 'p'} when recorded, now it is "
        "{'size': 'p', 'offset': 'q'}"
    ]
    found = check(home, ("candidate",), reference="golden")
    assert (found.verdict, found.exit_code) == ("error", 2)


def test_the_order_in_which_outputs_are_declared_is_no_change(home: Path) -> None:
    """A table has no order."""
    edit(home, '{ size = "q", offset = "p" }', '{ offset = "p", size = "q" }')
    load_golden(load(home))


def test_a_layout_that_was_another_is_named(home: Path) -> None:
    """What is declared now is not what the network was fed."""
    edit(home, 'model = "ref.onnx"', 'model = "ref.onnx"\nlayout = "NHWC"')
    assert problems(home) == ["runtimes.ref.layout was 'NCHW' when recorded, now it is 'NHWC'"]


def test_a_layout_that_was_seen_may_be_declared(home: Path) -> None:
    """It says what the graph said already."""
    edit(home, 'model = "ref.onnx"', 'model = "ref.onnx"\nlayout = "NCHW"')
    load_golden(load(home))


def test_another_model_file_is_named(home: Path) -> None:
    """The reference is another network now, although the recorded file never changed."""
    save(home / "other.onnx", seed=2)
    edit(home, 'model = "ref.onnx"', 'model = "other.onnx"')
    assert problems(home) == [
        "runtimes.ref.model was 'ref.onnx' when recorded, now it is 'other.onnx'"
    ]


def test_a_model_of_another_name_that_is_not_there_is_named(home: Path) -> None:
    """Nobody can tell whether it is the network that was recorded."""
    edit(home, 'model = "ref.onnx"', 'model = "other.onnx"')
    assert problems(home) == [
        "runtimes.ref.model was 'ref.onnx' when recorded, now it is 'other.onnx'"
    ]


def test_a_model_file_may_be_moved_or_left_out(home: Path) -> None:
    """The same content under another name, and none where only candidates are released."""
    (home / "moved.onnx").write_bytes((home / "ref.onnx").read_bytes())
    edit(home, 'model = "ref.onnx"', 'model = "moved.onnx"')
    load_golden(load(home))
    edit(home, 'model = "moved.onnx"', 'model = "ref.onnx"')
    (home / "ref.onnx").unlink()
    load_golden(load(home))


def test_an_option_that_was_another_is_named(home: Path) -> None:
    """How many threads add numbers up is none that chooses a network."""
    edit(home, 'model = "ref.onnx"', 'model = "ref.onnx"\noptions = { threads = 2 }')
    load_golden(load(home))
    edit(home, "{ threads = 2 }", '{ optimization = "disabled" }')
    assert problems(home) == [
        "runtimes.ref.options was {} when recorded, now it is {'optimization': 'disabled'}"
    ]


def test_images_that_the_suite_lost_are_counted_and_named(home: Path) -> None:
    """A pattern that was narrowed would leave out the ones that disagree."""
    for i in range(7):
        (home / f"b{i}.png").write_bytes((home / "a.png").read_bytes())
    record(home)
    load_golden(load(home))
    edit(home, 'images = ["*.png"]', 'images = ["a.png"]')
    assert problems(home) == [
        "detector.images: expected the 8 images that were recorded, found 1 of them, without "
        "b0.png, b1.png, b2.png, b3.png, b4.png and 2 more"
    ]


def test_keys_of_decoding_that_came_later_are_no_change(home: Path) -> None:
    """What an older version did not write down is what the key's default says."""
    rewrite(home, lambda manifest: manifest["decode"].pop("nms_iou"))
    load_golden(load(home))


def test_a_model_anywhere_on_the_disk_can_be_recorded(home: Path, tmp_path: Path) -> None:
    """By an absolute path, outside the suite's folder."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.onnx"
    save(outside)
    edit(home, 'model = "ref.onnx"', f'model = "{outside.as_posix()}"')
    manifest = json.loads((record(home) / "manifest.json").read_text())
    assert list(manifest["files"]) == [outside.as_posix()]


def test_a_golden_of_the_first_format_is_refused_and_told_what_to_do(home: Path) -> None:
    """It does not say what it was recorded from, and so would hide whatever changed since."""
    rewrite(home, lambda manifest: manifest.update(format=1))
    (found,) = check(home, ("candidate",), reference="golden").runtimes
    assert (found.verdict, found.failure and found.failure.exit_code) == ("error", 2)
    assert found.reason.endswith(
        "format: expected 2, found 1, of an older version of parity: it does not say of which "
        "model, weights, options and modules it was recorded, so that a change since would go "
        "unseen\n  record it where the reference runtime is installed: parity record SUITE"
    )


def test_a_golden_of_a_later_format_is_refused(home: Path) -> None:
    """Nobody knows what it says."""
    rewrite(home, lambda manifest: manifest.update(format=3))
    assert problems(home) == ["format: expected 2, found 3"]


def test_a_manifest_that_lacks_what_it_was_recorded_from_is_damaged(home: Path) -> None:
    """A key that is taken out compares with nothing."""
    rewrite(home, lambda manifest: manifest.pop("modules"))
    (problem,) = problems(home)
    assert problem.endswith("found none of modules")


@pytest.mark.parametrize("kernel", ["tensorflow:bilinear", "torch:bilinear"])
def test_a_cast_of_floats_since_is_named(home: Path, kernel: str) -> None:
    """Other pixels: those of the golden had fractions."""
    pytest.importorskip(kernel.partition(":")[0])
    edit(home, "size = [32, 32]", f'size = [32, 32]\nkernel = "{kernel}"')
    record(home)
    edit(home, f'kernel = "{kernel}"', f'kernel = "{kernel}"\ncast = "round"')
    assert problems(home) == ["preprocess.cast was 'none' when recorded, now it is 'round'"]


@pytest.mark.parametrize("kernel", ["tensorflow:nearest", "tensorflow:nearest-legacy"])
def test_a_cast_of_what_is_whole_already_is_no_change(home: Path, kernel: str) -> None:
    """Nearest picks pixels and makes none, so that there is nothing to round."""
    pytest.importorskip("tensorflow")
    edit(home, "size = [32, 32]", f'size = [32, 32]\nkernel = "{kernel}"')
    record(home)
    edit(home, f'kernel = "{kernel}"', f'kernel = "{kernel}"\ncast = "round"')
    load_golden(load(home))


def test_images_whose_names_come_together_have_files_of_their_own(home: Path) -> None:
    """In the golden's one folder a/b.png and a__b.png would be the same file."""
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    (home / "x").mkdir()
    for name, one in zip(("x/y.png", "x__y.png"), pixels, strict=True):
        Image.fromarray(one).save(home / name)
    edit(home, 'images = ["*.png"]', 'images = ["*.png", "x/*.png"]')
    record(home)
    golden = load_golden(load(home))
    assert golden is not None
    assert golden.manifest["images"]["a.png"]["file"] == "a.png.npz"
    for name, one in zip(("x/y.png", "x__y.png"), pixels, strict=True):
        assert np.array_equal(golden.pixels(name), one)


def test_weights_beside_the_model_are_part_of_it(home: Path) -> None:
    """ONNX may keep them in files of their own: other ones there are another model."""
    model = onnx.load(str(home / "ref.onnx"))
    onnx.save(
        model,
        str(home / "ref.onnx"),
        save_as_external_data=True,
        location="w.bin",
        size_threshold=0,
    )
    record(home)
    content = bytearray((home / "w.bin").read_bytes())
    content[0] ^= 1
    (home / "w.bin").write_bytes(bytes(content))
    assert problems(home) == ["the file w.bin changed since it was recorded"]


DAMAGE = [None, 0, 1.5, "", "x", "\0", [], [1], {}, {"a": 1}, True]


def _places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of the manifest, but for what a library says of itself."""
    if not isinstance(value, dict) or path == ("identity",):
        return []
    return [place for key in value for place in ((*path, key), *_places(value[key], (*path, key)))]


def test_a_damaged_manifest_is_told_wherever_it_is_damaged(home: Path) -> None:
    """Every key with every kind of value in it: usable, or refused in words."""
    path = home / "golden" / "manifest.json"
    suite, whole = load(home), path.read_text()
    for place in _places(json.loads(whole)):
        for value in DAMAGE:
            manifest = json.loads(whole)
            table = manifest
            for key in place[:-1]:
                table = table[key]
            table[place[-1]] = value
            path.write_text(json.dumps(manifest))
            with contextlib.suppress(GoldenError):
                load_golden(suite)


def _heads_gone(arrays: dict[str, Any]) -> None:
    for name in [name for name in arrays if name.startswith("head:")]:
        del arrays[name]


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no boxes": (lambda arrays: arrays.pop("boxes"), "found none of boxes"),
    "no heads": (_heads_gone, "found none of a head"),
    "objects": (
        lambda arrays: arrays.update(boxes=np.array([{}])),
        "expected a whole .npz, found a damaged one",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_result_that_was_written_by_something_else_is_damaged(home: Path, how: str) -> None:
    """The manifest names the file as it is, and still it is told what is missing in it."""
    spoil, told = SPOILED[how]
    manifest_file = home / "golden" / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    image, entry = next(iter(manifest["images"].items()))
    file = home / "golden" / entry["file"]
    with np.load(file) as recorded:
        arrays = dict(recorded)
    load_golden(load(home)).network(image)  # the healthy twin
    spoil(arrays)
    np.savez(file, **arrays)
    entry["file_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest_file.write_text(json.dumps(manifest))
    with pytest.raises(GoldenError, match=re.escape(told)):
        load_golden(load(home)).network(image)


def test_a_manifest_whose_unread_outputs_are_something_else_is_damaged(home: Path) -> None:
    """Before any image is judged against it."""
    file = home / "golden" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"unread": [{"x": 1}]}))
    with pytest.raises(GoldenError, match=r"unread.0: expected an output that nobody judges"):
        load_golden(load(home))
