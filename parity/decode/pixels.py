"""Whether boxes can be in pixels at all: relative ones all lie in the first pixel of the frame.

A comparison does not see it where both sides are read wrongly: boxes that are apart by half of the
image are apart by half a pixel then, which every tolerance allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from parity.decode.heads.candidates import DecodeError, Floats
from parity.decode.heads.units import CHANCE, FAR, RELATIVE, Size, odds
from parity.decode.settings import Decode

_MOST = 3  # times as many boxes must speak for one unit as for the other
_FEWEST = 5  # boxes below a pixel that are no accident


@dataclass(frozen=True)
class Reach:
    """How far the boxes of some images reach, counted: ``inside`` and ``beyond`` the first pixel.

    ``chance`` is that of boxes in pixels to lie as the inside ones do; ``below``: how many have
    both sides below a pixel of the network's input.
    """

    boxes: int = 0
    inside: int = 0
    beyond: int = 0
    below: int = 0
    largest: float = 0.0
    chance: float = 1.0

    def with_boxes(
        self, boxes: Floats, size: Size, scale: tuple[float, float] = (1.0, 1.0)
    ) -> Reach:
        """And those of one more image: (N, 4) xyxy in a frame of (height, width).

        ``scale`` turns the frame's pixels into the network's. Boxes without area tell nothing.
        """
        with np.errstate(all="ignore"):
            sides = boxes[:, 2:] - boxes[:, :2]
            solid = (sides > 0).all(axis=1) & np.isfinite(boxes).all(axis=1)
            reach = np.abs(boxes[solid]).max(axis=1, initial=0.0)
            below = int(((sides[solid] * scale) < 1.0).all(axis=1).sum())
        inside = int((reach <= RELATIVE).sum())
        return Reach(
            self.boxes + len(reach),
            self.inside + inside,
            self.beyond + int((reach > FAR).sum()),
            self.below + below,
            max(self.largest, float(reach.max(initial=0.0))),
            self.chance * odds(inside, size, RELATIVE),
        )

    @property
    def relative(self) -> bool:
        """Whether they are relative rather than in pixels."""
        return self.chance < CHANCE and self.inside > _MOST * self.beyond

    @property
    def tiny(self) -> bool:
        """Whether they are smaller than what any network sees of its input."""
        return self.boxes >= _FEWEST and self.below > _MOST * (self.boxes - self.below)

    def check(self, size: Size, settings: Decode) -> None:
        """Raise where boxes are no pixels of their frame, of (height, width)."""
        if not (self.relative or self.tiny):
            return
        frame, remedy = _frame(settings)
        where = f"within the first pixel, up to {self.largest:.4g}"
        if not self.relative:
            where = "below a pixel of the network's input"
        count = self.inside if self.relative else self.below
        of = "one box" if self.boxes == 1 else f"{count} of {self.boxes} boxes"
        raise DecodeError(
            f"boxes: expected pixels of the {frame}, {size[1]} x {size[0]}, found {of} {where}; "
            f"{remedy}"
        )


class Pixels:
    """Watches over the boxes of one runtime, image by image: one box alone may lie anywhere."""

    def __init__(self, settings: Decode) -> None:
        self._settings = settings
        self._seen: set[str] = set()
        self._reach = Reach()

    def of(self, image: str, size: Size, scale: tuple[float, float]) -> Callable[[Floats], None]:
        """What to show an image's boxes to; one that is seen again adds nothing."""

        def look(boxes: Floats) -> None:
            if image not in self._seen:
                self._seen.add(image)
                self._reach = self._reach.with_boxes(boxes, size, scale)
            self._reach.check(size, self._settings)

        return look


def _frame(settings: Decode) -> tuple[str, str]:
    """Of what boxes are to be in pixels, and what to do where they are not."""
    family, relative = settings.of_family, "are they relative, 0..1?"
    where = f"in {settings.function}" if family is None else family.scaled
    frame = "input" if family is None or family.frame == "input" else "original image"
    if where:
        return frame, f"{relative} multiply x by its width and y by its height {where}"
    if getattr(settings.own, "normalized", None) is False:
        return frame, f"{relative} say normalized = true"
    return frame, "are they divided by its size twice, or in another unit than the family's?"
