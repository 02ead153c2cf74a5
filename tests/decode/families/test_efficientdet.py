"""EfficientDet's raw heads: anchors by rule, heads of every level, native against its export."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from textwrap import dedent
from typing import Any

import inside_models as models
import numpy as np
import pytest
from numpy.testing import assert_allclose

from parity.decode import BindingError, Candidates, DecodeError, bind, decode, roles
from parity.decode.families.efficientdet import EfficientDet, anchors
from parity.decode.settings import Decode

SIZE = (64, 96)
GRIDS = {3: (8, 12), 4: (4, 6), 5: (2, 3), 6: (1, 2), 7: (1, 1)}


def settings(**own: Any) -> Decode:
    return Decode.model_validate(
        {"family": "efficientdet", "score_threshold": 0.5, "efficientdet": own}
    )


def heads(classes: int = 2, layout: str = "NHWC") -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    found = {}
    for level, (rows, columns) in GRIDS.items():
        for kind, width in (("class", classes), ("box", 4)):
            head = random.normal(0, 0.5, (1, rows, columns, 9 * width)).astype(np.float32)
            turned = head.transpose(0, 3, 1, 2) if layout == "NCHW" else head
            found[f"{kind}_{level}"] = turned
    return found


def test_anchors_follow_the_published_rule() -> None:
    """Level by level, rows first, octaves outside, ratios inside: written out by hand."""
    wanted = []
    for rows, columns in GRIDS.values():
        stride_y, stride_x = 64 / rows, 96 / columns
        for y, x, octave, ratio in product(
            range(rows), range(columns), range(3), [(1, 1), (1.4, 0.7), (0.7, 1.4)]
        ):
            scale = 4 * 2 ** (octave / 3)
            wanted.append(
                [
                    (x + 0.5) * stride_x,
                    (y + 0.5) * stride_y,
                    scale * stride_x * ratio[0],
                    scale * stride_y * ratio[1],
                ]
            )
    how = EfficientDet(ratios=[[1, 1], [1.4, 0.7], [0.7, 1.4]])  # type: ignore[arg-type]
    assert_allclose(anchors(how, SIZE), wanted, rtol=1e-12)


def test_a_ratio_is_width_by_height_at_an_equal_area() -> None:
    """2 is sqrt(2) wide and 1 / sqrt(2) high."""
    how = EfficientDet(scales=1, ratios=[2.0], max_level=3)  # type: ignore[arg-type]
    assert_allclose(anchors(how, (8, 8)), [[4, 4, 32 * 2**0.5, 32 * 0.5**0.5]])


def test_maps_are_rounded_up_at_every_level() -> None:
    """A size that is no multiple of 128 has strides that are no powers of two."""
    how = EfficientDet(min_level=7, scales=1, ratios=[1.0])  # type: ignore[arg-type]
    assert_allclose(anchors(how, (130, 130)), [[x, y, 260, 260] for y, x in _four()])


def _four() -> list[tuple[float, float]]:
    return [(y, x) for y in (32.5, 97.5) for x in (32.5, 97.5)]


def test_offsets_are_ty_tx_th_tw_of_the_anchor() -> None:
    """Centre in parts of the anchor, logarithm of the ratio of sizes; scores by sigmoid."""
    how = settings(heads="joined", max_level=3, scales=1, ratios=[1.0])
    given = {
        "boxes": np.array([[[0.25, 0.5, 0, np.log(2)]]]),
        "scores": np.array([[[0.0, np.log(3)]]]),
    }
    found = decode(given, how, 2, (8, 8))
    assert isinstance(found, Candidates)
    assert_allclose(found.boxes, [[20 - 32, 12 - 16, 20 + 32, 12 + 16]])
    assert_allclose(found.scores, [[0.5, 0.75]])


def test_both_layouts_and_joined_heads_are_one() -> None:
    """The same network as Keras, as PyTorch and with its levels joined gives them."""
    levels = heads()
    joined = {
        role: np.concatenate([levels[f"{kind}_{one}"].reshape(1, -1, width) for one in GRIDS], 1)
        for role, kind, width in (("boxes", "box", 4), ("scores", "class", 2))
    }
    found = [
        decode(levels, settings(), 2, SIZE),
        decode(heads(layout="NCHW"), settings(layout="NCHW"), 2, SIZE),
        decode(joined, settings(heads="joined"), 2, SIZE),
    ]
    for one in found[1:]:
        assert_allclose(one.boxes, found[0].boxes)
        assert_allclose(one.scores, found[0].scores)


def test_ten_heads_are_bound_by_their_maps() -> None:
    """In any order, under any names."""
    given = heads()
    names = {name: f"Identity_{at}" for at, name in enumerate(reversed(given))}
    outputs = [(names[name], given[name].shape) for name in sorted(given, key=names.get)]
    assert bind(outputs, {}, roles(settings(), 2, None, SIZE)) == names


def test_levels_of_one_size_must_be_declared() -> None:
    """Two maps of one cell: which is which is not to be seen."""
    given = [(f"out_{at}", head.shape) for at, head in enumerate(_of((64, 64)).values())]
    with pytest.raises(BindingError) as caught:
        bind(given, {}, roles(settings(), 2, None, (64, 64)))
    assert str(caught.value).startswith("more than one output fits the shapes of the heads")


def _of(size: tuple[int, int]) -> dict[str, np.ndarray]:
    return {
        f"{kind}_{level}": np.zeros((1, *_cells(size, level), 9 * width))
        for level in GRIDS
        for kind, width in (("class", 2), ("box", 4))
    }


def _cells(size: tuple[int, int], level: int) -> tuple[int, int]:
    return -(-size[0] // 2**level), -(-size[1] // 2**level)


def test_another_number_of_anchors_is_named() -> None:
    """Joined heads of one level less."""
    how = settings(heads="joined")
    given = {"boxes": np.zeros((1, 1152, 4)), "scores": np.zeros((1, 1152, 2))}
    with pytest.raises(DecodeError) as caught:
        decode(given, how, 2, SIZE)
    assert str(caught.value) == (
        "boxes: expected shape (1, 1161, 4), as an input of 64 x 96 (height x width) has 1161 "
        "anchors, found (1, 1152, 4); see min_level, max_level, scales and ratios"
    )


def test_heads_of_another_layout_are_named() -> None:
    """NCHW read as NHWC."""
    with pytest.raises(DecodeError) as caught:
        decode(heads(layout="NCHW"), settings(), 2, SIZE)
    assert str(caught.value) == (
        "box_3: expected (1, 8, 12, 36) (as NHWC heads are read), found (1, 36, 8, 12); "
        "see layout, scales, ratios and the classes"
    )


NET = dedent(
    """
    import torch


    class Pyramid(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Conv2d(3, 8, 8, 8)
            self.down = torch.nn.Conv2d(8, 8, 3, 2, 1)
            self.classes = torch.nn.Conv2d(8, 18, 1)
            self.boxes = torch.nn.Conv2d(8, 36, 1)

        def levels(self, image):
            x = torch.relu(self.body(image))
            for level in range(3, 8):
                yield level, self.classes(x), self.boxes(x)
                x = torch.relu(self.down(x))

        def forward(self, image):
            found = {}
            for level, scores, boxes in self.levels(image):
                found[f"class_{level}"], found[f"box_{level}"] = scores, boxes
            return found


    class Last(Pyramid):
        def forward(self, image):
            every = [(scores, boxes) for _, scores, boxes in self.levels(image)]
            every = [scores for scores, _ in every] + [boxes for _, boxes in every]
            return tuple(head.permute(0, 2, 3, 1) for head in every)
    """
)
DECODE = """
family = "efficientdet"
score_threshold = 0.5
[decode.efficientdet]
layout = "NCHW"
anchor_scale = 1.0
"""
RUNTIMES = """
[runtimes.torch]
kind = "torch"
model = "net:Pyramid"
weights = "net.pth"
layout = "NCHW"
[runtimes.onnx]
kind = "onnxruntime"
model = "Last.onnx"
decode = {{ efficientdet = {{ layout = "NHWC"{more} }} }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PyTorch's channels-first heads, and ONNX with channels last under names that say nothing."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from parity.runtimes.shared.resolve import resolve

    folder = tmp_path_factory.mktemp("pyramid")
    models.write_images(folder)
    (folder / "net.py").write_text(NET)
    torch.manual_seed(0)
    module = resolve("net:Pyramid", str(folder))()
    torch.nn.init.normal_(module.classes.weight, std=2.0)
    torch.nn.init.constant_(module.classes.bias, -1.0)
    torch.save(module.state_dict(), folder / "net.pth")
    models.torch_to_onnx(folder, "Last", [f"out_{at}" for at in range(10)])
    return folder


def test_native_and_export_agree(folder: Path) -> None:
    """Ten heads in another order and layout."""
    models.write_suite(
        folder, "torch", DECODE, RUNTIMES.format(more=""), "range = [0, 1]", classes=2
    )
    record = models.judged(folder, "onnx")
    assert record.verdict == "pass", models.problem(record)
    assert sum(models.deployed(image)[0] for image in record.images) > 10


def test_another_order_of_ratios_fails(folder: Path) -> None:
    """Width and height of two anchors in three are exchanged."""
    runtimes = RUNTIMES.format(more=", ratios = [1.0, 0.5, 2.0]")
    models.write_suite(folder, "torch", DECODE, runtimes, "range = [0, 1]", classes=2)
    assert models.judged(folder, "onnx").verdict == "fail"
