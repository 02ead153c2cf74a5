"""Suites around one small network of each family, exported for real, with seeded random weights.

Random heads are of one colour; ``spread`` widens the last layers on the suite's own images, so
that scores lie on both sides of the threshold and boxes differ.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import parity
from parity.record import RuntimeRecord
from tests.support.suites import small_suite

HERE = Path(__file__).parent
TORCH = """kind = "torch"
model = "outside_nets:{name}"
weights = "net.pth"
layout = "NCHW"
"""


ONNX = 'kind = "onnxruntime"\nmodel = "net.onnx"\n'
SCRIPT = 'kind = "torch"\nlayout = "NCHW"\nmodel = "net.pt"\n'
ROLLED = SCRIPT.replace("net.pt", "rolled.pt")
TRANSPOSED = SCRIPT.replace("net.pt", "transposed.pt")
KERAS = 'kind = "keras"\nmodel = "net.keras"'
TFLITE = 'kind = "tflite"\nmodel = "net.tflite"\n'


def draw_images(folder: Path, count: int = 3) -> None:
    """Images of 192 x 128 pixels with shapes in them."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(3)
    for number in range(count):
        image = Image.new("RGB", (192, 128), tuple(random.integers(0, 256, 3).tolist()))
        pen = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = random.integers(0, 170), random.integers(0, 110)
            w, h = random.integers(8, 60, 2)
            colour = tuple(random.integers(0, 256, 3).tolist())
            pen.rectangle((int(x), int(y), int(x + w), int(y + h)), fill=colour)
        image.save(folder / "images" / f"{number}.png")


def inputs(folder: Path) -> np.ndarray:
    """The images as the networks take them, about: (N, 3, 64, 96)."""
    every = [Image.open(path).resize((96, 64)) for path in sorted((folder / "images").iterdir())]
    return np.stack([np.asarray(one, np.float32) / 255 for one in every]).transpose(0, 3, 1, 2)


def spread(net: Any, layers: Mapping[Any, tuple[float, float]], images: np.ndarray) -> None:
    """Set the weights of last layers so that each output has this mean and deviation."""
    import torch

    for layer, (mean, deviation) in layers.items():
        seen: list[Any] = []
        hook = layer.register_forward_hook(lambda _, __, out, seen=seen: seen.append(out))
        with torch.no_grad():
            for image in images:
                net(torch.from_numpy(image[None]))
            hook.remove()
            values = torch.cat(seen)
            values = values.movedim(1, -1) if values.ndim == 4 else values
            values = values.reshape(-1, len(layer.bias))
            scale = deviation / values.std(0)
            layer.bias.copy_((layer.bias - values.mean(0)) * scale + mean)
            layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))


def _last_layers(net: Any) -> dict[Any, tuple[float, float]]:
    if hasattr(net, "heads"):
        return dict.fromkeys(net.heads, (0.0, 1.5))
    if hasattr(net, "heatmap"):
        return {net.heatmap: (-2.0, 1.5), net.size: (0.0, 1.0), net.offset: (0.0, 1.0)}
    return {net.logits: (0.0, 2.0), net.boxes: (0.0, 0.7)}


def build(folder: Path, name: str) -> Path:
    """Native network, ONNX by torch's exporter, TorchScript, and images, of one family."""
    import sys

    import torch

    sys.path.insert(0, str(HERE))
    import outside_nets

    draw_images(folder)
    torch.manual_seed(7)
    net = getattr(outside_nets, name)().eval()
    spread(net, _last_layers(net), inputs(folder))
    shutil.copy(HERE / "outside_nets.py", folder / "outside_nets.py")
    torch.save(net.state_dict(), folder / "net.pth")
    to_onnx(net, folder / "net.onnx")
    script(net, folder / "net.pt")
    script(outside_nets.Transposed(net), folder / "transposed.pt")
    script(outside_nets.Rolled(net), folder / "rolled.pt")
    return folder


def script(net: Any, target: Path) -> None:
    """TorchScript by tracing."""
    import torch

    with torch.no_grad():
        traced = torch.jit.trace(net.eval(), torch.zeros(1, 3, 64, 96), strict=False)
    torch.jit.freeze(traced).save(str(target))


def to_onnx(net: Any, target: Path) -> None:
    """Export by the exporter that goes through ``torch.export``; heads keep their names."""
    import torch

    image = torch.zeros(1, 3, 64, 96)
    with torch.no_grad():
        names = list(net(image))
    torch.onnx.export(
        net,
        (image,),
        str(target),
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=["image"],
        output_names=names,
    )


def judged(
    source: Path,
    target: Path,
    family: str,
    candidate: str = ONNX,
    *,
    native: str,
    keys: str = "",
    threshold: float = 0.4,
) -> RuntimeRecord:
    """What parity finds of one candidate, beside the native network, of the files of ``source``.

    ``candidate`` and ``native`` are the lines of their tables, ``keys`` those of ``[decode]``.
    """
    shutil.copytree(source, target)
    small_suite(
        target,
        {"native": native, "export": candidate},
        name="outside",
        images=["images/*.png"],
        size=(64, 96),
        preprocess="range = [0, 1]",
        decode=f'family = "{family}"\nscore_threshold = {threshold}\n{keys}',
    )
    (found,) = (one for one in parity.check(target).runtimes if one.role == "candidate")
    return found


def codes(record: RuntimeRecord) -> set[str]:
    """Every finding of a candidate, on its images and over all of them."""
    found = {one.code for image in record.images for one in image.findings}
    return found | {one.code for one in (record.budget.findings if record.budget else ())}


def error(record: RuntimeRecord) -> str:
    """The one message with which every image of a candidate fails to be judged.

    Without its end, which tells what the heads look like on each image.
    """
    assert record.verdict == "error"
    messages = [image.failure.message if image.failure else "" for image in record.images]
    (found,) = {problem(message) for message in messages}
    return found.removeprefix("export: ")


def problem(message: str) -> str:
    """A message without its end, which tells what the heads look like on one image."""
    return message.partition("\non this image they are\n")[0]


def asked(message: str) -> set[str]:
    """The lines of a message; its frame is told whole in test_heads_messages.py."""
    return set(message.splitlines())


def agrees(record: RuntimeRecord, least: int) -> None:
    """It passes, with at least that many detections of both classes, scores wide apart."""
    assert (record.verdict, codes(record), record.reason) == ("pass", set(), "")
    rows = [row for image in record.images if image.agreement for row in image.agreement.rows]
    scores = [row.reference_score for row in rows if row.reference_score is not None]
    assert len(scores) >= least
    assert max(scores) - min(scores) > 0.3
    assert {row.reference_class for row in rows} == {0, 1}
