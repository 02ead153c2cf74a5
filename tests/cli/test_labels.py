"""``labels``: what any program wrote as COCO annotations, and what is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_suites import write_suite

from parity.cli import main

Capture = pytest.CaptureFixture[str]
BOXES = ([1.6, 1.6, 4.8, 4.8], [8, 8, 6.4, 4.8])  # x, y, w, h of what the runtimes find


def truth() -> dict[str, Any]:
    """Annotations with no more than COCO asks of a detection's ground truth; ids begin at 0."""
    return {
        "images": [{"id": i, "file_name": f"images/{i:03}.png"} for i in range(2)],
        "categories": [{"id": 7, "name": "nut"}, {"id": 3, "name": "bolt"}],
        "annotations": [
            {"id": 0, "image_id": image, "category_id": category, "bbox": box}
            for image in range(2)
            for category, box in zip((3, 7), BOXES, strict=True)
        ],
    }


def check(folder: Path, labels: object, capfd: Capture) -> tuple[int, str, dict[str, Any]]:
    """Exit code, text and results of a suite with these labels."""
    suite = write_suite(folder / "s", {"good": "same"}, detector='labels = "labels.json"')
    content = labels if isinstance(labels, bytes) else json.dumps(labels).encode()
    (suite / "labels.json").write_bytes(content)
    code = main(["check", str(suite), "--report", str(folder / "out")])
    out, err = capfd.readouterr()
    results = json.loads((folder / "out" / "tiny" / "results.json").read_text())
    assert err == ""
    return code, " ".join(out.split()), results["runtimes"][1]


def test_what_is_found_is_told_beside_the_truth(tmp_path: Path, capfd: Capture) -> None:
    """Keys that not every program writes have COCO's defaults; a number 0 is a number."""
    code, _, found = check(tmp_path, truth(), capfd)
    assert (code, found["average_precision"]) == (0, {"reference": 1.0, "candidate": 1.0})


def without(name: str, key: str) -> dict[str, Any]:
    """The truth without a key of one entry."""
    labels = truth()
    del labels[name][1][key]
    return labels


def changed(name: str, key: str, value: object) -> dict[str, Any]:
    """The truth with another value of one entry."""
    labels = truth()
    labels[name][1][key] = value
    return labels


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (b"\x89PNG", "expected COCO annotations (JSON), found the byte 0x89 in line 1"),
        (b"{", "expected COCO annotations, found a file that is no JSON: Expecting property name"),
        (b"[" * 100_000, "expected COCO annotations (JSON), found maximum recursion depth"),
        ([], "expected a table, found []"),
        ({}, "annotations: expected a value, found nothing"),
        (without("annotations", "bbox"), "annotations.1.bbox: expected a value, found nothing"),
        (changed("annotations", "bbox", [1, 2]), "annotations.1.bbox.2: expected a value"),
        (changed("annotations", "bbox", [1, 2, 3, "w"]), "expected a number, found 'w'"),
        (changed("annotations", "bbox", [1, 2, 3, 1e999]), "expected a finite number, found inf"),
        (changed("annotations", "category_id", 9), "of its categories, found category_id 9"),
        (changed("categories", "name", "bolts"), "categories of the suite, found bolts"),
        (changed("categories", "name", ["bolt"]), "name: expected a string, found ['bolt']"),
        (changed("categories", "id", 7), "expected each id of an image or a category once"),
        (changed("images", "file_name", "001.png"), "found none of images/001.png"),
    ],
)
def test_what_is_no_truth_is_told(
    tmp_path: Path, capfd: Capture, labels: object, sentence: str
) -> None:
    """Exit code 2 with the place in the file; the comparison itself is in the report."""
    code, told, found = check(tmp_path, labels, capfd)
    assert code == 2
    assert "detector.labels: " in told
    assert sentence in told
    assert [one["verdict"] for one in found["images"]] == ["pass", "pass"]
