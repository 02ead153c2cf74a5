"""COCO results, as evaluation scripts write them, take part as one more runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from external_suites import IMAGES, detections, image, judged, reasons, runtime, write_suite

PHONE = """
[runtimes.phone]
kind = "recorded"
model = "results.json"
decode = {{ family = "detections", score_floor = 0.2 }}
options = {{ {} }}
"""
BY_NAME = 'categories = "labels"'
NUMBERS = {IMAGES[0]: 11, IMAGES[1]: 12}
CATEGORIES = {0: 7, 1: 3}  # by name: 7 is a bolt, 3 is a nut


def entries(numbers: bool = True, categories: dict[int, int] = CATEGORIES) -> list[dict[str, Any]]:
    """The detections of both images as COCO results."""
    found = []
    for one in IMAGES:
        arrays = detections(one)
        for box, score, label in zip(*(arrays[name].tolist() for name in arrays), strict=True):
            x1, y1, x2, y2 = box
            found.append(
                {
                    "image_id": NUMBERS[one] if numbers else one,
                    "category_id": categories[label],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": score,
                }
            )
    return found


def phone(
    folder: Path, results: Any = None, options: str = BY_NAME, *, labels: bool = True
) -> Path:
    """A suite beside COCO results."""
    write_suite(folder, PHONE.format(options), labels=labels)
    written = entries() if results is None else results
    text = written if isinstance(written, str) else json.dumps(written)
    (folder / "results.json").write_text(text)
    return folder


def reason(folder: Path, results: Any = None, options: str = BY_NAME, **how: Any) -> str:
    """Why a runtime could not be opened."""
    return runtime(judged(phone(folder, results, options, **how)), "phone").reason


def test_numbers_go_through_the_labels(tmp_path: Path) -> None:
    """Image ids are files and category ids are names, as the suite's COCO labels say."""
    found = judged(phone(tmp_path))
    assert runtime(found, "phone").verdict == "pass"
    agreement = image(found, "phone").agreement
    assert agreement is not None
    assert [row.candidate_class for row in agreement.rows] == [0, 1]


def test_file_names_need_no_labels(tmp_path: Path) -> None:
    """With paths as image ids and a declared first class, labels are not needed."""
    results = entries(numbers=False, categories={0: 1, 1: 2})
    found = judged(phone(tmp_path, results, "categories = 1", labels=False))
    assert runtime(found, "phone").verdict == "pass"


def test_how_categories_are_counted_must_be_said(tmp_path: Path) -> None:
    """COCO counts from 1, others from 0 or by names: the rule is declared, never guessed."""
    assert reason(tmp_path, options="") == (
        "phone: options.categories: expected 'labels' (by the names in detector.labels) or the id "
        "of the first class, found nothing"
    )


def test_a_rule_that_does_not_exist(tmp_path: Path) -> None:
    """Only the two are known."""
    assert reason(tmp_path, options='categories = "coco"') == (
        "phone: options.categories: expected 'labels' (by the names in detector.labels) or "
        "the id of the first class, found categories = 'coco'"
    )


def test_an_unknown_category_by_name(tmp_path: Path) -> None:
    """The message lists those that the labels and the suite share, and the entry."""
    results = [{**entries()[0], "category_id": 1}]
    assert reason(tmp_path, results) == (
        "phone: expected a category of detector.labels that is a class of the suite, 3 (nut), "
        f"7 (bolt), at {tmp_path}/results.json, found category_id = 1 in entry 0. "
        "Correct the path in parity.toml, or the program that wrote it."
    )


def test_an_unknown_category_by_number(tmp_path: Path) -> None:
    """Counting from the declared first class leads out of the suite's classes."""
    assert reason(tmp_path, options="categories = 1").startswith(
        "phone: expected categories 1..2, as options.categories = 1 is the first class, at "
        f"{tmp_path}/results.json, found category_id = 7 in entry 0. "
    )


@pytest.mark.parametrize(
    ("key", "entry", "found"),
    [
        ("images", {"id": 11, "file_name": "b.png"}, "the id 11 for 'images/a.png' and 'b.png'"),
        (
            "images",
            {"id": 13, "file_name": "images/a.png"},
            "'images/a.png' with the ids 11 and 13",
        ),
        ("categories", {"id": 7, "name": "nut"}, "the id 7 for 'bolt' and 'nut'"),
    ],
)
def test_labels_that_name_two_things_alike(
    tmp_path: Path, key: str, entry: dict[str, Any], found: str
) -> None:
    """Results could be those of either image, or of either class: nothing is judged."""
    folder = phone(tmp_path)
    (path,) = folder.glob("labels*.json")
    labels = json.loads(path.read_text())
    labels[key].append(entry)
    path.write_text(json.dumps(labels))
    what = {"images": "image", "categories": "category"}[key]
    assert f"expected each {what} once at {path}, found {found}. " in (
        runtime(judged(folder), "phone").reason
    )


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    """Some tools begin a text file with one."""
    suite = phone(tmp_path, "\ufeff" + json.dumps(entries()))
    assert runtime(judged(suite), "phone").verdict == "pass"


def test_numbers_without_labels(tmp_path: Path) -> None:
    """Nothing else says what file a number is."""
    results = entries(categories={0: 1, 1: 2})
    assert reason(tmp_path, results, "categories = 1", labels=False).startswith(
        "phone: expected detector.labels, COCO annotations that say what the numbers stand for, "
        "at parity.toml, found none. "
    )


def test_an_image_without_an_entry_is_not_known_to_be_empty(tmp_path: Path) -> None:
    """COCO results cannot say "nothing found": that image has no verdict, but a remedy."""
    results = [one for one in entries() if one["image_id"] == 11]
    found = judged(phone(tmp_path, results))
    assert [one.verdict for one in runtime(found, "phone").images] == ["pass", "error"]
    assert reasons(found, "phone")[1] == (
        f"phone: expected 'images/b.png' in {tmp_path}/results.json, found 'images/a.png'; "
        "COCO results do not tell an image without detections from one that was never run: "
        "if the program ran every image, say options.complete = true"
    )


def test_a_complete_file_says_that_nothing_was_found(tmp_path: Path) -> None:
    """Then an image without an entry has no detections, which the reference contradicts here."""
    results = [one for one in entries() if one["image_id"] == 11]
    found = judged(phone(tmp_path, results, BY_NAME + ", complete = true"))
    assert [one.code for one in image(found, "phone", 1).findings] == ["lost", "empty"]


def test_a_complete_file_of_other_images_is_refused(tmp_path: Path) -> None:
    """Else images that are only named otherwise would all count as empty."""
    results = [{**one, "image_id": "a.png"} for one in entries()]
    assert reason(tmp_path, results, BY_NAME + ", complete = true").startswith(
        f"phone: expected entries of the suite's images at {tmp_path}/results.json, "
        "found only others, such as 'a.png'. "
    )


def test_numbers_that_the_labels_do_not_have_are_a_note(tmp_path: Path) -> None:
    """An image of another data set changes nothing, and is told."""
    found = runtime(
        judged(phone(tmp_path, [*entries(), {**entries()[0], "image_id": 99}])), "phone"
    )
    assert (found.verdict, found.notes[-1]) == (
        "pass",
        "it also holds 1 image that the suite does not have: image_id 99",
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"bbox": [1, 2, 3]}, "bbox as four numbers [x, y, width, height] at {}, found [1, 2, 3]"),
        ({"bbox": "none"}, "bbox as four numbers [x, y, width, height] at {}, found 'none'"),
        ({"score": "0.9"}, "score as a number at {}, found '0.9'"),
        ({"score": True}, "score as a number at {}, found True"),
        ({"image_id": 1.5}, "image_id as a number or a file name at {}, found 1.5"),
        ({"category_id": "nut"}, "category_id as a whole number at {}, found 'nut'"),
    ],
)
def test_an_entry_that_is_none(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    """The key, what it should be, what it is, and the number of the entry."""
    results = [entries()[0], {**entries()[1], **change}]
    expected = expected.format(f"{tmp_path}/results.json")
    assert reason(tmp_path, results).startswith(f"phone: expected {expected} in entry 1. ")


def test_a_missing_key(tmp_path: Path) -> None:
    """Segmentation results without boxes, say."""
    first = {key: value for key, value in entries()[0].items() if key != "bbox"}
    assert "found nothing in entry 0. " in reason(tmp_path, [first])


def test_annotations_are_no_results(tmp_path: Path) -> None:
    """The ground truth has no scores."""
    assert reason(tmp_path, {"images": [], "annotations": []}).startswith(
        "phone: expected COCO results, a list of image_id, category_id, bbox and score at "
        f"{tmp_path}/results.json, found annotations. "
    )


def test_a_file_that_broke_off(tmp_path: Path) -> None:
    """Half a JSON file is no shorter list."""
    text = json.dumps(entries())
    assert "found a file that is no JSON: " in reason(tmp_path, text[: len(text) // 2])


def test_nan_and_negative_sizes_are_judged_as_ever(tmp_path: Path) -> None:
    """The numbers are those of any detections: NaN fails by name, crossed corners are refused."""
    nan, crossed = entries(), entries()
    nan[0]["score"] = float("nan")
    crossed[0]["bbox"][2] *= -1
    found = image(judged(phone(tmp_path / "nan", nan)), "phone")
    assert [one.code for one in found.findings] == ["nonfinite"]
    words = reasons(judged(phone(tmp_path / "crossed", crossed)), "phone")[0]
    assert words.startswith("phone: boxes: expected x1 <= x2 and y1 <= y2, found 1 of 2 boxes")


def test_what_wrote_the_results_is_said_beside_them(tmp_path: Path) -> None:
    """results.meta.json belongs to results.json."""
    suite = phone(tmp_path)
    (suite / "results.meta.json").write_text('{"library": "ours", "version": "7"}')
    assert runtime(judged(suite), "phone").identity == {"library": "ours", "version": "7"}
