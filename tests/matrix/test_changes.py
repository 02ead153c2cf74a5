"""What changed the results: from facts about two cells to one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parity import suite
from parity.diagnosis import Change, Facts, Ran, changes, first_meaning, meaning
from tests.support.suites import runtime, small_suite

VERSION = Change("version", "onnxruntime 1.31.1 → 1.18.1")
OPTION = Change("option", "threads = 4")
MODEL = Change("model", "SHA-256 11111111 → 22222222")


def facts(
    *changed: Change,
    first: bool | None,
    cell: bool | None,
    alike: bool | None,
    identical: bool = False,
) -> Facts:
    """Two cells that were run; True where two sides agree."""
    return Facts(
        changes=changed,
        loads=True,
        runs=True,
        holds=cell,
        alike=alike,
        first_runs=True,
        first_holds=first,
        identical=identical,
    )


def failed(*changed: Change, loads: bool = False, first_runs: bool = True) -> Facts:
    """A cell that was not run."""
    return Facts(changed, loads, False, None, None, first_runs, True if first_runs else None)


@pytest.mark.parametrize(
    ("first", "cell", "alike", "expected"),
    [
        (True, True, True, "nothing changed beyond the tolerance"),
        (
            True,
            False,
            False,
            "the version (onnxruntime 1.31.1 → 1.18.1) broke it: the first cell agrees with the "
            "reference",
        ),
        (
            True,
            False,
            True,
            "at the edge of the tolerance: the version (onnxruntime 1.31.1 → 1.18.1) moved it a "
            "little further from the reference than the first cell is",
        ),
        (
            True,
            True,
            False,
            "agrees with the reference, but the version (onnxruntime 1.31.1 → 1.18.1) moved it "
            "further from the first cell than the tolerance allows: two differences add up",
        ),
        (
            False,
            False,
            True,
            "the model (its export) differs from the reference: the first cell disagrees alike, "
            "and the version (onnxruntime 1.31.1 → 1.18.1) changed nothing",
        ),
        (
            False,
            False,
            False,
            "disagrees with the reference as the first cell does, and the version (onnxruntime "
            "1.31.1 → 1.18.1) changed it again",
        ),
        (
            False,
            True,
            False,
            "the version (onnxruntime 1.31.1 → 1.18.1) mended it: the first cell disagrees with "
            "the reference",
        ),
        (
            False,
            True,
            True,
            "at the edge of the tolerance: the version (onnxruntime 1.31.1 → 1.18.1) moved it a "
            "little nearer to the reference than the first cell is",
        ),
    ],
)
def test_version_or_model(first: bool, cell: bool, alike: bool, expected: str) -> None:
    """Who agrees with whom tells whether the version or the model changed the results."""
    assert meaning(facts(VERSION, first=first, cell=cell, alike=alike)) == expected


def test_equal_bits_are_said() -> None:
    """Heads that are the same number by number are more than an agreement."""
    same = facts(OPTION, first=True, cell=True, alike=True, identical=True)
    assert meaning(same) == "nothing changed, number by number"


def test_a_replaced_model_is_never_blamed_on_the_version() -> None:
    """Files of other content are another model."""
    assert meaning(facts(MODEL, first=True, cell=False, alike=False)) == (
        "the replaced model (SHA-256 11111111 → 22222222) broke it: the first cell agrees with "
        "the reference"
    )


def test_a_replaced_model_that_agrees_is_told_as_replaced() -> None:
    """That nothing changed is no news of the version then."""
    assert meaning(facts(MODEL, first=True, cell=True, alike=True)) == (
        "nothing changed beyond the tolerance, though the model itself was replaced"
    )


def test_a_replaced_model_that_disagrees_alike() -> None:
    """Two models that miss the reference in the same way."""
    assert meaning(facts(MODEL, first=False, cell=False, alike=True)) == (
        "disagrees with the reference as the first cell does, though the model itself was replaced"
    )


def test_what_cannot_be_told_apart_is_named_together() -> None:
    """A cell that changes three things blames each."""
    assert meaning(facts(VERSION, OPTION, MODEL, first=True, cell=False, alike=False)) == (
        "the replaced model (SHA-256 11111111 → 22222222) or the version (onnxruntime 1.31.1 → "
        "1.18.1) or the option (threads = 4) broke it: the first cell agrees with the reference"
    )


def test_a_cell_that_changes_nothing_blames_nothing_declared() -> None:
    """The same cell twice with two results is chance, or the machine."""
    assert meaning(facts(first=True, cell=False, alike=False)).startswith(
        "nothing that the cell declares broke it"
    )


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            failed(VERSION),
            "does not load, where the first cell, with the same model, runs: the version "
            "(onnxruntime 1.31.1 → 1.18.1) is the difference",
        ),
        (
            failed(OPTION, loads=True),
            "does not run, where the first cell, with the same model, runs: the option "
            "(threads = 4) is the difference",
        ),
        (
            failed(MODEL),
            "does not load, where the first cell runs: the replaced model (SHA-256 11111111 → "
            "22222222) is the difference",
        ),
        (
            failed(VERSION, first_runs=False),
            "does not load, and the first cell failed too: it need not be what changed",
        ),
    ],
)
def test_a_cell_that_fails(one: Facts, expected: str) -> None:
    """The difference is named where the first cell runs, and nothing is where it does not."""
    assert meaning(one) == expected


def test_a_cell_that_fails_on_some_images_says_so() -> None:
    """It was loaded, and it ran."""
    one = replace(failed(OPTION, loads=True), partly=True)
    assert meaning(one).startswith("does not run on every image, where the first cell, ")


def test_a_first_cell_that_could_not_be_tried_has_not_failed() -> None:
    """Nothing is known of it."""
    one = replace(facts(OPTION, first=None, cell=True, alike=None), first_tried=False)
    assert meaning(one) == (
        "agrees with the reference; the first cell, to compare it with, could not be tried"
    )
    assert first_meaning(None, False, [], tried=False) == (
        "could not be tried here: nothing can be compared with it"
    )


def test_a_cell_whose_environment_is_not_here_says_nothing_of_the_version() -> None:
    """It was not tried: that is no evidence against it."""
    one = Facts((VERSION,), False, False, None, None, True, True, tried=False)
    assert meaning(one) == "could not be tried here"


@pytest.mark.parametrize(
    ("alike", "expected"),
    [
        (True, "agrees with the first cell; the reference, to compare both with, failed"),
        (
            False,
            "the option (threads = 4) changed it: it disagrees with the first cell; the "
            "reference, to compare both with, failed",
        ),
        (None, "runs; the reference failed, and the first cell, to compare it with, failed"),
    ],
)
def test_without_a_reference(alike: bool | None, expected: str) -> None:
    """What the first cell tells is still told."""
    assert meaning(facts(OPTION, first=None, cell=None, alike=alike)) == expected


@pytest.mark.parametrize(("cell", "held"), [(True, "agrees"), (False, "disagrees")])
def test_without_a_first_cell(cell: bool, held: str) -> None:
    """What the reference tells is still told."""
    assert meaning(facts(OPTION, first=None, cell=cell, alike=None)) == (
        f"{held} with the reference; the first cell, to compare it with, failed"
    )


BROKEN_ALIKE = facts(OPTION, first=False, cell=False, alike=True)
MENDED = facts(VERSION, first=False, cell=True, alike=False)
OTHER_MODEL = facts(MODEL, first=False, cell=True, alike=False)
BROKEN_AGAIN = facts(VERSION, first=False, cell=False, alike=False)


@pytest.mark.parametrize(
    ("holds", "runs", "others", "expected"),
    [
        (True, True, [BROKEN_AGAIN], "agrees with the reference"),
        (None, False, [], "failed: nothing can be compared with it"),
        (None, True, [], "runs; the reference, to compare it with, failed"),
        (
            False,
            True,
            [BROKEN_ALIKE, OTHER_MODEL],
            "disagrees with the reference, and every cell of this model alike: the model (its "
            "export) differs, not a version or option",
        ),
        (
            False,
            True,
            [BROKEN_ALIKE, MENDED],
            "disagrees with the reference, and it is not the model: another cell of it agrees",
        ),
        (
            False,
            True,
            [OTHER_MODEL],
            "disagrees with the reference: its model, its version or its options differ",
        ),
        (
            False,
            True,
            [BROKEN_ALIKE, BROKEN_AGAIN],
            "disagrees with the reference: its model, its version or its options differ",
        ),
    ],
)
def test_the_first_cell(holds: bool | None, runs: bool, others: list[Facts], expected: str) -> None:
    """It is judged by the cells of its own model."""
    assert first_meaning(holds, runs, others) == expected


CELLS = """
[[matrix]]
name = "row"
runtime = "net"
cells = [
    {{ name = "first" }},
    {{ name = "second", {keys} }},
]
"""


def between(tmp_path: Path, keys: str, **second: object) -> list[tuple[str, str]]:
    """The changes of a cell with these keys, whose network and identity may be others."""
    small_suite(
        tmp_path,
        {"net": runtime("tflite", "net.tflite", options={"threads": 1})},
        images={"1.png": b""},
        decode={"family": "yolov8", "score_threshold": 0.5},
        more=CELLS.format(keys=keys),
    )
    first, cell = suite.load(tmp_path).matrix[0].cells
    ran = {"identity": {"library": "litert", "version": "2.3.0"}, "network": ("1" * 64,)}
    found = changes(Ran(first.runtime, **ran), Ran(cell.runtime, **(ran | second)))  # type: ignore[arg-type]
    return [(one.kind, one.text) for one in found]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("options = { threads = 4 }", ("option", "threads = 4")),
        ('options = { delegate = "none" }', ("option", "delegate = none")),
        ('memory_limit = "64MiB"', ("option", "memory_limit = 64MiB")),
        ('interpreter = "tensorflow"', ("version", "interpreter tensorflow")),
        ('requires = ["a==1", "b<2"]', ("version", "requires a==1, b<2")),
        ('python = "3.8"', ("version", "python 3.8")),
        ('preprocess = { color = "BGR" }', ("setting", "preprocess.color = BGR")),
        ("decode = { nms_iou = 0.6 }", ("setting", "decode.nms_iou = 0.6")),
        ('tolerance = "int8"', ("setting", "tolerance = int8")),
    ],
)
def test_each_key_is_a_change_of_its_kind(
    tmp_path: Path, keys: str, expected: tuple[str, str]
) -> None:
    """Versions, options and settings are told apart."""
    assert between(tmp_path, keys) == [expected]


def test_the_version_that_ran_is_told_rather_than_the_one_asked_for(tmp_path: Path) -> None:
    """A requirement may be a range; what was loaded is a fact."""
    other = {"library": "litert", "version": "1.2.0"}
    assert between(tmp_path, 'requires = ["litert<2"]', identity=other) == [
        ("version", "litert 2.3.0 → 1.2.0")
    ]


def test_another_library_is_told_by_its_name(tmp_path: Path) -> None:
    """The numbers of two libraries say nothing without their names."""
    other = {"library": "tflite-runtime", "version": "2.14.0"}
    assert between(tmp_path, 'interpreter = "tflite-runtime"', identity=other) == [
        ("version", "litert 2.3.0 → tflite-runtime 2.14.0"),
        ("version", "interpreter tflite-runtime"),
    ]


def test_a_model_that_was_only_moved_is_the_same_model(tmp_path: Path) -> None:
    """Content decides, not the name."""
    assert between(tmp_path, 'model = "copy.tflite"') == []


def test_a_model_of_other_content_was_replaced(tmp_path: Path) -> None:
    """Whatever its name is."""
    assert between(tmp_path, 'model = "net.tflite"', network=("2" * 64,)) == [
        ("model", "SHA-256 11111111 → 22222222")
    ]


def test_another_function_is_another_model(tmp_path: Path) -> None:
    """A network that code builds is known by the function's name."""
    assert between(tmp_path, 'model = "net:small"', network=("net:small",)) == [
        ("model", "SHA-256 11111111 → net:small")
    ]


def test_a_program_that_says_no_version_has_changed_no_version(tmp_path: Path) -> None:
    """It is its file, whose content is compared as the model's is."""
    other = {"library": "detector", "version": "not said"}
    assert between(tmp_path, "trust = true", identity=other) == [("option", "trust = True")]
