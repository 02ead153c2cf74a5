"""What a message speaks of: the rows of one image, or of all images of a runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.agreement import ImageAgreement, Row
from parity.record import ImageRecord, RuntimeRecord
from parity.suite.tolerance import Tolerance


@dataclass(frozen=True)
class Place:
    """A row and the image that it was found on; "" where only one image is spoken of."""

    row: Row
    agreement: ImageAgreement
    image: str = ""


@dataclass(frozen=True)
class Scene:
    """What the findings are about: rows with their images, and the words for them."""

    tolerance: Tolerance
    classes: Sequence[str]
    places: tuple[Place, ...]
    agreements: tuple[ImageAgreement, ...]

    @property
    def pairs(self) -> list[Place]:
        """The rows that were found on both sides, and are judged."""
        return [place for place in self.places if place.row.judged]

    def leftovers(self, kind: str) -> list[Place]:
        """What one side alone found, and nothing explains or hides."""
        return [one for one in self.places if one.row.kind == kind and one.row.unexplained]

    def reason(self, reason: str) -> list[Place]:
        """The rows that have this reason."""
        return [one for one in self.places if one.row.reason == reason]

    def deployed(self, side: str) -> int:
        """How many detections a side deploys."""
        return sum(getattr(one, f"{side}_deployed") for one in self.agreements)


def of_image(image: ImageRecord, runtime: RuntimeRecord, classes: Sequence[str]) -> Scene:
    """The scene of one image."""
    done = () if image.agreement is None else (image.agreement,)
    places = tuple(Place(row, one) for one in done for row in one.rows)
    return Scene(runtime.tolerance, classes, places, done)


def of_runtime(runtime: RuntimeRecord, classes: Sequence[str]) -> Scene:
    """The scene of all images of a runtime."""
    done = [(one.image, one.agreement) for one in runtime.images if one.agreement is not None]
    places = tuple(
        Place(row, agreement, image) for image, agreement in done for row in agreement.rows
    )
    return Scene(runtime.tolerance, classes, places, tuple(one for _, one in done))
