"""SSD offsets against priors; a published detector decoded by itself and by us."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.boxes import iou
from parity.decode import DecodeError, bind, decode, grid, load_priors, roles, to_side
from parity.decode.families.ssd import Ssd
from parity.decode.heads.priors import PriorGrid
from parity.decode.settings import Decode
from parity.preprocess import prepare, read_image
from parity.suite.recipe import Recipe
from parity.tensors import arrange

PRIORS = np.array([[0.5, 0.5, 0.2, 0.4], [0.25, 0.75, 0.1, 0.1]])
SIZE = (100, 200)


def settings(**how: Any) -> Decode:
    return Decode(family="ssd", score_threshold=0.5, ssd=Ssd(priors="priors.npy", **how))


def run(offsets: Any, priors: np.ndarray = PRIORS, **how: Any) -> list[list[float]]:
    rows = np.array([offsets], dtype=np.float32)
    heads = {"boxes": rows, "scores": np.zeros((1, rows.shape[1], 2), dtype=np.float32)}
    found = np.asarray(decode(heads, settings(**how), 2, SIZE, priors).boxes)
    return found.tolist()


def test_no_offset_is_the_prior_itself() -> None:
    """In pixels of an input of 100 x 200."""
    np.testing.assert_allclose(run(np.zeros((2, 4))), [[80, 30, 120, 70], [40, 70, 60, 80]])


def test_offsets_move_and_scale_the_prior() -> None:
    """Centres by variance * size, sizes by exp(variance * offset)."""
    ((x1, y1, x2, y2),) = run([[1, -2, np.log(2) / 0.2, 0]], PRIORS[:1])
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((100 + 0.1 * 40, 50 - 0.2 * 40))
    assert (x2 - x1, y2 - y1) == pytest.approx((80, 40))


def test_offsets_can_stand_in_the_order_of_tensorflow() -> None:
    """cy, cx, h, w are the same offsets as cx, cy, w, h."""
    expected = run([[1, 2, 3, 4]], PRIORS[:1])
    assert run([[2, 1, 4, 3]], PRIORS[:1], box_format="cycxhw") == expected


def test_four_variances_are_in_the_order_of_the_offsets() -> None:
    """As 1/10, 1/10, 1/5, 1/5 of the TensorFlow detectors."""
    expected = run([[1, 2, 3, 4]], PRIORS[:1], variances=(0.1, 0.2, 0.3, 0.4))
    swapped = run([[2, 1, 4, 3]], PRIORS[:1], variances=(0.2, 0.1, 0.4, 0.3), box_format="cycxhw")
    assert swapped == expected
    assert run([[1, 2, 3, 4]], PRIORS[:1], variances=(0.1, 0.1, 0.2, 0.2)) == run(
        [[1, 2, 3, 4]], PRIORS[:1]
    )


def test_the_number_of_priors_must_be_the_number_of_boxes() -> None:
    """Nothing is broadcast or cut off."""
    with pytest.raises(DecodeError) as caught:
        run(np.zeros((3, 4)))
    assert str(caught.value) == (
        "boxes: expected shape (1, 2, 4) as there are 2 priors, found (1, 3, 4)"
    )


@pytest.mark.filterwarnings("error")
def test_a_wild_offset_is_an_infinite_box_without_a_warning() -> None:
    """It is an error only where its score is above the floor."""
    assert np.isinf(run([[0, 0, 1e5, 0], [0, 0, 0, 0]])[0]).any()


def test_an_ssd_without_priors_is_a_programming_error() -> None:
    """The caller loads them."""
    with pytest.raises(ValueError) as caught:
        roles(settings(), 2)
    assert str(caught.value) == "expected the priors of an ssd, found nothing"


def test_the_roles_know_the_number_of_priors() -> None:
    """So the message says it."""
    boxes, scores = roles(settings(background=0), 2, PRIORS)
    assert boxes.needs == "(1, 2, 4)"
    assert scores.needs == "(1, 2, 3), one column for each of 2 classes and the background"


# ---------------------------------------------------------------------------- a published detector

RULE = PriorGrid(
    maps=((30, 40), (15, 20), (8, 10), (4, 5)),
    sizes=((10.0, 16.0, 24.0), (32.0, 48.0), (64.0, 96.0), (128.0, 192.0, 256.0)),
    clip=True,
)
RAW = Decode(family="ssd", score_threshold=0.7, nms_iou=0.3, ssd=Ssd(priors=RULE, background=0))
DECODED = Decode.model_validate(
    {
        "family": "boxes-scores",
        "score_threshold": 0.7,
        "nms_iou": 0.3,
        "boxes-scores": {"box_format": "xyxy", "normalized": True, "background": 0},
    }
)
RECIPE = Recipe(size=(240, 320), mean=(127.0,), std=(128.0,))


@pytest.fixture(scope="module")
def zoo() -> Path:
    """The folder of published detectors, where it was fetched."""
    if "PARITY_ZOO" not in os.environ:
        pytest.skip("PARITY_ZOO is not set: no published detectors to compare with")
    return Path(os.environ["PARITY_ZOO"]) / "ultralight"


def _heads(session: Any, feeds: dict[str, np.ndarray], how: Decode) -> dict[str, np.ndarray]:
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, feeds), strict=True))
    needed = roles(how, 1, grid(RULE, RECIPE.size or (0, 0)))
    shapes = [(name, value.shape) for name, value in outputs.items()]
    return {role: outputs[name] for role, name in bind(shapes, {}, needed).items()}


def test_our_decoding_of_a_published_detector_is_its_own(zoo: Path) -> None:
    """The offsets of its raw file, decoded here, are the boxes of its decoded file, to 1e-5."""
    onnxruntime = pytest.importorskip("onnxruntime")
    from parity.runtimes.contract import TensorSpec

    priors = load_priors(RULE, Path(), (240, 320))
    sessions = [
        onnxruntime.InferenceSession(str(zoo / name), providers=["CPUExecutionProvider"])
        for name in ("rfb320_raw.onnx", "rfb320.onnx")
    ]
    images = sorted((zoo / "images").iterdir())
    found_faces = 0
    for path in images:
        prepared = prepare(read_image(path), RECIPE)
        sides = []
        candidates = []
        for session, how in zip(sessions, (RAW, DECODED), strict=True):
            (given,) = session.get_inputs()
            spec = TensorSpec(given.name, tuple(given.shape), "float32")
            heads = _heads(session, {given.name: arrange(prepared.canvas, spec).array}, how)
            candidates.append(decode(heads, how, 1, prepared.size, priors))
            sides.append(to_side(candidates[-1], how, 0.7, prepared.placement))
        raw, own = candidates
        scale = np.array([320, 240, 320, 240])
        np.testing.assert_allclose(raw.boxes / scale, own.boxes / scale, atol=1e-5)
        np.testing.assert_allclose(raw.scores, own.scores, atol=1e-5)
        assert len(sides[0].seen) == len(sides[1].seen)
        assert (np.diagonal(iou(sides[0].seen.boxes, sides[1].seen.boxes)) > 0.9999).all()
        found_faces += len(sides[0].seen)
    assert found_faces >= len(images)
