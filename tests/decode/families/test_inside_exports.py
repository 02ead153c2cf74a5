"""Networks with NMS inside, as they are exported: native and export agree, a misreading never does.

The second runtime of the Object Detection API's model is ONNX by tf2onnx (TFLite has no
CombinedNonMaxSuppression of its own).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import inside_models as models
import numpy as np
import pytest

from parity.harness import check, record
from parity.suite import load

pytest.importorskip("onnxruntime")

OD_API = """
family = "tf-od-api"
score_threshold = 0.5
score_floor = 0.3
"""
OD_RUNTIMES = """
[runtimes.saved]
kind = "savedmodel"
model = "od_api"
[runtimes.onnx]
kind = "onnxruntime"
model = "od_api.onnx"
"""
SSD = """
family = "ssd"
score_threshold = 0.5
score_floor = 0.3
nms_iou = 0.5
max_detections = 60
[decode.ssd]
priors = "priors.npy"
box_format = "cycxhw"
"""
SSD_RUNTIMES = """
[runtimes.raw]
kind = "savedmodel"
model = "raw"
[runtimes.phone]
kind = "tflite"
model = "postprocess.tflite"
decode = {{ family = "tflite-postprocess"{more} }}
"""
TORCH = """
family = "{family}"
score_threshold = 0.5
score_floor = 0.3
"""
TORCH_RUNTIMES = """
[runtimes.torch]
kind = "torch"
model = "net:{name}"
weights = "net.pth"
layout = "NCHW"
[runtimes.onnx]
kind = "onnxruntime"
model = "{file}.onnx"
"""
UNIT = "range = [0, 1]"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every model, once, with three images."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf2onnx")
    pytest.importorskip("torch")
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("inside")
    models.write_images(folder)
    models.od_api_to_onnx(models.save_od_api(folder), folder / "od_api.onnx")
    models.save_tflite(folder, models.save_raw(folder))
    models.save_torch(folder)
    models.torch_to_onnx(folder, "Flat", ["boxes", "scores", "labels"])
    models.torch_to_onnx(folder, "Turned", ["boxes", "scores", "labels"])
    models.torch_to_onnx(folder, "Rows", ["output0"])
    models.torch_to_onnx(folder, "Found", ["output"])
    models.torch_to_onnx(folder, "Filled", ["detections"])
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A private copy."""
    return Path(shutil.copytree(built, tmp_path / "suite"))


def counts(folder: Path, name: str) -> list[tuple[int, int]]:
    record = models.judged(folder, name)
    assert record.verdict == "pass", models.problem(record)
    return [models.deployed(image) for image in record.images]


# ------------------------------------------------------------------------------------ agreement


def test_the_object_detection_api_agrees_with_its_onnx_export(folder: Path) -> None:
    """A dictionary with more outputs than needed; bytes in; 1-based classes."""
    models.write_suite(folder, "saved", OD_API, OD_RUNTIMES)
    found = counts(folder, "onnx")
    assert sum(ours for ours, _ in found) > 10
    assert all(ours == theirs for ours, theirs in found)


def test_an_image_without_detections_on_either_side_agrees_and_is_counted(folder: Path) -> None:
    """Its record says nought and nought."""
    models.write_suite(folder, "saved", OD_API, OD_RUNTIMES)
    assert counts(folder, "onnx")[2] == (0, 0)


def test_a_suite_without_any_detection_fails(folder: Path) -> None:
    """Nothing was compared."""
    for path in sorted((folder / "images").glob("*.png"))[:2]:
        path.unlink()
    models.write_suite(folder, "saved", OD_API, OD_RUNTIMES)
    record = models.judged(folder, "onnx")
    assert record.verdict == "fail"
    assert record.budget is not None
    assert [one.code for one in record.budget.findings] == ["nothing-detected"]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_nms_outside_agrees_with_nms_inside_a_tflite_file(
    folder: Path, order: tuple[int, ...]
) -> None:
    """Raw SSD heads against the op of the same network, whatever the model's order of outputs."""
    models.save_tflite(folder, models.save_raw(folder), order)
    models.write_suite(folder, "raw", SSD, SSD_RUNTIMES.format(more=""), UNIT)
    found = counts(folder, "phone")
    assert sum(ours for ours, _ in found) > 10
    assert all(ours == theirs for ours, theirs in found)


def test_tflites_fast_nms_agrees_and_what_it_left_behind_is_not_seen(folder: Path) -> None:
    """Behind its count stand rows of the image before; NMS over all classes, each box its best."""
    raw = models.save_raw(folder)
    models.save_tflite(folder, raw, use_regular_nms=False)
    settings = SSD.replace("nms_iou = 0.5", 'nms_iou = 0.5\nnms = "agnostic"')
    models.write_suite(folder, "raw", settings, SSD_RUNTIMES.format(more=""), UNIT)
    found = counts(folder, "phone")
    assert found[0][1] > 3
    assert found[2] == (0, 0)


@pytest.mark.parametrize(
    ("family", "name", "file"),
    [("torchvision", "Listed", "Flat"), ("yolo-end2end", "Rows", "Rows")],
)
def test_a_torch_detector_agrees_with_its_onnx_export(
    folder: Path, family: str, name: str, file: str
) -> None:
    """A list of dictionaries of any length against flat outputs; rows filled up with zeros."""
    runtimes = TORCH_RUNTIMES.format(name=name, file=file)
    models.write_suite(folder, "torch", TORCH.format(family=family), runtimes, UNIT)
    found = counts(folder, "onnx")
    assert sum(ours for ours, _ in found) > 10
    assert all(ours == theirs for ours, theirs in found)


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("Found", 'columns = ["image", "x1", "y1", "x2", "y2", "class", "score"]'),
        (
            "Filled",
            'columns = ["image", "y1", "x1", "y2", "x2", "score", "class"], first_class = 1',
        ),
    ],
)
def test_rows_of_seven_agree_with_rows_of_six(folder: Path, file: str, columns: str) -> None:
    """YOLOv7's and EfficientDet's against those of YOLOv10, one network behind all of them."""
    runtimes = TORCH_RUNTIMES.format(name="Rows", file=file)
    runtimes += f"decode = {{ yolo-end2end = {{ {columns} }} }}\n"
    models.write_suite(folder, "torch", TORCH.format(family="yolo-end2end"), runtimes, UNIT)
    found = counts(folder, "onnx")
    assert sum(ours for ours, _ in found) > 10
    assert all(ours == theirs for ours, theirs in found)


def test_a_golden_holds_what_counts_and_stands_in_for_the_network(folder: Path) -> None:
    """Recorded without the padding, and judged by as the network itself would be."""
    models.write_suite(folder, "saved", OD_API, OD_RUNTIMES)
    record(load(folder))
    (found,) = check(folder, ("onnx",), reference="golden").runtimes
    assert (found.verdict, found.against) == ("pass", "golden")
    with np.load(folder / "golden" / "images__2.png.npz") as file:
        assert file["head:boxes"].shape[1] == int(file["head:count"][0]) < models.MOST


def test_another_box_is_found(folder: Path) -> None:
    """One weight changed by a little, and nothing of the padding is in the way."""
    import torch

    state = torch.load(folder / "net.pth", weights_only=True)
    state["boxes.weight"][2] += 0.5
    torch.save(state, folder / "net.pth")
    runtimes = TORCH_RUNTIMES.format(name="Listed", file="Flat")
    models.write_suite(folder, "torch", TORCH.format(family="torchvision"), runtimes, UNIT)
    assert models.judged(folder, "onnx").verdict == "fail"


def test_nan_behind_the_count_is_no_alarm_and_before_it_is_one(folder: Path) -> None:
    """Fast NMS leaves rows beyond its count as they were."""
    from parity.decode import trimmed
    from parity.decode.settings import Decode

    settings = Decode(family="tflite-postprocess", score_threshold=0.5)
    heads = {
        "boxes": np.full((1, 3, 4), np.nan, np.float32),
        "classes": np.zeros((1, 3), np.float32),
        "scores": np.full((1, 3), np.nan, np.float32),
        "count": np.array([1], np.float32),
    }
    left = trimmed(heads, settings)
    assert (left["boxes"].shape, left["scores"].shape) == ((1, 1, 4), (1, 1))
    assert np.isnan(left["boxes"]).all()


# ----------------------------------------------------------------------------------- misreadings


def test_the_wrong_offset_of_classes_is_named(folder: Path) -> None:
    """0-based where the Object Detection API starts at 1."""
    models.write_suite(
        folder, "saved", f"{OD_API}[decode.tf-od-api]\nfirst_class = 0\n", OD_RUNTIMES
    )
    assert models.problem(models.judged(folder, "onnx")) == (
        "onnx: not judged, because its reference failed: saved: classes: expected ids 0..2, as "
        "first_class = 0 and there are 3 classes, found 1, 2, 3; say first_class = 1"
    )


def test_boxes_in_pixels_are_not_taken_for_relative_ones(folder: Path) -> None:
    """They would all lie within a pixel, and agree."""
    models.write_suite(
        folder, "saved", f"{OD_API}[decode.tf-od-api]\nnormalized = false\n", OD_RUNTIMES
    )
    message = models.problem(models.judged(folder, "onnx"))
    assert "boxes: expected pixels of the input, 96 x 64, found " in message
    assert "within the first pixel, up to 1." in message
    assert "; are they relative, 0..1? say normalized = true" in message


def test_the_wrong_order_of_coordinates_is_named(folder: Path) -> None:
    """y before x in the export alone: the verdict fails, and a hint says why."""
    runtimes = TORCH_RUNTIMES.format(name="Listed", file="Turned")
    models.write_suite(folder, "torch", TORCH.format(family="torchvision"), runtimes, UNIT)
    record = models.judged(folder, "onnx")
    assert record.verdict == "fail"
    assert "with x and y of its boxes swapped: then the 2 worst images agree" in record.hints


def test_a_class_too_few_in_the_suite_is_named(folder: Path) -> None:
    """Ids beyond the list are never dropped."""
    models.write_suite(folder, "saved", OD_API, OD_RUNTIMES, classes=2)
    assert models.problem(models.judged(folder, "onnx")).endswith(
        "classes: expected ids 1..2, as first_class = 1 and there are 2 classes, found 1, 2, 3; "
        "does the suite list every class?"
    )


def test_scores_and_classes_the_other_way_round_are_named(folder: Path) -> None:
    """Declared wrongly: what the artifact shows is overruled, but not believed."""
    runtimes = SSD_RUNTIMES.format(more="") + "outputs = { scores = 1, classes = 2 }\n"
    models.save_tflite(folder, models.save_raw(folder), (0, 1, 2, 3))
    models.write_suite(folder, "raw", SSD, runtimes, UNIT)
    message = models.problem(models.judged(folder, "phone"))
    assert "scores" in message
    assert message.endswith(
        ("is the head of scores bound to classes?", "scores and classes the other way round?")
    )


def test_rows_read_as_another_family_are_told_what_is_expected(folder: Path) -> None:
    """Every output with its shape, every head with what it needs."""
    runtimes = TORCH_RUNTIMES.format(name="Rows", file="Rows")
    models.write_suite(folder, "torch", TORCH.format(family="torchvision"), runtimes, UNIT)
    message = models.problem(models.judged(folder, "onnx"))
    assert "expected 3 outputs (boxes, labels, scores), found 1" in message
    assert "(1, 300, 6)" in message


def test_heads_with_nms_outside_do_not_pass_for_detections(folder: Path) -> None:
    """The raw network decoded as the Object Detection API."""
    models.write_suite(folder, "raw", OD_API, SSD_RUNTIMES.format(more=""), UNIT)
    message = models.problem(models.judged(folder, "phone"))
    assert "expected 4 outputs (boxes, scores, classes, count), found 2" in message


def test_another_limit_of_nms_is_a_disagreement(folder: Path) -> None:
    """What the op keeps at 0.5, NMS at 0.1 removes."""
    settings = SSD.replace("nms_iou = 0.5", "nms_iou = 0.1")
    models.write_suite(folder, "raw", settings, SSD_RUNTIMES.format(more=""), UNIT)
    record = models.judged(folder, "phone")
    assert record.verdict == "fail"
    assert any(row.kind == "extra" for one in record.images for row in one.agreement.rows)


def test_the_offset_of_classes_of_one_side_is_a_flip(folder: Path) -> None:
    """first_class = 1 of the op: ids 0 are outside of the list."""
    more = ", tflite-postprocess = { first_class = 1 }"
    models.write_suite(folder, "raw", SSD, SSD_RUNTIMES.format(more=more), UNIT)
    assert models.problem(models.judged(folder, "phone")).endswith("; say first_class = 0")
