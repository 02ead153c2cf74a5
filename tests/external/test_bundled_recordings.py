"""A trained detector's heads and detections, written to files and read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from external_suites import as_arrays, judged, runtime

RUNTIMES = """
[runtimes.heads]
kind = "recorded"
model = "heads"

[runtimes.coco]
kind = "recorded"
model = "results.json"
decode = { family = "detections", score_floor = 0.45 }
options = { categories = "labels", complete = true }
"""
LOWEST = 0.45


def test_raw_heads_and_coco_results_agree_without_a_framework(
    tmp_path: Path, golden_suites: Path
) -> None:
    """All 32 images against the golden: SSD heads are decoded, COCO results taken as they are."""
    suite = shutil.copytree(golden_suites / "parts_ssd", tmp_path / "parts_ssd")
    labels = json.loads((suite / "labels.json").read_text())
    numbers = {one["file_name"]: one["id"] for one in labels["images"]}
    categories = {one["name"]: one["id"] for one in labels["categories"]}
    classes = (suite / "classes.txt").read_text().split()
    results = []
    for image, number in numbers.items():
        with np.load(suite / "golden" / f"{image.replace('/', '__')}.npz") as golden:
            heads = {name: golden[f"head:{name}"] for name in ("boxes", "scores")}
            rows = [golden[name].tolist() for name in ("boxes", "scores", "classes")]
        as_arrays(suite / "heads", {image: heads})
        results += [
            {
                "image_id": number,
                "category_id": categories[classes[label]],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            for (x1, y1, x2, y2), score, label in zip(*rows, strict=True)
            if score >= LOWEST
        ]
    (suite / "results.json").write_text(json.dumps(results))
    with (suite / "parity.toml").open("a") as file:
        file.write(RUNTIMES)
    found = judged(suite, "heads", "coco", reference="golden")
    for name in ("heads", "coco"):
        statistics = runtime(found, name).statistics
        assert runtime(found, name).verdict == "pass"
        assert statistics is not None
        assert (statistics.images, statistics.pairs > 100) == (32, True)
        assert statistics.score_diff is not None
        assert statistics.score_diff.max < 1e-9
