"""What every family says of itself, and that what is asked of all of them asks the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_heads import HEADS

from parity.decode import doubts, families
from parity.decode.contract import Family
from parity.decode.recognise import likely
from parity.decode.settings import Decode
from parity.errors import SuiteError
from parity.harness import check
from parity.suite import load
from tests.support.suites import runtime, small_suite

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = [families.family(name) for name in families.built_in()]


def rows() -> list[str]:
    """Of the README's table of families."""
    table = README[README.index("| family | heads |") :].partition("\n\n")[0]
    return table.splitlines()[2:]


def names_of(rows: list[str]) -> list[str]:
    """The families that rows begin with."""
    return [row.split("`")[1] for row in rows]


@pytest.mark.parametrize("family", ALL, ids=lambda one: one.name)
def test_the_readme_has_its_row(family: Family) -> None:
    """Word for word; and the registry calls it what it calls itself."""
    assert family.row in rows()
    assert families.family(family.name) is family


def test_the_readme_has_no_other_rows() -> None:
    """Nor one twice."""
    assert sorted(names_of(rows())) == sorted(families.built_in())


def test_the_readme_says_which_families_suppress_where() -> None:
    """The last rows inside the network, and some nowhere."""
    inside = {one.name for one in ALL if one.suppresses == "inside"}
    nowhere = {one.name for one in ALL if one.suppresses == "nowhere"}
    assert f"The last {['', 'one', 'two', 'three', 'four', 'five', 'six'][len(inside)]} have" in (
        README
    )
    assert set(names_of(rows())[-len(inside) :]) == inside
    sentence = re.search(r"are padding\. (.*?) need none", README)
    assert sentence is not None
    assert set(re.findall(r"`([^`]+)`", sentence[1])) == nowhere


def test_every_room_can_be_looked_over() -> None:
    """At most sixteen files on one level, each room with words on what is in it."""
    folders = [one.parent for one in (ROOT / "parity" / "decode").rglob("__init__.py")]
    assert len(folders) == 5
    for folder in folders:
        assert len(list(folder.glob("*.py"))) <= 16, folder
        assert len((folder / "__init__.py").read_text().splitlines()) >= 5, folder


NUMBERS = {
    "efficientdet-inf": (
        'family = "efficientdet"\n[decode.efficientdet]\nanchor_scale = inf',
        "decode.efficientdet.anchor_scale: expected a finite number, found inf",
    ),
    "efficientdet-nan": (
        'family = "efficientdet"\n[decode.efficientdet]\nratios = [1.0, nan]',
        "decode.efficientdet.ratios: expected width / height, or factors [width, height], above "
        "0, found nan",
    ),
    "ssd-negative-ratio": (
        'family = "ssd"\n[decode.ssd.priors]\nmaps = [[2, 2]]\nsizes = [[8]]\nratios = [1, -2]',
        "decode.ssd.priors.ratios: expected numbers above 0, found -2",
    ),
    "ssd-no-size": (
        'family = "ssd"\n[decode.ssd.priors]\nmaps = [[2, 2]]\nsizes = [[8, 0]]',
        "decode.ssd.priors.sizes: expected numbers above 0, found 0",
    ),
    "ssd-nan": (
        'family = "ssd"\n[decode.ssd]\npriors = "p.npy"\nvariances = [0.1, nan]',
        "decode.ssd.variances: expected a number or a list of numbers, found [0.1, nan]",
    ),
}


@pytest.mark.parametrize(("table", "problem"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_make_no_boxes_are_refused_by_name(
    tmp_path: Path, table: str, problem: str
) -> None:
    """Key path, expected, found."""
    with pytest.raises(SuiteError) as caught:
        load(written(tmp_path, table))
    assert problem in caught.value.problems


SOUND = {
    "efficientdet": 'family = "efficientdet"\n[decode.efficientdet]\nanchor_scale = 5.0\n'
    "ratios = [1.0, 0.5, [1.4, 0.7]]",
    "ssd": 'family = "ssd"\n[decode.ssd]\nvariances = 0.1\n'.replace("variances = 0.1\n", "")
    + "[decode.ssd.priors]\nmaps = [[2, 2]]\nsizes = [[8, 16.5]]\nratios = [1, 0.5]",
}


@pytest.mark.parametrize("table", SOUND.values(), ids=SOUND)
def test_numbers_that_make_boxes_are_read(tmp_path: Path, table: str) -> None:
    """The healthy twins."""
    assert load(written(tmp_path, table)).name == "a"


def written(folder: Path, decode: str) -> Path:
    """A suite with this table, and a picture that is never opened."""
    return small_suite(
        folder,
        {"one": runtime("fake", "nets:one")},
        name="a",
        classes=["x"],
        images={"1.png": b""},
        size=(64, 64),
        decode=f"score_threshold = 0.5\n{decode}",
    )


def test_problems_of_a_table_and_of_decode_are_told_at_once(tmp_path: Path) -> None:
    """One look is enough to mend them all."""
    table = 'family = "yolox"\nnms_iou = 3\n[decode.yolox]\nstrides = [0]\nstirdes = [8]'
    with pytest.raises(SuiteError) as caught:
        load(written(tmp_path, table))
    assert caught.value.problems == (
        "decode.nms_iou: expected at most 1, found 3",
        "decode.yolox.stirdes: unknown key; expected one of activation, multi_label, strides, "
        "found 'stirdes'; did you mean 'strides'?",
        "decode.yolox.strides: expected strides of at least 1, found [0]",
    )


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Every time that all families were asked what heads look like."""
    asked: list[tuple[Any, ...]] = []
    every = likely.families.every

    def counted() -> tuple[Family, ...]:
        asked.append(())
        return every()

    monkeypatch.setattr(likely.families, "every", counted)
    return asked


def test_images_that_pass_are_not_compared_with_every_family(
    ranked: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    """Nothing is to be said of them; heads that do not fit are looked at, the planted twin."""
    pytest.importorskip("onnxruntime")
    suite = load(ROOT / "golden" / "parts_ssd")
    assert check(suite, runtimes=("onnx",)).runtimes[-1].verdict == "pass"
    assert ranked == []
    declared = Decode(family="yolov8", score_threshold=0.5)
    heads = HEADS["yolov5"][0]()
    assert doubts(heads, {"predictions": heads["output0"]}, declared, (320, 320))
    assert len(ranked) == 1


def test_the_declared_family_answers_for_itself_where_much_speaks_for_it(
    ranked: list[tuple[Any, ...]],
) -> None:
    """Then no other can be so much likelier; where little does, all are asked."""
    heads = {name: np.array(head) for name, head in HEADS["yolov8"][0]().items()}
    bound = {"predictions": heads["output0"]}
    assert doubts(heads, bound, Decode(family="yolov8", score_threshold=0.5), (320, 320)) == ()
    assert ranked == []
