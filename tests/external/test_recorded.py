"""Heads that another program wrote take part as one more runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from external_suites import (
    IMAGES,
    as_archives,
    as_arrays,
    as_one_archive,
    heads,
    image,
    judged,
    reasons,
    runtime,
    write_suite,
)

from parity.errors import RuntimeFailure
from parity.harness import record as record_goldens
from parity.layers.subjects.opening import open_subject
from parity.report.messages.message import image_message
from parity.runtimes.recorded.dumps import EXPECTED, Folder
from parity.suite import load

PHONE = '[runtimes.phone]\nkind = "recorded"\nmodel = "{}"\n'
DUMP = {one: heads(one) for one in IMAGES}


def phone(folder: Path, dump: dict[str, dict[str, Any]] | None = None) -> Path:
    """A suite beside the heads that a phone wrote, an .npz an image."""
    write_suite(folder, PHONE.format("phone"))
    as_archives(folder / "phone", DUMP if dump is None else dump)
    return folder


@pytest.mark.parametrize(
    ("write", "model"),
    [(as_archives, "phone"), (as_arrays, "phone"), (as_one_archive, "phone.npz")],
)
def test_heads_are_read_from_every_form(
    tmp_path: Path, write: Callable[..., Path], model: str
) -> None:
    """A folder of .npz, a folder of .npy, one .npz for all: each agrees with the reference."""
    suite = write_suite(tmp_path, PHONE.format(model))
    write(tmp_path / model, DUMP)
    found = judged(suite)
    assert runtime(found, "phone").verdict == "pass"
    assert [len(one.agreement.rows) for one in runtime(found, "phone").images] == [2, 1]  # type: ignore[union-attr]
    assert [one.max_abs for one in image(found, "phone").heads] == [0.0, 0.0]


def test_heads_that_differ_fail(tmp_path: Path) -> None:
    """Recorded heads are judged as those of any runtime, on the image where they differ."""
    moved = {**heads(IMAGES[1]), "boxes": heads(IMAGES[1])["boxes"] + 1}
    found = judged(phone(tmp_path, {**DUMP, IMAGES[1]: moved}))
    assert [one.verdict for one in runtime(found, "phone").images] == ["pass", "fail"]
    message = image_message(image(found, "phone", 1), runtime(found, "phone"), ("bolt", "nut"))
    assert message.startswith("phone on images/b.png disagrees with the native reference")


def test_a_recording_may_be_the_reference(tmp_path: Path) -> None:
    """The native runtime is judged against what was written elsewhere."""
    suite = write_suite(tmp_path, PHONE.format("phone"), reference="phone")
    as_archives(tmp_path / "phone", DUMP)
    found = judged(suite)
    assert (found.reference_source, runtime(found, "native").verdict) == ("native", "pass")
    assert found.reference_milliseconds is None


def test_a_recorded_reference_may_become_a_golden(tmp_path: Path) -> None:
    """Its goldens are recorded as any reference's, and it does not drift from them."""
    suite = write_suite(tmp_path, PHONE.format("phone"), reference="phone")
    as_archives(tmp_path / "phone", DUMP)
    record_goldens(suite)
    found = judged(suite)
    assert [one.verdict for one in found.runtimes] == ["pass", "pass"]
    assert judged(suite, "native", reference="golden").reference_source == "golden"


def test_an_image_that_is_missing_is_an_error_of_that_image(tmp_path: Path) -> None:
    """The error names it and what there is; the other image is judged."""
    found = judged(phone(tmp_path, {IMAGES[0]: heads(IMAGES[0])}))
    assert [one.verdict for one in runtime(found, "phone").images] == ["pass", "error"]
    assert reasons(found, "phone")[1] == (
        f"phone: expected 'images/b.png' in {tmp_path}/phone, found 'images/a.png'; "
        "name images by their path relative to parity.toml; one that lies outside of its folder "
        "can only be in one .npz of all"
    )
    assert found.exit_code == 3


def test_an_image_that_the_reference_lacks_is_judged_for_nobody(tmp_path: Path) -> None:
    """The candidate's error names what the recorded reference does not hold."""
    suite = write_suite(tmp_path, PHONE.format("phone"), reference="phone")
    as_archives(tmp_path / "phone", {IMAGES[0]: heads(IMAGES[0])})
    found = judged(suite, "native")
    assert [one.verdict for one in runtime(found, "native").images] == ["pass", "error"]
    assert reasons(found, "native")[1].startswith(
        "native: not judged, because its reference failed: phone: expected 'images/b.png' in "
    )


def test_an_image_too_many_is_a_note(tmp_path: Path) -> None:
    """It changes no verdict, and is not passed over in silence."""
    found = judged(phone(tmp_path, {**DUMP, "images/c.png": heads(IMAGES[0])}))
    assert runtime(found, "phone").verdict == "pass"
    assert runtime(found, "phone").notes == (
        "it also holds 1 image that the suite does not have: images/c.png",
    )


def test_nan_is_never_decoded(tmp_path: Path) -> None:
    """NaN in a dump fails by name, as NaN of a network does."""
    broken = {name: array.copy() for name, array in heads(IMAGES[0]).items()}
    broken["scores"][0, 1, 1] = np.nan
    found = image(judged(phone(tmp_path, {**DUMP, IMAGES[0]: broken})), "phone")
    assert found.verdict == "fail"
    assert [(one.code, one.facts["head"], one.facts["nan"]) for one in found.findings] == [
        ("nonfinite", "scores", 1)
    ]


def test_a_wrong_shape_lists_what_was_found(tmp_path: Path) -> None:
    """Heads without their batch of one are no heads of the family."""
    flat = {name: array[0] for name, array in heads(IMAGES[0]).items()}
    reason = reasons(judged(phone(tmp_path, {**DUMP, IMAGES[0]: flat})), "phone")[0]
    assert reason.startswith(
        "phone: no output fits the shapes of the heads\nthe outputs are\n"
        "  0: 'boxes' (3, 4)\n  1: 'scores' (3, 2)\nthe heads are\n  boxes: (1, A, 4)\n"
    )


def test_a_damaged_file_is_an_error_of_its_image(tmp_path: Path) -> None:
    """A transfer that broke off is told with the file."""
    suite = phone(tmp_path)
    file = tmp_path / "phone" / f"{IMAGES[0]}.npz"
    file.write_bytes(file.read_bytes()[:-60])
    assert reasons(judged(suite), "phone") == [
        f"phone: expected an .npz of heads at {file}, found a truncated or damaged zip archive",
        "",
    ]


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """The checksum of the archive is looked at before its numbers are."""
    suite = phone(tmp_path)
    file = tmp_path / "phone" / f"{IMAGES[0]}.npz"
    content = bytearray(file.read_bytes())
    content[content.index(np.float32(14).tobytes())] ^= 1
    file.write_bytes(content)
    reason = reasons(judged(suite), "phone")[0]
    assert reason.startswith(
        f"phone: expected an .npz of heads at {file}, found a damaged array 'boxes': BadZipFile: "
    )


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    """An array of objects is a pickle, which could run code: it is refused."""
    pickled = {**heads(IMAGES[0]), "boxes": np.array([{"box": 1}], dtype=object)}
    found = judged(phone(tmp_path, {**DUMP, IMAGES[0]: pickled}))
    assert (
        "found a damaged array 'boxes': ValueError: Object arrays cannot be loaded"
        in (reasons(found, "phone")[0])
    )


def test_texts_are_no_heads(tmp_path: Path) -> None:
    """Class names in the place of numbers are told with their dtype."""
    named = {**heads(IMAGES[0]), "scores": np.array([["bolt"]])}
    found = judged(phone(tmp_path, {**DUMP, IMAGES[0]: named}))
    assert reasons(found, "phone")[0].endswith("found 'scores', an array of <U4, not of numbers")


def test_one_image_in_two_forms_is_ambiguous(tmp_path: Path) -> None:
    """Which of the two is meant is never guessed."""
    suite = phone(tmp_path)
    as_arrays(tmp_path / "phone", {IMAGES[0]: heads(IMAGES[0])})
    assert reasons(judged(suite), "phone")[0] == (
        f"phone: expected heads of images/a.png once at {tmp_path}/phone, "
        "found images/a.png.npz and the folder images/a.png"
    )


@pytest.mark.parametrize(
    ("model", "content", "found"),
    [
        ("phone", None, "nothing"),
        ("phone.npz", b"PK\x03\x04cut", "a truncated or damaged zip archive"),
        ("phone.bin", b"\x93NUMPY\x01\x00", "a NumPy array (.npy)"),
    ],
)
def test_what_is_no_dump_is_told(
    tmp_path: Path, model: str, content: bytes | None, found: str
) -> None:
    """The message says what a dump is and what is there."""
    suite = write_suite(tmp_path, PHONE.format(model))
    if content is not None:
        (tmp_path / model).write_bytes(content)
    assert runtime(judged(suite), "phone").reason == (
        "phone: expected heads by image: a folder, an .npz, or COCO results (.json) at "
        f"{tmp_path / model}, found {found}. "
        "Correct the path in parity.toml, or the program that wrote it."
    )


def test_an_empty_folder_is_no_dump(tmp_path: Path) -> None:
    """A program that wrote nothing did not find nothing."""
    suite = write_suite(tmp_path, PHONE.format("phone"))
    (tmp_path / "phone").mkdir()
    assert "found a folder in which no image has any" in runtime(judged(suite), "phone").reason


def test_keys_without_an_image_are_refused(tmp_path: Path) -> None:
    """The heads of one image alone are no dump."""
    suite = write_suite(tmp_path, PHONE.format("phone.npz"))
    np.savez(tmp_path / "phone.npz", **heads(IMAGES[0]))
    assert runtime(judged(suite), "phone").reason.startswith(
        f"phone: expected keys IMAGE_ID/NAME in the .npz at {tmp_path}/phone.npz, "
        "found the key 'boxes'. "
    )


def test_an_image_outside_of_the_folder_is_never_read(tmp_path: Path) -> None:
    """An id that climbs out of the dump is as good as missing, though a file is there."""
    as_archives(tmp_path, {"secret.png": heads(IMAGES[0])})
    dump = Folder(str(as_archives(tmp_path / "phone", DUMP)))
    assert (dump.holds(IMAGES[0]), dump.holds("../secret.png")) == (True, False)


def test_a_name_that_ends_in_npy_is_refused(tmp_path: Path) -> None:
    """numpy would read the array of another name in its place."""
    suite = write_suite(tmp_path, PHONE.format("phone.npz"))
    arrays = {f"{IMAGES[0]}/{name}": array for name, array in heads(IMAGES[0]).items()}
    np.savez(tmp_path / "phone.npz", **arrays, **{f"{IMAGES[0]}/boxes.npy": np.zeros(3)})
    assert f"found {IMAGES[0] + '/boxes.npy'!r}, a name that ends in .npy. " in (
        runtime(judged(suite), "phone").reason
    )


def test_the_dump_says_what_wrote_it(tmp_path: Path) -> None:
    """meta.json becomes the identity; the hash of the whole dump is recorded."""
    suite = phone(tmp_path)
    meta = {"library": "ncnn", "version": "20260113", "device": "Pixel 9", "threads": 4}
    (tmp_path / "phone" / "meta.json").write_text(json.dumps(meta))
    found = runtime(judged(suite), "phone")
    assert found.identity == meta
    assert [(one.path, len(one.sha256)) for one in found.artifacts] == [("phone", 64)]


def test_a_meta_json_may_begin_with_a_mark(tmp_path: Path) -> None:
    """Some tools write one before any text."""
    suite = phone(tmp_path)
    (tmp_path / "phone" / "meta.json").write_text('\ufeff{"library": "ncnn"}', encoding="utf-8")
    assert runtime(judged(suite), "phone").identity["library"] == "ncnn"


def test_text_in_another_encoding_is_no_dump(tmp_path: Path) -> None:
    """Whatever options say that are for COCO results."""
    table = PHONE.format("phone.json") + 'options = { categories = "labels" }\n'
    suite = write_suite(tmp_path, table, labels=True)
    (tmp_path / "phone.json").write_text("[]", encoding="utf-16")
    assert runtime(judged(suite), "phone").reason.startswith(
        f"phone: expected {EXPECTED} at {tmp_path}/phone.json, found a file of unknown content. "
    )


def test_a_dump_that_says_nothing_claims_nothing(tmp_path: Path) -> None:
    """This machine's library, threads and CPU did not write it."""
    found = runtime(judged(phone(tmp_path)), "phone")
    assert found.identity == {"library": "not said", "version": "not said"}


@pytest.mark.parametrize("content", ["[1]", '{"a": {"b": 1}}', '{"a": NaN}', "{"])
def test_a_meta_json_that_says_something_else_is_refused(tmp_path: Path, content: str) -> None:
    """It is part of the record, so it must be plain."""
    suite = phone(tmp_path)
    (tmp_path / "phone" / "meta.json").write_text(content)
    assert runtime(judged(suite), "phone").reason.startswith(
        "phone: expected a JSON object of texts, numbers and lists of them at "
        f"{tmp_path}/phone/meta.json, found "
    )


def test_reading_a_file_is_no_inference(tmp_path: Path) -> None:
    """No time is shown for a runtime that did not run."""
    statistics = runtime(judged(phone(tmp_path)), "phone").statistics
    assert statistics is not None
    assert statistics.milliseconds is None


def test_no_other_input_is_tried_on_a_recording(tmp_path: Path) -> None:
    """Its heads do not depend on what it would be fed; other readings of them are tried."""
    turned = {
        one: {**heads(one), "boxes": heads(one)["boxes"][..., [1, 0, 3, 2]]} for one in IMAGES
    }
    hints = runtime(judged(phone(tmp_path, turned)), "phone").hints
    assert any("with x and y of the head boxes swapped: then the" in one for one in hints)
    assert not any("fed" in one or "resized" in one for one in hints)


def test_layers_of_a_recording_cannot_be_seen(tmp_path: Path) -> None:
    """parity layers says so."""
    with pytest.raises(RuntimeFailure) as caught:
        open_subject(load(phone(tmp_path)), "phone")
    assert str(caught.value) == (
        "phone: expected a recorded runtime whose layers can be seen, found one whose layers "
        "cannot: this runtime does not show what is inside a network"
    )


def test_options_of_other_kinds_are_refused(tmp_path: Path) -> None:
    """A recording has no threads, and heads have no categories."""
    suite = write_suite(
        tmp_path,
        PHONE.format("phone")
        + "options = { threads = 2 }\n"
        + PHONE.format("phone").replace("phone]", "other]")
        + "options = { categories = 1 }\n",
    )
    as_archives(tmp_path / "phone", DUMP)
    found = judged(suite)
    assert runtime(found, "phone").reason == (
        "phone: options.threads: expected one of categories, complete, found threads = 2"
    )
    assert runtime(found, "other").reason == (
        "other: options.categories: expected only with COCO results, found a folder"
    )
    assert found.exit_code == 2
