"""Every model at hand, looked at as `parity init` does: how often the right family comes first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import family_nets
import pytest

from parity.pipeline import decoder as decoder_of
from parity.preprocess import read_image
from parity.proposing import Asked, Model, look, propose, synthetic
from parity.proposing.decoding import Reading, read
from parity.suite import load

SIZES = ((64, 96), (240, 320), (320, 320))  # as a file beside it would have declared
GOAL = 0.9


@dataclass(frozen=True)
class Try:
    """One file, its true family, and what was read of it with and without its classes known."""

    path: Path
    family: str
    classes: int
    model: Model
    alone: Reading
    told: Reading

    def __str__(self) -> str:
        name = f"{self.path.parent.name}/{self.path.name}"
        first = f"{self.alone.family}{'' if self.alone.sure else ' (not sure)'}"
        return f"{name:40} {self.family:20} {first:32} {self.told.family}"


def _models(folder: Path) -> Iterator[tuple[Path, str, int, Path | None]]:
    """File, family, number of classes, an image to run."""
    yield from ((path, family, 5, None) for path, family in family_nets.bundled())
    yield from ((path, family, 1, None) for path, family in family_nets.published())
    (inside := folder / "inside").mkdir()
    for path, family in family_nets.nms_inside(inside):
        yield path, family, 3, inside / "images" / "0.png"
    builders = [
        (name, lambda at, name=name: family_nets.nms_outside(at, name))
        for name in family_nets.OUTSIDE
    ]
    builders += [("efficientdet", family_nets.efficientdet), ("nanodet", family_nets.nanodet)]
    builders += [
        (f"keras_{family}", lambda at, family=family: family_nets.keras(at, family))
        for family in ("yolov5", "yolov8")
    ]
    for name, build in builders:
        for path, family in build(folder / name):
            yield path, family, 2, folder / name / "images" / "0.png"


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> list[Try]:
    """All of them; builds what is not at hand."""
    for library in ("torch", "tensorflow", "keras", "tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(library)
    found = []
    for path, family, classes, image in _models(tmp_path_factory.mktemp("nets")):
        model = look(path, synthetic() if image is None else read_image(image), SIZES)
        assert isinstance(model, Model), model
        alone, told = read(model, None), read(model, classes)
        found.append(Try(path, family, classes, model, alone, told))
    print("", f"{'model':40} {'family':20} {'ranked first':32} with its classes", sep="\n")  # noqa: T201
    print(*found, sep="\n")  # noqa: T201
    return found


def test_the_right_family_comes_first_in_nine_of_ten(tries: list[Try]) -> None:
    """From the file alone, without its classes."""
    hits = [one for one in tries if one.alone.family == one.family]
    missed = "\n".join(str(one) for one in tries if one not in hits)
    assert len(tries) >= 30
    assert len(hits) >= GOAL * len(tries), f"{len(hits)} of {len(tries)}; missed:\n{missed}"


def test_with_the_classes_known_it_always_comes_first(tries: list[Try]) -> None:
    """``--classes``, or a suite that lists them."""
    assert [str(one) for one in tries if one.told.family != one.family] == []


def test_what_is_told_as_sure_is_right(tries: list[Try]) -> None:
    """A wrong family is only ever proposed as one to be checked."""
    wrong = [one for one in tries if one.alone.sure and one.alone.family != one.family]
    wrong += [one for one in tries if one.told.sure and one.told.family != one.family]
    assert [str(one) for one in wrong] == []


def test_every_family_is_among_the_models(tries: list[Try]) -> None:
    """The count is of no few families only; detections that a program wrote are of no model."""
    from parity.decode.families import built_in

    assert {one.family for one in tries} == set(built_in()) - {"detections"}


def test_every_proposal_loads_and_its_heads_bind(tries: list[Try], tmp_path: Path) -> None:
    """As it stands, but for priors that only the user has."""
    (tmp_path / "1.png").write_bytes(b"")
    for number, one in enumerate(tries):
        names = tmp_path / f"{number}.txt"
        names.write_text("".join(f"c{index}\n" for index in range(one.classes)))
        asked = Asked(tmp_path, "a picture", "1.png", names.name, one.classes)
        proposal = propose([one.model], asked)
        path = tmp_path / f"{number}.toml"
        path.write_text(proposal.text)
        suite = load(path)
        runtime = suite.runtimes[suite.reference]
        assert (runtime.decode.family, runtime.table.kind) == (one.family, one.model.kind)
        if proposal.todos == 0:
            heads = one.model.heads
            assert set(decoder_of(suite, runtime).bind(heads).values()) <= set(heads)
        else:
            assert [line for line in proposal.text.splitlines()[4:] if "TODO" in line] == [
                line for line in proposal.text.splitlines() if line.startswith("priors = ")
            ]


def test_most_are_told_as_sure(tries: list[Try]) -> None:
    """Right ones: to doubt everything would be of no use, and a wrong one is to be doubted."""
    right = [one for one in tries if one.alone.family == one.family]
    assert sum(one.alone.sure for one in right) >= 0.8 * len(right)
