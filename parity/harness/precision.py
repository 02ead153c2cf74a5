"""Mean average precision of the deployed detections, where a suite has labels.

COCO's definition at IoU 0.5, as computed by pycocotools.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, FiniteFloat, ValidationError

from parity.errors import SuiteError
from parity.files import Unreadable, text
from parity.record import ImageRecord
from parity.runtimes.contract import Library
from parity.runtimes.shared.libraries import absent
from parity.suite import Suite
from parity.suite.problems import bounded, describe

Found = dict[str, Any]
_TOLD = 5  # problems of a file of labels that a message lists

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


class _Image(BaseModel):
    id: int | str
    file_name: str


class _Category(BaseModel):
    id: int | str
    name: str


class _Annotation(BaseModel):
    image_id: int | str
    category_id: int | str
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    area: FiniteFloat | None = None
    iscrowd: bool = False


class _Labels(BaseModel):
    """What is read of COCO annotations; they hold more."""

    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


def _read(path: Path, where: str) -> _Labels:
    try:
        return _Labels.model_validate(json.loads(text(path)))
    except (Unreadable, RecursionError) as error:
        raise SuiteError(where, [f"expected COCO annotations (JSON), found {error}"]) from None
    except ValidationError as error:
        problems = bounded(describe(error, _Labels))
        more = [f"and {len(problems) - _TOLD} more"] if len(problems) > _TOLD else []
        raise SuiteError(where, [*problems[:_TOLD], *more]) from None
    except ValueError as error:
        problem = f"expected COCO annotations, found a file that is no JSON: {error}"
        raise SuiteError(where, [problem]) from None


def _truth(suite: Suite, images: list[str]) -> dict[str, Any]:
    """The annotations of these images as pycocotools takes them, numbered anew.

    It takes an annotation of the number 0 for none, and wants keys that many files lack.
    """
    assert suite.labels is not None
    where = f"{suite.path}: detector.labels"
    found = _read(suite.labels, where)
    files = {one.id: one.file_name for one in found.images}
    names = {one.id: one.name for one in found.categories}
    if len(files) < len(found.images) or len(names) < len(found.categories):
        raise SuiteError(
            where, ["expected each id of an image or a category once, found one twice"]
        )
    unlabelled = [image for image in images if image not in files.values()]
    if unlabelled:
        raise SuiteError(where, [f"expected labels of every image, found none of {unlabelled[0]}"])
    unknown = sorted(set(names.values()) - set(suite.classes))
    if unknown:
        raise SuiteError(where, [f"expected categories of the suite, found {', '.join(unknown)}"])
    strays = [one.category_id for one in found.annotations if one.category_id not in names]
    if strays:
        problem = f"expected annotations of its categories, found category_id {strays[0]!r}"
        raise SuiteError(where, [problem])
    kept = [one for one in found.annotations if files.get(one.image_id) in images]
    return {
        "images": [{"id": i, "file_name": image} for i, image in enumerate(images)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(suite.classes)],
        "annotations": [
            {
                "id": number,
                "image_id": images.index(files[one.image_id]),
                "category_id": suite.classes.index(names[one.category_id]),
                "bbox": list(one.bbox),
                "area": one.bbox[2] * one.bbox[3] if one.area is None else one.area,
                "iscrowd": int(one.iscrowd),
            }
            for number, one in enumerate(kept, 1)
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
