"""The text of a proposal: what differs between models, what is in doubt, what comes from files."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_heads import (
    CLASSES,
    HEADS,
    SIZE,
    boxes_scores,
    detr,
    tf_od_api,
    yolov8,
    yolov8_normalized,
    yolov8_transposed,
)

from parity.proposing import Asked, Model, Refused, propose
from parity.proposing.metadata import Metadata
from parity.runtimes.contract import Quantization, TensorSpec
from parity.suite.model import SuiteFile

ASKED = Asked(Path("/s"), "a picture", images="images/*.jpg")


def model(heads: dict[str, np.ndarray], name: str = "net.onnx", **changes: object) -> Model:
    """An ONNX file that answered so."""
    made = Model(
        path=Path("/s") / name,
        form="onnx",
        kind="onnxruntime",
        input=TensorSpec("image", (1, 3, *SIZE), "float32"),
        size=SIZE,
        size_why="seen: the input is (1, 3, 320, 320)",
        layout="NCHW",
        layout_said=True,
        values=(0.0, 1.0),
        heads=heads,
        metadata=Metadata(),
        tolerance="float32",
        weights="the weights are float32",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def tables(*looked: Model | Refused, asked: Asked = ASKED) -> dict[str, object]:
    """The proposal, read as TOML and checked as a suite file."""
    data = tomllib.loads(propose(looked, asked).text)
    SuiteFile.model_validate(data)
    return data


MADE = [(family, maker) for family, makers in HEADS.items() for maker in makers]


@pytest.mark.parametrize(("family", "maker"), MADE, ids=[maker.__name__ for _, maker in MADE])
def test_the_proposal_for_every_family_is_a_suite(family: str, maker) -> None:
    """Its keys and values are those of the family's table."""
    assert tables(model(maker()))["decode"]["family"] == family  # type: ignore[index]


def test_names_in_the_metadata_are_the_classes() -> None:
    """And their number tells families apart that shapes cannot."""
    names = tuple(f"part {number}" for number in range(7))
    data = tables(model(yolov8_transposed(), metadata=Metadata(names)))
    assert data["detector"]["classes"] == list(names)  # type: ignore[index]
    assert (
        "# seen: the file's metadata"
        in propose([model(yolov8(), metadata=Metadata(names))], ASKED).text
    )


def test_what_is_not_clear_is_marked() -> None:
    """The family is proposed all the same, with those that it may be instead."""
    text = propose([model(yolov8_transposed())], ASKED).text
    (line,) = [line for line in text.splitlines() if line.startswith("family = ")]
    assert line.endswith("# TODO: check this, not enough speaks for it; what the heads look like")
    assert "# evidence 0..1: yolov8 0.70, then yolov5 0.65, yolox 0.40\n" in text


def test_heads_of_no_family_ask_for_a_function() -> None:
    """A suite all the same, with a line that only the user can complete."""
    text = propose([model({"features": np.zeros((1, 64))})], ASKED).text
    assert "# TODO: the heads look like no family that is known\n" in text
    assert tomllib.loads(text)["decode"]["function"] == "module:function"


def test_a_candidate_says_only_what_differs() -> None:
    """Boxes relative to the input in TFLite, in pixels in ONNX."""
    phone = model(yolov8_normalized(), "net.tflite", form="tflite", kind="tflite")
    data = tables(phone, model(yolov8()))
    assert data["detector"]["reference"] == "onnx"  # type: ignore[index]
    assert data["runtimes"]["tflite"]["decode"] == {"yolov8": {"normalized": True}}  # type: ignore[index]


def test_a_candidate_of_another_family_says_so_with_its_nms() -> None:
    """Raw heads beside a file with NMS inside."""
    inside = model(HEADS["yolo-end2end"][0](), "end.onnx")
    data = tables(model(yolov8()), inside)
    assert data["runtimes"]["onnx_2"]["decode"] == {  # type: ignore[index]
        "family": "yolo-end2end",
        "nms": "none",
        "yolo-end2end": {"normalized": False, "first_class": 0},
    }


def test_models_of_different_input_sizes_are_told_and_overridden() -> None:
    """In the header, and where it matters."""
    small = model(
        boxes_scores(), "small.onnx", size=(160, 160), size_why="seen: the input is small"
    )
    text = propose([model(boxes_scores()), small], ASKED).text
    assert (
        "# TODO: the models take inputs of different sizes: net.onnx 320 x 320, "
        "small.onnx 160 x 160\n"
    ) in text
    assert "[runtimes.onnx_2.preprocess]\nsize = [160, 160]" in text


@pytest.mark.parametrize(
    ("dtype", "quantization", "values", "expected"),
    [
        ("uint8", None, (0.0, 255.0), [0, 255]),
        ("uint8", Quantization((1 / 255,), (0,)), (0.0, 1.0), [0, 1]),
        ("int8", Quantization((1 / 127.5,), (0,)), (-128 / 127.5, 127 / 127.5), [-1, 1]),
    ],
)
def test_the_range_that_an_integer_input_stands_for_is_seen(
    dtype: str,
    quantization: Quantization | None,
    values: tuple[float, float],
    expected: list[int],
) -> None:
    """Not what is usual for the family."""
    spec = TensorSpec("image", (1, 3, *SIZE), dtype, quantization)
    data = tables(model(HEADS["ssd"][0](), input=spec, values=values))
    assert data["preprocess"]["range"] == expected  # type: ignore[index]


def test_a_model_that_takes_pixels_of_any_size_is_left_to_resize_them() -> None:
    """As those of the TF Object Detection API."""
    spec = TensorSpec("input_tensor", (1, None, None, 3), "uint8")
    heads = HEADS["tf-od-api"][0]()
    data = tables(model(heads, input=spec, layout="NHWC", values=(0.0, 255.0)))
    assert data["preprocess"] == {"resize": "none", "color": "RGB", "range": [0, 255]}


def test_a_candidate_of_fixed_size_beside_it_says_how_it_is_resized() -> None:
    """The reference's recipe has no size to give."""
    spec = TensorSpec("input_tensor", (1, None, None, 3), "uint8")
    heads = HEADS["tf-od-api"][0]()
    changes = {"form": "savedmodel", "kind": "savedmodel", "layout": "NHWC"}
    whole = model(heads, "saved", input=spec, values=(0.0, 255.0), **changes)
    runtimes = tables(whole, model(heads))["runtimes"]
    assert runtimes["onnx"]["preprocess"] == {"size": [320, 320], "resize": "stretch"}  # type: ignore[index]
    assert "preprocess" not in runtimes["savedmodel"]  # type: ignore[index]


def test_outputs_are_bound_where_shapes_leave_a_choice() -> None:
    """Scores and classes have one shape."""
    data = tables(model(HEADS["tflite-postprocess"][1]()))
    assert data["runtimes"]["onnx"]["outputs"] == {  # type: ignore[index]
        "boxes": "call:1",
        "scores": "call:2",
        "classes": "call:3",
        "count": "call:0",
    }


def test_a_layout_that_the_file_does_not_say_is_assumed() -> None:
    """And the comment says that it ran so."""
    script = model(boxes_scores(), "net.pt", form="torchscript", kind="torch", layout_said=False)
    text = propose([script], ASKED).text
    assert 'layout = "NCHW"' in text
    assert "# assumed: usual for torch, and it ran; the file does not say it\n" in text


def test_strings_from_files_stay_strings() -> None:
    """A name with quotes and line ends neither leaves its quotes nor its comment."""
    evil = 'x"\n[runtimes.evil]\nkind = "fake"\r\x7f'
    heads = {evil: boxes_scores()["scores"], "b": boxes_scores()["boxes"]}
    names = (evil, *(f"c{number}" for number in range(6)))
    data = tables(model(heads, metadata=Metadata(names)), Refused(Path("/s/a\nb"), evil))
    assert list(data["runtimes"]) == ["onnx"]  # type: ignore[call-overload]
    assert data["detector"]["classes"] == list(names)  # type: ignore[index]


def test_room_for_classes_that_hangs_on_the_family_is_told_for_each() -> None:
    """The last column is "no object", or a class."""
    (line,) = (
        one for one in propose([model(detr())], ASKED).text.splitlines() if "TODO: their" in one
    )
    assert line.endswith(
        f"# TODO: their names; seen: room for {CLASSES} if detr, for {CLASSES + 1} if rt-detr"
    )


@pytest.mark.parametrize(
    ("lowest", "line"),
    [
        (1, "first_class = 1                 # assumed: class 0 was not seen on this picture"),
        (0, "first_class = 0                 # seen: class 0"),
    ],
)
def test_the_first_class_is_seen_only_where_it_is_0(lowest: int, line: str) -> None:
    """One picture need not show every class."""
    heads = tf_od_api()
    ids = heads["detection_classes"]
    heads["detection_classes"] = ids - ids.min() + lowest
    lines = propose([model(heads)], ASKED).text.splitlines()
    assert line in lines
    assert ("# seen: the smallest class on this picture is 1" in lines) is (lowest == 1)
