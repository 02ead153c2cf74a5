"""Mean average precision of the deployed detections, where a suite has labels.

COCO's definition at IoU 0.5, as computed by pycocotools.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable
from typing import Any

from parity.errors import SuiteError
from parity.record import ImageRecord
from parity.runtimes.contract import Library
from parity.runtimes.support import absent
from parity.suite import Suite

Found = dict[str, Any]

_LIBRARY = Library("pycocotools", "pycocotools", "pip install 'detector-parity[map]'")


def not_evaluated(suite: Suite) -> tuple[str, ...]:
    """What to say where a suite has labels and nothing here evaluates them."""
    why = None if suite.labels is None else absent(_LIBRARY)
    return () if why is None else (f"no mAP although the suite has labels: {why}",)


def average_precision(suite: Suite, images: Iterable[ImageRecord]) -> dict[str, float]:
    """mAP@0.5 of both sides over the images that were compared; {} without labels, or library."""
    done = [image for image in images if image.agreement is not None]
    if suite.labels is None or not done or not_evaluated(suite):
        return {}
    truth = _truth(suite, [image.image for image in done])
    ids = {entry["file_name"]: entry["id"] for entry in truth["images"]}
    return {
        side: _evaluate(truth, [one for image in done for one in _found(image, side, suite, ids)])
        for side in ("reference", "candidate")
    }


def _truth(suite: Suite, images: list[str]) -> dict[str, Any]:
    assert suite.labels is not None
    where = f"{suite.path}: detector.labels"
    try:
        data: dict[str, Any] = json.loads(suite.labels.read_text(encoding="utf-8"))
        labelled = {entry["file_name"] for entry in data["images"]}
        names = {entry["id"]: entry["name"] for entry in data["categories"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SuiteError(where, [f"expected COCO annotations, found: {error!r}"]) from None
    unlabelled = [image for image in images if image not in labelled]
    if unlabelled:
        raise SuiteError(where, [f"expected labels of every image, found none of {unlabelled[0]}"])
    unknown = sorted(set(names.values()) - set(suite.classes))
    if unknown:
        raise SuiteError(where, [f"expected categories of the suite, found {', '.join(unknown)}"])
    kept = {entry["id"] for entry in data["images"] if entry["file_name"] in set(images)}
    return {
        "images": [entry for entry in data["images"] if entry["id"] in kept],
        "categories": [{"id": i, "name": name} for i, name in enumerate(suite.classes)],
        "annotations": [
            entry | {"category_id": suite.classes.index(names[entry["category_id"]])}
            for entry in data["annotations"]
            if entry["image_id"] in kept
        ],
    }


def _found(image: ImageRecord, side: str, suite: Suite, ids: dict[str, int]) -> Iterable[Found]:
    """The deployed detections of one side, from the rows, as COCO results."""
    assert image.agreement is not None
    leftover = "lost" if side == "reference" else "extra"
    floor = getattr(image.agreement, f"{side}_threshold")
    for row in image.agreement.rows:
        score = getattr(row, f"{side}_score")
        if score is None or score < floor or (not row.paired and row.kind != leftover):
            continue
        x1, y1, x2, y2 = getattr(row, f"{side}_box")
        yield {
            "image_id": ids[image.image],
            "category_id": getattr(row, f"{side}_class"),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }


def _evaluate(truth: dict[str, Any], found: list[Found]) -> float:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not found:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):  # the library prints its progress
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.params.iouThrs = evaluation.params.iouThrs[:1]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, 2]
    seen = precision[precision > -1]
    return float(seen.mean()) if seen.size else 0.0
