"""NanoDet: heads against a computation cell by cell, in plain Python; and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.boxes import Placement
from parity.decode import (
    BindingError,
    Candidates,
    DecodeError,
    Proposals,
    bind,
    decode,
    leading,
    likely,
    roles,
    to_side,
)
from parity.decode.families.nanodet import NanoDet
from parity.decode.settings import Decode

CLASSES = 3
SIZE = (70, 100)  # of which no stride is a divisor of both
Heads = dict[str, np.ndarray]


def settings(**how: Any) -> Decode:
    return Decode(family="nanodet", score_threshold=0.5, nanodet=NanoDet(**how))


def levels(strides: tuple[int, ...] = (8, 16, 32), reg_max: int = 7, seed: int = 0) -> Heads:
    """A pair of heads for each stride, as its exports have them: scores activated, bins not."""
    random, found = np.random.default_rng(seed), {}
    for stride in strides:
        cells = math.ceil(SIZE[0] / stride) * math.ceil(SIZE[1] / stride)
        scores = random.beta(0.4, 3, (1, cells, CLASSES))
        found[f"class_{stride}"] = scores.astype(np.float32)
        bins = random.normal(0, 2, (1, cells, 4 * (reg_max + 1)))
        found[f"box_{stride}"] = bins.astype(np.float32)
    return found


def joined(heads: Heads) -> Heads:
    """The same cells in one head: scores before bins, stride after stride."""
    strides = [name.partition("_")[2] for name in heads if name.startswith("class_")]
    parts = [np.concatenate([heads[f"class_{s}"], heads[f"box_{s}"]], axis=2) for s in strides]
    return {"predictions": np.concatenate(parts, axis=1)}


def by_hand(heads: Heads, strides: tuple[int, ...], offset: float, reg_max: int = 7) -> np.ndarray:
    """The boxes, one number after another."""
    boxes = []
    for stride in strides:
        rows, columns = math.ceil(SIZE[0] / stride), math.ceil(SIZE[1] / stride)
        for cell in range(rows * columns):
            x = (cell % columns + offset) * stride
            y = (cell // columns + offset) * stride
            edges = []
            for edge in range(4):
                first = edge * (reg_max + 1)
                bins = heads[f"box_{stride}"][0, cell, first : first + reg_max + 1]
                powers = [math.exp(float(one)) for one in bins]
                mean = sum(at * power for at, power in enumerate(powers)) / sum(powers)
                edges.append(mean * stride)
            left, top, right, bottom = edges
            boxes.append([x - left, y - top, x + right, y + bottom])
    return np.array(boxes)


def found(heads: Heads, /, **how: Any) -> Candidates | Proposals:
    return decode(heads, settings(**how), CLASSES, SIZE)


@pytest.mark.parametrize(
    ("strides", "reg_max"), [((8, 16, 32), 7), ((8, 16, 32, 64), 7), ((16, 8), 16)]
)
def test_levels_are_read_from_the_middle_of_their_cells(
    strides: tuple[int, ...], reg_max: int
) -> None:
    """As of NanoDet: the mean of each distribution, times the stride."""
    heads = levels(strides, reg_max)
    candidates = found(heads, strides=strides, reg_max=reg_max)
    assert isinstance(candidates, Candidates)
    np.testing.assert_allclose(candidates.boxes, by_hand(heads, strides, 0.5, reg_max), atol=1e-9)
    scores = np.concatenate([heads[f"class_{stride}"][0] for stride in strides])
    np.testing.assert_array_equal(candidates.scores, scores.astype(np.float64))


def test_a_joined_head_is_read_from_the_corner_of_its_cells() -> None:
    """As of NanoDet-Plus: half a stride up and to the left of NanoDet's."""
    strides = (8, 16, 32, 64)
    heads = levels(strides)
    candidates = found(joined(heads), heads="joined", strides=strides)
    np.testing.assert_allclose(candidates.boxes, by_hand(heads, strides, 0.0), atol=1e-9)


def test_points_can_be_said() -> None:
    """A joined export of NanoDet, and levels of NanoDet-Plus."""
    strides = (8, 16, 32)
    heads = levels(strides)
    middle = found(joined(heads), heads="joined", points="middle")
    corner = found(heads, points="corner")
    np.testing.assert_allclose(middle.boxes, by_hand(heads, strides, 0.5), atol=1e-9)
    np.testing.assert_allclose(corner.boxes, by_hand(heads, strides, 0.0), atol=1e-9)


def test_logits_and_distributions_are_read_where_they_are_declared() -> None:
    """A head before its sigmoid, and one behind its softmax, give the same candidates."""
    heads = levels()
    plain = found(heads)
    changed = {}
    for name, head in heads.items():
        values = head.astype(np.float64)
        if name.startswith("class_"):
            changed[name] = np.log(values / (1 - values))
        else:
            powers = np.exp(values.reshape(1, -1, 4, 8))
            changed[name] = (powers / powers.sum(axis=3, keepdims=True)).reshape(head.shape)
    other = found(changed, activation="sigmoid", bins="none")
    np.testing.assert_allclose(other.boxes, plain.boxes, atol=1e-9)
    np.testing.assert_allclose(other.scores, plain.scores, atol=1e-9)


def test_one_class_a_box_where_the_deployment_keeps_the_best() -> None:
    """Predictors on phones do."""
    heads = levels()
    best = found(heads, multi_label=False)
    assert isinstance(best, Proposals)
    scores = np.concatenate([heads[f"class_{stride}"][0] for stride in (8, 16, 32)])
    np.testing.assert_array_equal(best.classes, scores.argmax(axis=1))


def test_detections_of_both_ways_are_the_same() -> None:
    """NMS for each class, at most 100."""
    heads = levels()
    sides = [
        to_side(found(one, **how), settings(**how), 0.3, Placement())
        for one, how in (
            (heads, {"points": "corner"}),
            (joined(heads), {"heads": "joined"}),
        )
    ]
    assert len(sides[0].seen) > 5
    np.testing.assert_array_equal(sides[0].seen.boxes, sides[1].seen.boxes)
    assert settings().nms_label == "class at IoU 0.45, at most 100"


REFUSED = {
    "scores that are logits": (
        {"class_8": lambda head: head * 12 - 6},
        {},
        "scores: expected scores within 0..1 with activation = 'none', found ",
    ),
    "scores that are no logits": (
        {},
        {"activation": "sigmoid"},
        "scores: expected logits with activation = 'sigmoid', found ",
    ),
    "another number of bins": (
        {},
        {"reg_max": 16},
        "box_8: expected shape (1, 117, 68), one row for each cell of strides 8 on an input of "
        "70x100 (h x w), found (1, 117, 32); see strides, reg_max and the classes",
    ),
    "another stride": (
        {"class_8": lambda head: head[:, :100]},
        {},
        "class_8: expected shape (1, 117, 3), one row for each cell of strides 8 on an input of "
        "70x100 (h x w), found (1, 100, 3); see strides, reg_max and the classes",
    ),
    "logits declared to be distributions": (
        {},
        {"bins": "none"},
        "bins: expected distributions with bins = 'none', found ",
    ),
}


@pytest.mark.parametrize(("spoil", "how", "problem"), REFUSED.values(), ids=REFUSED)
def test_heads_of_another_unit_are_refused(spoil: Any, how: Any, problem: str) -> None:
    """With what they probably are; the healthy twins are above."""
    heads = levels()
    heads |= {name: change(heads[name]) for name, change in spoil.items()}
    with pytest.raises(DecodeError) as caught:
        found(heads, **how)
    assert str(caught.value).startswith(problem)


def test_distributions_declared_to_be_logits_are_refused() -> None:
    """Read as logits all boxes would be of one size, on both sides."""
    heads = levels()
    for name in [name for name in heads if name.startswith("box_")]:
        powers = np.exp(heads[name].astype(np.float64).reshape(1, -1, 4, 8))
        heads[name] = (powers / powers.sum(axis=3, keepdims=True)).reshape(heads[name].shape)
    with pytest.raises(DecodeError) as caught:
        found(heads)
    assert str(caught.value).endswith("softmax applied already? say bins = 'none'")


def test_names_and_shapes_bind_levels() -> None:
    """By the names of its exports where there are as many classes as bins."""
    outputs = [
        (f"{kind}_pred_stride_{stride}", (1, rows, 32))
        for kind in ("dis", "cls")
        for stride, rows in ((8, 117), (16, 35), (32, 12))
    ]
    bound = bind(outputs, {}, roles(settings(), 32, size=SIZE))
    assert bound == {
        f"{role}_{stride}": f"{kind}_pred_stride_{stride}"
        for role, kind in (("class", "cls"), ("box", "dis"))
        for stride in (8, 16, 32)
    }
    with pytest.raises(BindingError):
        bind([(str(at), shape) for at, (_, shape) in enumerate(outputs)], {}, roles(settings(), 32))


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_its_heads_are_recognised(classes: int | None) -> None:
    """In both ways, with the keys that they show."""
    for heads, table in (
        (levels(), {"reg_max": 7, "activation": "none", "strides": [8, 16, 32]}),
        (joined(levels()), {"heads": "joined", "reg_max": 7, "strides": [8, 16, 32]}),
    ):
        named = {f"output{at}": head for at, head in enumerate(heads.values())}
        first = leading(likely(named, classes, SIZE))
        assert first is not None
        assert (first.family, first.classes, dict(first.table)) == ("nanodet", CLASSES, table)
        how = settings(**table)
        assert found({role: named[name] for role, name in first.outputs.items()}, **table)
        assert how.own == NanoDet(**table)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({"strides": (8, 8)}, "expected numbers of at least 1, each once, found [8, 8]"),
        ({"strides": (0, 8)}, "expected numbers of at least 1, each once, found [0, 8]"),
        ({"reg_max": 0}, "greater than or equal to 1"),
    ],
)
def test_keys_that_make_no_sense_are_refused(key: dict[str, Any], problem: str) -> None:
    """By name."""
    with pytest.raises(ValueError) as caught:
        NanoDet(**key)
    assert problem in str(caught.value)


def test_a_wrong_number_of_classes_is_told_as_such(tmp_path: Path) -> None:
    """The outputs have room for those that they have."""
    from parity.errors import HeadsError
    from parity.pipeline import decoder
    from parity.suite import load

    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "parity.toml").write_text(
        '[detector]\nname = "a"\nreference = "r"\nimages = ["1.png"]\nclasses = ["x", "y"]\n'
        "[preprocess]\nsize = [70, 100]\n"
        '[decode]\nfamily = "nanodet"\nscore_threshold = 0.5\nnanodet = { heads = "joined" }\n'
        '[runtimes.r]\nkind = "fake"\nmodel = "a:b"\n'
    )
    suite = load(tmp_path)
    with pytest.raises(HeadsError) as caught:
        decoder(suite, suite.runtimes["r"]).bind(joined(levels()))
    assert "as nanodet the outputs have room for 3, the suite lists 2 classes" in str(caught.value)
