"""Modules as torchvision's detectors: a list of images in, a list of dictionaries out."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from parity.runtimes.contract import AdapterError, Artifact

NET = dedent(
    """
    from typing import Dict, List, Optional, Tuple

    import torch
    from torch import Tensor


    class Listed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, images: List[Tensor], targets: Optional[List[Dict[str, Tensor]]] = None):
            assert isinstance(images, list) and images[0].dim() == 3
            scores = images[0][0, 0] * self.scale
            kept = scores > 0
            labels = torch.nonzero(kept)[:, 0]
            boxes = torch.stack([scores[kept]] * 4, 1)
            return [{"boxes": boxes, "labels": labels, "scores": scores[kept]}]


    class Batched(Listed):
        def forward(self, batch):
            return super().forward([image for image in batch])


    class Twice(Listed):
        def forward(self, batch):
            return super().forward([batch[0]]) * 2


    class Scripted(torch.nn.Module):
        def forward(
            self, images: List[Tensor], targets: Optional[List[Dict[str, Tensor]]] = None
        ) -> Tuple[Dict[str, Tensor], List[Dict[str, Tensor]]]:
            scores = images[0][0, 0]
            losses: Dict[str, Tensor] = {}
            return losses, [{"scores": scores[scores > 0]}]
    """
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules, their weights, and one of them scripted."""
    torch = pytest.importorskip("torch")
    from parity.runtimes.shared.resolve import resolve

    folder = tmp_path_factory.mktemp("lists")
    (folder / "listed.py").write_text(NET)
    torch.save({"scale": torch.full((1,), 2.0)}, folder / "net.pth")
    torch.jit.script(resolve("listed:Scripted", str(folder))()).save(str(folder / "net.pt"))
    return folder


def run(folder: Path, name: str, found: int) -> dict[str, np.ndarray]:
    from parity.runtimes.torch.adapter import Torch

    weights = str(folder / "net.pth")
    artifact = Artifact(f"listed:{name}", weights, str(folder))
    if name == "Scripted":
        artifact = Artifact(str(folder / "net.pt"))
    adapter = Torch(artifact)
    image = np.full((1, 3, 2, 5), -1, np.float32)
    image[0, 0, 0, :found] = 0.25
    (spec,) = adapter.inputs()
    return adapter.run({spec.name: image})


@pytest.mark.parametrize("name", ["Listed", "Batched"])
@pytest.mark.parametrize("found", [0, 1, 4])
def test_the_dictionary_of_the_only_image_is_the_heads(folder: Path, name: str, found: int) -> None:
    """Of any length, from a module that takes a list or a batch; optional arguments are left."""
    heads = run(folder, name, found)
    assert list(heads) == ["boxes", "labels", "scores"]
    assert (heads["boxes"].shape, heads["scores"].tolist()) == ((found, 4), [0.5] * found)
    assert heads["labels"].dtype == np.int64


def test_a_scripted_detector_gives_its_detections_and_no_losses(folder: Path) -> None:
    """A tuple of an empty dictionary and a list of one."""
    assert run(folder, "Scripted", 3)["scores"].tolist() == [0.25] * 3


def test_detections_of_more_than_one_image_are_refused(folder: Path) -> None:
    """One image was fed."""
    with pytest.raises(AdapterError) as caught:
        run(folder, "Twice", 1)
    assert caught.value.facts["reason"] == (
        "ValueError: expected a list of one dictionary, one an image, found 2"
    )
