"""Outputs and columns that the family or the function does not read are said to be not judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import check
from parity.harness import record as record_goldens
from parity.record import SuiteRecord
from parity.report.suite.overview import headline
from tests.support.suites import fake, flat, small_suite, toml

BOXES = np.array([[4, 4, 8, 8], [20, 20, 12, 10], [25, 8, 10, 6]], np.float64)  # cx, cy, w, h
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.1]])
ANGLES = np.array([[0.1], [0.5], [-0.3]])
NETWORK = "import numpy as np\n\n\ndef heads(feeds):\n    return {answer}\n"
SIZE = (32, 32)
PLAIN = 'family = "yolov8"'
FURTHER = PLAIN + "\nyolov8 = { further = 1 }"


def suite(
    home: Path, decode: str, runtimes: dict[str, dict[str, Any]], more: str = "", images: int = 1
) -> Path:
    """A suite of runtimes that give the same heads for every image."""
    sources = {}
    for name, heads in runtimes.items():
        answer = ", ".join(
            f"{head!r}: np.array({np.asarray(values).tolist()}, np.float32)"
            for head, values in heads.items()
        )
        sources[f"{name}.py"] = NETWORK.format(answer="{" + answer + "}")
    return small_suite(
        home,
        {name: toml(fake(f"{name}:heads", (1, *SIZE, 3))) + more for name in runtimes},
        name="net",
        images=flat(*range(50, 50 + images), size=SIZE, names="{}.png"),
        size=SIZE,
        decode=f"score_threshold = 0.3\n{decode}",
        files=sources,
    )


def rows(*columns: np.ndarray) -> np.ndarray:
    """A head (1, A, columns)."""
    return np.concatenate(columns, axis=1)[None]


def told(found: SuiteRecord) -> tuple[str, list[tuple[str, ...]]]:
    """What stands behind the verdict in its line, and every candidate's notes."""
    line = headline(found).partition(" image")[2].partition("; ")[2]
    return line, [one.notes for one in found.runtimes if one.role == "candidate"]


def padded(*columns: np.ndarray) -> np.ndarray:
    """The same with rows of nothing behind them."""
    head = rows(*columns)
    return np.concatenate([head, np.zeros((1, 17, head.shape[2]))], axis=1)


def turned(lost: bool = False) -> dict[str, np.ndarray]:
    """YOLOv8's head with an angle behind the classes, (1, columns, A)."""
    return {"output0": rows(BOXES, SCORES, ANGLES * (not lost)).transpose(0, 2, 1)}


def test_columns_behind_the_classes_are_not_judged_and_say_so(tmp_path: Path) -> None:
    """An angle that is lost passes: the boxes are the same, and what else there is is told."""
    home = suite(tmp_path, FURTHER, {"ref": turned(), "same": turned(), "lost": turned(lost=True)})
    found = check(home)
    assert found.verdict == "pass"
    line, notes = told(found)
    assert line == "not judged: column 6 of 'output0'"
    assert notes == [
        (
            "not judged: column 6 of 'output0' (1, 7, 3), -0.3..0.5 (of the reference -0.3..0.5): "
            "yolov8 does not read it",
        ),
        (
            "not judged: column 6 of 'output0' (1, 7, 3), 0..0 (of the reference -0.3..0.5): "
            "yolov8 does not read it",
        ),
    ]


def test_a_head_that_is_read_whole_needs_no_words(tmp_path: Path) -> None:
    """Every column is a box's or a class's."""
    heads = {"output0": rows(BOXES, SCORES)}
    found = check(suite(tmp_path, PLAIN, {"ref": heads, "same": heads}))
    assert (found.verdict, told(found)) == ("pass", ("", [()]))


def test_columns_that_nobody_declared_are_refused_with_what_to_say(tmp_path: Path) -> None:
    """They might be classes that the suite forgot."""
    found = check(suite(tmp_path, PLAIN, {"ref": turned(), "same": turned()}))
    (candidate,) = [one for one in found.runtimes if one.role == "candidate"]
    assert candidate.verdict == "error"
    assert (
        "correct classes in [detector], or the family; or say further = 1 under [decode.yolov8] "
        "for columns behind the classes that are none (mask coefficients, key points, an angle)"
    ) in candidate.reason


@pytest.mark.parametrize(
    ("decode", "head", "named"),
    [
        (
            'family = "yolov5"\nyolov5 = { further = 2 }',
            rows(BOXES, np.ones((3, 1)), SCORES, ANGLES, ANGLES),
            "columns 7 to 8 of 'output0'",
        ),
        (
            'family = "yolov8"\nyolov8 = { further = 2, layout = "anchors-first" }',
            rows(BOXES, SCORES, ANGLES, ANGLES),
            "columns 6 to 7 of 'output0'",
        ),
        (
            'family = "yolo-end2end"\nyolo-end2end = { further = 1 }',
            rows(BOXES[:, :2], BOXES[:, :2] + 9, SCORES.max(1, keepdims=True), ANGLES > 9, ANGLES),
            "column 6 of 'output0'",
        ),
    ],
)
def test_every_family_of_rows_takes_further_columns(
    tmp_path: Path, decode: str, head: np.ndarray, named: str
) -> None:
    """Mask coefficients, key points or an angle, wherever the classes end."""
    heads = {"output0": head}
    found = check(suite(tmp_path, decode, {"ref": heads, "same": heads}))
    assert (found.verdict, told(found)[0]) == ("pass", f"not judged: {named}")


def test_outputs_that_are_no_head_are_not_judged(tmp_path: Path) -> None:
    """Masks beside boxes: a candidate that gives others passes, and the line tells."""
    decode = 'family = "boxes-scores"\nboxes-scores = { box_format = "cxcywh", normalized = false }'
    plain = {"boxes": rows(BOXES), "scores": rows(SCORES)}
    masks = {**plain, "masks": np.ones((1, 3, 2, 2))}
    wrong = {**plain, "masks": np.zeros((1, 3, 2, 2))}
    more = 'outputs = { boxes = "boxes", scores = "scores" }'
    found = check(suite(tmp_path, decode, {"ref": masks, "wrong": wrong}, more))
    assert (found.verdict, told(found)) == (
        "pass",
        (
            "not judged: output 'masks'",
            [
                (
                    "not judged: output 'masks' (1, 3, 2, 2), 0..0 (of the reference 1..1): "
                    "boxes-scores does not read it",
                )
            ],
        ),
    )
    (tmp_path / "twin").mkdir()
    found = check(suite(tmp_path / "twin", decode, {"ref": plain, "wrong": plain}, more))
    assert told(found) == ("", [()])


def test_an_output_that_the_candidate_lost_is_told(tmp_path: Path) -> None:
    """The export dropped it, and the boxes are the same."""
    decode = 'family = "boxes-scores"\nboxes-scores = { box_format = "cxcywh", normalized = false }'
    plain = {"boxes": rows(BOXES), "scores": rows(SCORES)}
    more = 'outputs = { boxes = "boxes", scores = "scores" }'
    runtimes = {"ref": {**plain, "masks": np.ones((1, 3, 2, 2))}, "lost": plain}
    found = check(suite(tmp_path, decode, runtimes, more))
    assert told(found) == (
        "not judged: output 'masks'",
        [
            (
                "not judged: output 'masks' (1, 3, 2, 2), 1..1 of ref, of which there is no other "
                "here: boxes-scores does not read it",
            )
        ],
    )


def test_a_golden_remembers_what_was_not_read_of_the_reference(tmp_path: Path) -> None:
    """The same words, whoever stands in for it."""
    home = suite(tmp_path, FURTHER, {"ref": turned(), "lost": turned(lost=True)})
    before = told(check(home))
    record_goldens(home)
    manifest = json.loads((home / "golden" / "manifest.json").read_text())
    assert manifest["unread"][0]["columns"] == [6, 6]
    assert told(check(home, ("lost",), reference="golden")) == before


FUNCTION = """
import numpy as np


def decode(heads, size):
    head = next(iter(heads.values()))[0]
    centres, sides = head[:, :2], head[:, 2:4]
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    found = head[:, 4:6].max(axis=1) > 0.25
    {more}
    return boxes[found], head[found, 4:6].max(axis=1), head[found, 4:6].argmax(axis=1)
"""


def by_function(home: Path, more: str, heads: dict[str, Any], other: dict[str, Any]) -> SuiteRecord:
    """A suite that decodes by a function of its own, judged."""
    (home / "post.py").write_text(FUNCTION.format(more=more))
    found = check(suite(home, 'function = "post:decode"', {"ref": heads, "lost": other}))
    assert found.verdict == "pass"
    return found


def test_columns_that_a_function_ignores_are_told(tmp_path: Path) -> None:
    """It is handed everything; its answer is the same whatever stands there."""
    with_angle, without = padded(BOXES, SCORES, ANGLES), padded(BOXES, SCORES, ANGLES * 0)
    found = by_function(tmp_path, "", {"0": with_angle}, {"output0": without})
    assert told(found) == (
        "not judged: column 6 of 'output0'",
        [
            (
                "not judged: column 6 of 'output0' (1, 20, 7), 0..0 (of the reference -0.3..0.5): "
                "post:decode does not read it",
            )
        ],
    )


def test_a_function_that_reads_every_column_needs_no_words(tmp_path: Path) -> None:
    """Boxes are moved by the angle: nothing is left."""
    heads = {"0": padded(BOXES, SCORES, ANGLES)}
    found = by_function(tmp_path, "boxes = boxes + head[:, 6:7]", heads, heads)
    assert told(found) == ("", [()])


def test_outputs_that_a_function_ignores_are_told(tmp_path: Path) -> None:
    """Whole ones by their names."""
    heads = {"0": padded(BOXES, SCORES), "masks": np.ones((1, 3, 2, 2))}
    found = by_function(tmp_path, "", heads, heads)
    assert told(found)[0] == "not judged: output 'masks'"
