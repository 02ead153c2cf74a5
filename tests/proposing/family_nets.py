"""A network of each family as a file, built with seeded weights; and those that are at hand."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import inside_models as inside
import outside_keras
import outside_models as outside

ROOT = Path(__file__).parents[2]
BUNDLED = {
    "parts_ssd": (
        "ssd",
        "detector.keras",
        "detector_savedmodel",
        "detector.tflite",
        "detector_float16.tflite",
        "detector_int8.tflite",
        "detector.onnx",
        "detector_torch.onnx",
        "detector.torchscript.pt",
    ),
    "parts_free": (
        "boxes-scores",
        "detector.onnx",
        "detector_int8.onnx",
        "detector.torchscript.pt",
        "detector.pt2",
    ),
}
OUTSIDE = {
    "YoloV5": "yolov5",
    "YoloV8": "yolov8",
    "Yolox": "yolox",
    "Detr": "detr",
    "RtDetr": "rt-detr",
    "CenterNet": "centernet",
}


def bundled() -> Iterator[tuple[Path, str]]:
    """The trained detectors of this project, each file with its family."""
    for folder, (family, *files) in BUNDLED.items():
        for name in files:
            yield ROOT / "golden" / folder / name, family


def published() -> Iterator[tuple[Path, str]]:
    """The face detector as its authors published it, where it is at hand."""
    folder = Path(os.environ.get("PARITY_ZOO", "nowhere")) / "ultralight"
    if folder.is_dir():
        yield folder / "rfb320.onnx", "boxes-scores"
        yield folder / "rfb320_raw.onnx", "ssd"
        yield folder / "rfb320_raw.tflite", "ssd"


def nms_inside(folder: Path) -> Iterator[tuple[Path, str]]:
    """Those that suppress by themselves, and the raw heads that they suppress."""
    inside.write_images(folder)
    inside.od_api_to_onnx(inside.save_od_api(folder), folder / "od_api.onnx")
    inside.save_tflite(folder, inside.save_raw(folder))
    inside.save_torch(folder)
    inside.torch_to_onnx(folder, "Flat", ["boxes", "scores", "labels"])
    inside.torch_to_onnx(folder, "Rows", ["output0"])
    yield folder / "od_api", "tf-od-api"
    yield folder / "od_api.onnx", "tf-od-api"
    yield folder / "postprocess.tflite", "tflite-postprocess"
    yield folder / "raw", "ssd"
    yield folder / "Flat.onnx", "torchvision"
    yield folder / "Rows.onnx", "yolo-end2end"


def nms_outside(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    """One whose heads are still to be suppressed, as ONNX and with its heads transposed."""
    import outside_nets
    import torch

    outside.draw_images(folder)
    torch.manual_seed(7)
    net = getattr(outside_nets, name)().eval()
    outside.spread(net, outside._last_layers(net), outside.inputs(folder))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        image = torch.zeros(1, 3, 64, 96)
        for file, module in (("net", net), ("transposed", outside_nets.Transposed(net))):
            names = list(module(image))
            torch.onnx.export(
                module,
                (image,),
                str(folder / f"{file}.onnx"),
                input_names=["image"],
                output_names=names,
                dynamo=False,  # the older exporter: it is many times faster
            )
    yield folder / "net.onnx", OUTSIDE[name]
    if name in ("YoloV8", "CenterNet"):  # those that some exports transpose
        yield folder / "transposed.onnx", OUTSIDE[name]


def efficientdet(folder: Path) -> Iterator[tuple[Path, str]]:
    """A pair of heads for each of five levels, and the same joined into one pair."""
    import torch

    class Levels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Conv2d(3, 16, 8, 8)
            self.down = torch.nn.ModuleList(torch.nn.Conv2d(16, 16, 3, 2, 1) for _ in range(4))
            self.scores = torch.nn.Conv2d(16, 9 * 2, 3, padding=1)
            self.boxes = torch.nn.Conv2d(16, 9 * 4, 3, padding=1)

        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            maps = [torch.relu(self.stem(image))]
            for down in self.down:
                maps.append(torch.relu(down(maps[-1])))
            return [self.scores(one) - 3 for one in maps] + [self.boxes(one) for one in maps]

    class Joined(Levels):
        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            heads = super().forward(image)
            columns = [(head, 2 if at < 5 else 4) for at, head in enumerate(heads)]
            rows = [head.permute(0, 2, 3, 1).reshape(1, -1, n) for head, n in columns]
            return [torch.cat(rows[5:], 1), torch.cat(rows[:5], 1)]

    outside.draw_images(folder)
    torch.manual_seed(7)
    image = torch.zeros(1, 3, 128, 256)
    for file, net in (("levels", Levels()), ("joined", Joined())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net.eval(), (image,), str(folder / f"{file}.onnx"), dynamo=False)
        yield folder / f"{file}.onnx", "efficientdet"


def nanodet(folder: Path) -> Iterator[tuple[Path, str]]:
    """Scores and bins for each of three strides, and the same joined into one head."""
    import torch

    class Levels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Conv2d(3, 16, 8, 8)
            self.down = torch.nn.ModuleList(torch.nn.Conv2d(16, 16, 3, 2, 1) for _ in range(2))
            self.scores = torch.nn.Conv2d(16, 2, 1)
            self.bins = torch.nn.Conv2d(16, 32, 1)

        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            maps = [torch.relu(self.stem(image))]
            for down in self.down:
                maps.append(torch.relu(down(maps[-1])))
            heads = []
            for one in maps:
                heads += [torch.sigmoid(self.scores(one) - 3), self.bins(one) * 9]
            return [head.flatten(2).permute(0, 2, 1) for head in heads]

    class Joined(Levels):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            heads = super().forward(image)
            return torch.cat([torch.cat(heads[at : at + 2], 2) for at in (0, 2, 4)], 1)

    outside.draw_images(folder)
    torch.manual_seed(7)
    image = torch.zeros(1, 3, 128, 256)
    for file, net in (("nanodet", Levels()), ("nanodet_plus", Joined())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net.eval(), (image,), str(folder / f"{file}.onnx"), dynamo=False)
        yield folder / f"{file}.onnx", "nanodet"


def keras(folder: Path, family: str) -> Iterator[tuple[Path, str]]:
    """YOLO heads in pixels in Keras, relative to the input in TFLite."""
    outside_keras.build(folder, family)
    yield folder / "net.keras", family
    yield folder / "net.tflite", family
