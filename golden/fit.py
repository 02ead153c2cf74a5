"""How a picture becomes the input of each bundled detector, and boxes go there and back.

Also the pool of scenes the training scripts draw their batches from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scenes import U8, Scene, render


@dataclass(frozen=True)
class Fitted:
    """A picture at network size, and the affine way back: original = (p - offset) / scale."""

    image: U8  # (h, w, 3) RGB
    scale: npt.NDArray[np.float64]  # (2,) x, y
    offset: npt.NDArray[np.float64]  # (2,) x, y, in network pixels

    def forth(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boxes (N, 4) x0, y0, x1, y1 from original to network pixels."""
        return boxes * np.tile(self.scale, 2) + np.tile(self.offset, 2)

    def back(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boxes (N, 4) x0, y0, x1, y1 from network to original pixels."""
        return (boxes - np.tile(self.offset, 2)) / np.tile(self.scale, 2)


def stretch(image: U8, size: tuple[int, int]) -> Fitted:
    """Resize (H, W, 3) to `size` (height, width), not keeping the aspect ratio."""
    h, w = size
    scale = np.array([w / image.shape[1], h / image.shape[0]])
    resized = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    return Fitted(np.asarray(resized, np.uint8), scale, np.zeros(2))


def letterbox(image: U8, size: tuple[int, int], value: int = 114) -> Fitted:
    """Resize (H, W, 3) keeping the aspect ratio and pad evenly to `size` (height, width)."""
    h, w = size
    scale = min(h / image.shape[0], w / image.shape[1])
    new_h, new_w = round(image.shape[0] * scale), round(image.shape[1] * scale)
    top, left = (h - new_h) // 2, (w - new_w) // 2
    out = np.full((h, w, 3), value, np.uint8)
    out[top : top + new_h, left : left + new_w] = cv2.resize(
        image, (new_w, new_h), interpolation=cv2.INTER_LINEAR
    )
    return Fitted(out, np.array([scale, scale]), np.array([left, top], dtype=np.float64))


@dataclass
class Batch:
    """Network-sized pictures and their labels."""

    images: U8  # (B, h, w, 3) RGB
    boxes: list[npt.NDArray[np.float64]]  # B of (N, 4) x0, y0, x1, y1 in network pixels
    classes: list[npt.NDArray[np.int64]]  # B of (N,)


class ScenePool:
    """Scenes fitted once and kept as bytes; drawing anew for every batch would be too slow."""

    def __init__(self, first_seed: int, fit: Callable[[U8], Fitted]) -> None:
        self._next_seed = first_seed
        self._fit = fit
        self._items: list[tuple[U8, npt.NDArray[np.float64], npt.NDArray[np.int64]]] = []

    def grow(self, count: int) -> None:
        """Add `count` scenes of the next seeds."""
        for _ in range(count):
            scene: Scene = render(self._next_seed)
            self._next_seed += 1
            fitted = self._fit(scene.image)
            self._items.append((fitted.image, fitted.forth(scene.boxes), scene.classes))

    def sample(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` random scenes, randomly mirrored and with another brightness and contrast."""
        picks = [self._items[i] for i in rng.integers(len(self._items), size=count)]
        images, boxes = [], []
        for image, box, _ in picks:
            h, w = image.shape[:2]
            if rng.random() < 0.5:  # mirror left and right
                image = image[:, ::-1]
                box = np.array([w, 0, w, 0]) + box[:, [2, 1, 0, 3]] * (-1, 1, -1, 1)
            if rng.random() < 0.5:  # mirror top and bottom
                image = image[::-1]
                box = np.array([0, h, 0, h]) + box[:, [0, 3, 2, 1]] * (1, -1, 1, -1)
            gain, bias = rng.uniform(0.8, 1.25), rng.uniform(-20, 20)
            ramp = np.clip(np.arange(256) * gain + bias, 0, 255).astype(np.uint8)
            images.append(cv2.LUT(np.ascontiguousarray(image), ramp))
            boxes.append(box)
        return Batch(np.stack(images), boxes, [item[2] for item in picks])
