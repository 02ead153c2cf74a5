"""Clues for networks that suppress by themselves and answer with detections in several heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh

RELATIVE = 2.0  # boxes relative to the input stay below this, those in pixels do not
OD_API = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
ROLES = dict(zip(OD_API, ("boxes", "scores", "classes", "count"), strict=True))
POSTPROCESS = "TFLite_Detection_PostProcess"


def tf_od_api(seen: Seen) -> Iterator[Likelihood]:
    """The Object Detection API's dictionary: boxes, scores, classes from 1 on, and how many."""
    named = [name for name in OD_API if seen.named(name) is not None]
    bound = dict(zip(OD_API, _four(seen), strict=False))
    if len(named) >= 3:
        outputs = {role: str(seen.named(role)) for role in named}
    elif len(bound) == 4:
        outputs = bound
    else:
        return
    ids = _ids(seen, outputs.get("detection_classes"), outputs.get("detection_scores"))
    low = min(ids, default=1.0)
    yield weigh(
        "tf-od-api",
        [
            Clue(len(named) >= 3, 0.8, f"the outputs are called {', '.join(named)}"),
            Clue(len(named) < 3, 0.35, "four heads (1, N, 4), (1, N), (1, N) and (1,)"),
            Clue(bool(ids) and low >= 1, 0.1, f"the smallest class on this picture is {low:g}"),
            Clue(low < 1, -0.1),
            Clue(len(named) < 3 and any(POSTPROCESS in name for name in seen.heads), -0.3),
        ],
        outputs={ROLES[role]: name for role, name in outputs.items()},
        table={"first_class": 0 if low < 1 else 1, **_units(seen, outputs.get("detection_boxes"))},
    )


def tflite_postprocess(seen: Seen) -> Iterator[Likelihood]:
    """The four outputs of the op: boxes (1, N, 4), classes (1, N), scores (1, N), count (1,)."""
    four = _four(seen)
    if not four:
        return
    outputs = dict(zip(("boxes", "scores", "classes", "count"), four, strict=True))
    said = [name for name in seen.heads if POSTPROCESS.lower() in name.lower()]
    ids = _ids(seen, outputs["classes"], outputs["scores"])
    yield weigh(
        "tflite-postprocess",
        [
            Clue(True, 0.55, "four heads (1, N, 4), (1, N), (1, N) and (1,)"),
            Clue(bool(said), 0.4, f"outputs are called {POSTPROCESS}"),
            Clue(0.0 in ids, 0.1, "the classes start at 0"),
            Clue(bool(ids) and min(ids) >= 1, -0.05),
            Clue(any("detection_" in name and name not in said for name in seen.heads), -0.2),
        ],
        outputs=outputs,
        table={"first_class": 0} if 0.0 in ids else {},
    )


def torchvision(seen: Seen) -> Iterator[Likelihood]:
    """boxes (N, 4), labels int64 (N,), scores (N,), whatever N is on this image."""
    boxes = [n for n, look in seen.looks.items() if len(look.shape) == 2 and look.shape[1] == 4]
    flat = [n for n, look in seen.looks.items() if len(look.shape) == 1]
    labels = [name for name in flat if seen.looks[name].dtype[:3] in ("int", "uin")]
    scores = [name for name in flat if name not in labels]
    if (len(boxes), len(labels), len(scores)) != (1, 1, 1):
        return
    count = seen.looks[boxes[0]].shape[0]
    if any(seen.looks[name].shape != (count,) for name in flat):
        return
    found = seen.looks[scores[0]]
    yield weigh(
        "torchvision",
        [
            Clue(
                True,
                0.8,
                f"{boxes[0]!r} ({count}, 4), {labels[0]!r} ({count},) of integers and "
                f"{scores[0]!r} ({count},)",
            ),
            Clue(found.unit, 0.1, f"{scores[0]!r} is within 0..1"),
            Clue(seen.named("label") == labels[0], 0.1, "an output is called labels"),
        ],
        outputs={"boxes": boxes[0], "labels": labels[0], "scores": scores[0]},
        table={"first_class": 0} if 0.0 in _ids(seen, labels[0], scores[0]) else {},
    )


def _units(seen: Seen, boxes: str | None) -> dict[str, Any]:
    """Whether boxes are relative to the input, where there are any."""
    high = 0.0 if boxes is None else float(np.abs(seen.values[boxes]).max(initial=0.0))
    return {} if high == 0.0 else {"normalized": high <= RELATIVE}


def _four(seen: Seen) -> list[str]:
    """boxes, scores, classes, count: told apart by shape, then by whole numbers; else nothing."""
    shapes = {name: look.shape for name, look in seen.looks.items()}
    boxes = [name for name, shape in shapes.items() if len(shape) == 3 and shape[2] == 4]
    counts = [name for name, shape in shapes.items() if shape in ((1,), (1, 1), ())]
    if len(shapes) != 4 or len(boxes) != 1 or len(counts) != 1:
        return []
    rows = [name for name in shapes if name not in (boxes[0], counts[0])]
    if any(shapes[name] != shapes[boxes[0]][:2] for name in rows):
        return []
    classes = _class_head(seen, rows)
    return [boxes[0], next(one for one in rows if one != classes), classes, counts[0]]


def _class_head(seen: Seen, rows: list[str]) -> str:
    """Whole numbers are classes; where both are (nothing was found), names or the order decide."""
    said = seen.named("class")
    if said in rows and said is not None:
        return said
    whole = [name for name in rows if seen.looks[name].whole]
    falling = [name for name in rows if seen.looks[name].falling and not seen.looks[name].whole]
    if len(whole) == 1:
        return whole[0]
    return next((name for name in rows if name not in falling), rows[0])


def _ids(seen: Seen, classes: str | None, scores: str | None) -> tuple[float, ...]:
    """The classes of rows that have a score."""
    if classes is None or scores is None:
        return ()
    values: Mapping[str, np.ndarray] = seen.values
    if values[classes].shape != values[scores].shape:
        return ()
    return tuple(float(one) for one in np.unique(values[classes][values[scores] > 0]))
