"""One runtime's heads to the detections that it deploys, and those it nearly did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from parity.boxes import Placement
from parity.decode import by_family
from parity.decode.contract import Size
from parity.decode.function import decode_by_function
from parity.decode.heads.binding import BindingError, Output, Role, bind
from parity.decode.pixels import Pixels
from parity.decode.recognise.likely import appearance, leading, likely
from parity.decode.recognise.probing import unread_by_function
from parity.decode.recognise.room import room_for_classes, room_message
from parity.decode.settings import Decode
from parity.decode.side import to_side
from parity.decode.unread import Unread, unread
from parity.detections import Side
from parity.errors import HeadsError, SuiteError
from parity.runtimes.contract import AdapterError, TensorSpec
from parity.runtimes.shared.resolve import resolve
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class Declared:
    """What a suite says of the decoding of one runtime.

    ``runtime``: its name. ``outputs``: heads by name or index. ``classes``: how many. ``size``,
    (height, width), and ``stride`` are those of its recipe. ``suite``: the file, in whose folder
    are the files that the settings name.
    """

    runtime: str
    settings: Decode
    outputs: Mapping[str, str | int]
    classes: int
    size: Size | None
    stride: int | None
    suite: Path


class Prepared(Protocol):
    """Of a prepared image: (height, width) of the input and of the image, and the way between."""

    @property
    def size(self) -> Size:
        """Of the network's input."""
        ...

    @property
    def image_size(self) -> Size:
        """Of the original image."""
        ...

    @property
    def placement(self) -> Placement:
        """Where the image lies in the input."""
        ...


class Decoder:
    """Turns heads into detections. Raises ``SuiteError`` for settings that cannot be used."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._classes = declared.classes
        self._settings = declared.settings
        self._function: Callable[..., Any] | None = None
        if self._settings.function is not None:
            self._function = function(
                self._settings.function,
                declared.suite,
                f"runtimes.{declared.runtime}.decode.function",
            )
        self._pixels = Pixels(self._settings)
        try:
            self._loaded = by_family.loaded(
                self._settings, declared.suite.parent, declared.size, declared.stride
            )
        except ValueError as error:
            raise SuiteError(str(declared.suite), [str(error)]) from error

    def bind(
        self, heads: Mapping[str, Array], specs: Mapping[str, TensorSpec] | None = None
    ) -> dict[str, str]:
        """Which output is which head of the family: role to output name."""
        if self._function is not None:
            return {name: name for name in heads}
        try:
            return self._bound(_outputs(heads), specs or {}, self._classes)
        except ValueError as error:
            message = str(error)
            if isinstance(error, BindingError) and error.fitting == 0:
                message = self._without_room(heads, specs or {}) or message
            raise self._heads_error(message, heads, self._declared.size) from error

    def _roles(self, classes: int) -> tuple[Role, ...]:
        return by_family.roles(self._settings, classes, self._loaded, self._declared.size)

    def _bound(
        self, outputs: Sequence[Output], specs: Mapping[str, TensorSpec], classes: int
    ) -> dict[str, str]:
        sources = {name: spec.source for name, spec in specs.items() if spec.source}
        return bind(outputs, self._declared.outputs, self._roles(classes), sources)

    def _without_room(
        self, heads: Mapping[str, Array], specs: Mapping[str, TensorSpec]
    ) -> str | None:
        """What to say where only the number of classes is in the way; else None.

        Heads that are clearly of another family are no matter of classes.
        """
        listed, family = self._classes, self._settings.family or ""
        first = leading(likely(heads, listed, self._declared.size))
        if first is not None and first.family != family:
            return None
        outputs = _outputs(heads)
        room = room_for_classes(
            outputs,
            listed,
            lambda classes: self._bound(outputs, specs, classes),
            self._settings,
        )
        return room_message(outputs, self._roles(listed), family, listed, room)

    def _heads_error(
        self, message: str, heads: Mapping[str, Array], size: Size | None
    ) -> HeadsError:
        """What is wrong, and at its end what a network's heads look like."""
        family = self._settings.family
        if family is not None and not by_family.in_image(self._settings):
            message = f"{message}\n{appearance(heads, self._classes, size, family)}"
        return HeadsError(self._declared.runtime, message)

    def unread(self, outputs: Mapping[str, Array], bound: Mapping[str, str]) -> tuple[Unread, ...]:
        """What the family does not read of one image's outputs, ``bound`` by role."""
        return unread(outputs, bound, self._settings, self._classes)

    @property
    def function(self) -> str | None:
        """The suite's own function that decodes, by its name; None where a family does."""
        return self._settings.function

    def unread_by_function(
        self, heads: Mapping[str, Array], size: Size
    ) -> tuple[Unread, ...] | None:
        """What the suite's function does not read; None where this image shows nothing of it."""
        if self._function is None:
            return ()
        return unread_by_function(self._function, heads, self._classes, size, self.function or "")

    def trimmed(self, heads: dict[str, Array]) -> dict[str, Array]:
        """Bound heads without the rows that mean nothing to the family."""
        if self._function is not None:
            return heads
        return by_family.trimmed(heads, self._settings, self._classes)

    def side(
        self, heads: Mapping[str, Array], prepared: Prepared, band: float, image: str = ""
    ) -> Side:
        """Decode bound heads and suppress, down to ``band`` below the threshold.

        Boxes that are no pixels are refused, where need be on what the images before have shown.
        """
        settings = self._settings
        floor = settings.score_threshold - band
        if settings.score_floor is not None:
            floor = max(floor, settings.score_floor)
        size, placement, scale = prepared.size, prepared.placement, (1.0, 1.0)
        if by_family.in_image(settings):
            scale = placement.scale_x, placement.scale_y
            size, placement = prepared.image_size, Placement()
        look = self._pixels.of(image, size, scale)
        try:
            if self._function is not None:
                found = decode_by_function(
                    self._function, heads, self._classes, size, name=settings.function or ""
                )
            else:
                found = by_family.decode(heads, settings, self._classes, size, self._loaded)
            return to_side(found, settings, floor, placement, prepared.image_size, look)
        except ValueError as error:
            raise self._heads_error(str(error), heads, size) from error


def function(reference: str, suite: Path, key: str) -> Callable[..., Any]:
    """What a suite names as "module:function". Raises ``SuiteError`` at ``key``."""
    try:
        found: Callable[..., Any] = resolve(reference, str(suite.parent))
    except AdapterError as error:
        reason = error.facts.get("reason", error.code)
        raise SuiteError(
            str(suite), [f"{key}: expected 'module:function', found {reference!r}: {reason}"]
        ) from error
    return found


def _outputs(heads: Mapping[str, Array]) -> list[Output]:
    return [(name, tuple(array.shape)) for name, array in heads.items()]
