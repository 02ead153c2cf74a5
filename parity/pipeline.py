"""One image through one runtime: preprocess, network, decode, with every stage's output kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from parity import decode, preprocess
from parity.agreement import nonfinite
from parity.boxes import Placement
from parity.decode import Unread
from parity.decode.heads.binding import BindingError, Output
from parity.detections import Side
from parity.errors import HeadsError, ImageError, SuiteError
from parity.preprocess import Prepared
from parity.runtimes.contract import AdapterError, TensorSpec
from parity.runtimes.shared.resolve import resolve
from parity.session import Session, dataset
from parity.suite import Recipe, Runtime, Suite
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class Network:
    """What the network made of one image: heads by role, real numbers, before any decoding.

    ``unread``: what the family does not read of its outputs.
    """

    heads: dict[str, Array]
    specs: dict[str, TensorSpec]
    layout: str
    milliseconds: float
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, eq=False)
class Stages:
    """Every stage of one image in one runtime. ``milliseconds`` are by stage name.

    ``side`` is None where the heads hold NaN or infinity: those are never decoded.
    """

    image: str
    prepared: Prepared
    network: Network
    side: Side | None
    milliseconds: dict[str, float]


class Inputs(Protocol):
    """Recorded inputs, which stand in for a recipe whose library is not installed here."""

    def covers(self, recipe: Recipe) -> bool:
        """Whether the inputs are those of this recipe."""
        ...

    def pixels(self, image: str) -> Array:
        """What ``preprocess.restored`` makes the input of."""
        ...


class Images:
    """The suite's images, read and prepared once for each recipe; the last ones are kept.

    ``recorded`` gives the recorded inputs when a library turns out not to be installed.
    """

    def __init__(
        self, suite: Suite, keep: int = 64, recorded: Callable[[], Inputs | None] = lambda: None
    ) -> None:
        self._suite = suite
        self._keep = keep
        self._recorded = recorded
        self._prepared: OrderedDict[tuple[str, Recipe], Prepared] = OrderedDict()

    def missing(self, recipe: Recipe) -> str | None:
        """Why images cannot be prepared here because something is not installed; else None."""
        return None if self.stood_in(recipe) else preprocess.missing(recipe)

    def stood_in(self, recipe: Recipe) -> bool:
        """Whether recorded inputs take the place of a library that is not installed."""
        return preprocess.missing(recipe) is not None and self._stand_in(recipe) is not None

    def _stand_in(self, recipe: Recipe) -> Inputs | None:
        recorded = self._recorded()
        return recorded if recorded is not None and recorded.covers(recipe) else None

    def prepared(self, image: str, recipe: Recipe) -> Prepared:
        """One image by one recipe. Raises ``ImageError`` or ``SuiteError``."""
        key = (image, recipe)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(image, recipe)
            while len(self._prepared) > self._keep:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]

    def _prepare(self, image: str, recipe: Recipe) -> Prepared:
        path = self._suite.image_path(image)
        if self.stood_in(recipe) and (recorded := self._stand_in(recipe)) is not None:
            height, width = preprocess.read_image(path).shape[:2]
            return preprocess.restored(recorded.pixels(image), (height, width), recipe)
        pixels = preprocess.read_image(path, recipe.decoder)
        function = None
        if recipe.function is not None:
            function = _function(recipe.function, self._suite, "preprocess.function")
        try:
            return preprocess.prepare(pixels, recipe, function, where=image)
        except ValueError as error:
            raise ImageError(image, str(error)) from error


class Decoder:
    """Turns one runtime's heads into the detections that it deploys, and those it nearly did."""

    def __init__(self, suite: Suite, runtime: Runtime) -> None:
        self._runtime = runtime
        self._classes = len(suite.classes)
        settings = runtime.decode
        self._function: Callable[..., Any] | None = None
        if settings.function is not None:
            self._function = _function(
                settings.function, suite, f"runtimes.{runtime.name}.decode.function"
            )
        self._pixels = decode.Pixels(settings)
        self._priors = None
        if settings.ssd is not None:
            size = runtime.recipe.size
            if size is None:
                problem = "preprocess.size: expected [height, width] for SSD priors, found nothing"
                raise SuiteError(str(suite.path), [problem])
            if runtime.recipe.stride is not None:
                problem = (
                    "preprocess.stride: expected none for SSD priors, which are those of one size, "
                    f"found {runtime.recipe.stride}"
                )
                raise SuiteError(str(suite.path), [problem])
            self._priors = decode.load_priors(settings.ssd.priors, suite.folder, size)

    def bind(
        self, heads: Mapping[str, Array], specs: Mapping[str, TensorSpec] | None = None
    ) -> dict[str, str]:
        """Which output is which head of the family: role to output name."""
        if self._function is not None:
            return {name: name for name in heads}
        try:
            return self._bound(_outputs(heads), specs or {}, self._classes)
        except BindingError as error:
            message = str(error)
            if error.fitting == 0:
                message = self._without_room(heads, specs or {}) or message
            raise self._heads_error(message, heads, self._runtime.recipe.size) from error

    def _roles(self, classes: int) -> tuple[decode.Role, ...]:
        size = self._runtime.recipe.size
        return decode.roles(self._runtime.decode, classes, self._priors, size)

    def _bound(
        self, outputs: Sequence[Output], specs: Mapping[str, TensorSpec], classes: int
    ) -> dict[str, str]:
        sources = {name: spec.source for name, spec in specs.items() if spec.source}
        return decode.bind(outputs, self._runtime.table.outputs, self._roles(classes), sources)

    def _without_room(
        self, heads: Mapping[str, Array], specs: Mapping[str, TensorSpec]
    ) -> str | None:
        """What to say where only the number of classes is in the way; else None.

        Heads that are clearly of another family are no matter of classes.
        """
        listed, family = self._classes, self._runtime.decode.family or ""
        first = decode.leading(decode.likely(heads, listed, self._runtime.recipe.size))
        if first is not None and first.family != family:
            return None
        outputs = _outputs(heads)
        room = decode.room_for_classes(
            outputs, listed, lambda classes: self._bound(outputs, specs, classes)
        )
        return decode.room_message(outputs, self._roles(listed), family, listed, room)

    def _heads_error(
        self, message: str, heads: Mapping[str, Array], size: tuple[int, int] | None
    ) -> HeadsError:
        """What is wrong, and at its end what a network's heads look like."""
        family = self._runtime.decode.family
        if family is not None and not decode.in_image(self._runtime.decode):
            looks = decode.appearance(heads, self._classes, size, family)
            message = f"{message}\n{looks}"
        return HeadsError(self._runtime.name, message)

    def unread(self, outputs: Mapping[str, Array], bound: Mapping[str, str]) -> tuple[Unread, ...]:
        """What the family does not read of one image's outputs, ``bound`` by role."""
        return decode.unread(outputs, bound, self._runtime.decode, self._classes)

    @property
    def function(self) -> str | None:
        """The suite's own function that decodes, by its name; None where a family does."""
        return self._runtime.decode.function

    def unread_by_function(self, stages: Stages) -> tuple[Unread, ...] | None:
        """What the suite's function does not read; None where this image shows nothing of it."""
        if self._function is None:
            return ()
        return decode.unread_by_function(
            self._function,
            stages.network.heads,
            self._classes,
            stages.prepared.size,
            self.function or "",
        )

    def trimmed(self, heads: dict[str, Array]) -> dict[str, Array]:
        """Bound heads without the rows that mean nothing to the family."""
        if self._function is not None:
            return heads
        return decode.trimmed(heads, self._runtime.decode)

    def side(
        self, heads: Mapping[str, Array], prepared: Prepared, band: float, image: str = ""
    ) -> Side:
        """Decode bound heads and suppress, down to ``band`` below the threshold.

        Boxes that are no pixels are refused, where need be on what the images before have shown.
        """
        settings = self._runtime.decode
        floor = settings.score_threshold - band
        if settings.score_floor is not None:
            floor = max(floor, settings.score_floor)
        size, placement, scale = prepared.size, prepared.placement, (1.0, 1.0)
        if decode.in_image(settings):
            scale = placement.scale_x, placement.scale_y
            size, placement = prepared.image_size, Placement()
        look = self._pixels.of(image, size, scale)
        try:
            if self._function is not None:
                found = decode.decode_by_function(
                    self._function, heads, self._classes, size, name=settings.function or ""
                )
            else:
                found = decode.decode(heads, settings, self._classes, size, self._priors)
            return decode.to_side(found, settings, floor, placement, prepared.image_size, look)
        except ValueError as error:
            raise self._heads_error(str(error), heads, size) from error


class Pipeline:
    """One runtime of a suite, open, from image to detections.

    ``doubts``: what the first image's heads say against the settings of decoding. ``unread``: what
    of its outputs the family does not read.
    """

    def __init__(self, suite: Suite, name: str, images: Images) -> None:
        self.runtime = suite.runtimes[name]
        self.decoder = Decoder(suite, self.runtime)
        self.layout = ""
        self.doubts: tuple[str, ...] | None = None
        self.unread: tuple[Unread, ...] = ()
        self._images = images
        self.session = Session(self.runtime, suite.folder, dataset(suite))

    def network(self, image: str, prepared: Prepared) -> Network:
        """The heads of one prepared image, bound to their roles."""
        outputs = self.session.run(prepared.canvas, image)
        self.layout = outputs.layout
        specs = outputs.specs
        bound = self.decoder.bind(outputs.heads, specs)
        heads = {role: outputs.heads[name] for role, name in bound.items()}
        self._need_numbers(heads, bound)
        if self.doubts is None:
            self.doubts = decode.doubts(outputs.heads, heads, self.runtime.decode, prepared.size)
            self.unread = self.decoder.unread(outputs.heads, bound)
        return Network(
            heads=self.decoder.trimmed(heads),
            specs={role: specs[name] for role, name in bound.items() if name in specs},
            layout=outputs.layout,
            milliseconds=outputs.milliseconds,
            unread=self.unread,
        )

    def _need_numbers(self, heads: Mapping[str, Array], bound: Mapping[str, str]) -> None:
        for role, array in heads.items():
            if array.dtype.kind in "OUSMm":
                raise HeadsError(
                    self.runtime.name,
                    f"expected numbers in the output {bound[role]!r}, which is bound to {role}, "
                    f"found {array.dtype}",
                )

    def prepared(self, image: str, recipe: Recipe | None = None) -> Prepared:
        """One image as this runtime's recipe, or another, prepares it."""
        return self._images.prepared(image, recipe or self.runtime.recipe)

    def stages(self, image: str, band: float) -> Stages:
        """One image through every stage, seen down to ``band`` below the threshold."""
        started = time.perf_counter()
        prepared = self.prepared(image)
        elapsed = (time.perf_counter() - started) * 1e3
        return self.stages_of(image, prepared, band, elapsed)

    def stages_of(
        self, image: str, prepared: Prepared, band: float, preprocess_ms: float = 0.0
    ) -> Stages:
        """A prepared image through network and decoding."""
        network = self.network(image, prepared)
        return staged(self.decoder, image, prepared, network, band, preprocess_ms)

    def close(self) -> None:
        """Release the runtime."""
        self.session.close()


def staged(
    decoder: Decoder,
    image: str,
    prepared: Prepared,
    network: Network,
    band: float,
    preprocess_ms: float = 0.0,
) -> Stages:
    """Decode a network's heads and put every stage's output together."""
    started = time.perf_counter()
    finite = not any(nonfinite(network.heads, ""))
    side = decoder.side(network.heads, prepared, band, image) if finite else None
    milliseconds = {
        "preprocess": preprocess_ms,
        "network": network.milliseconds,
        "decode": (time.perf_counter() - started) * 1e3,
    }
    return Stages(image, prepared, network, side, milliseconds)


def _outputs(heads: Mapping[str, Array]) -> list[Output]:
    return [(name, tuple(array.shape)) for name, array in heads.items()]


def _function(reference: str, suite: Suite, key: str) -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = resolve(reference, str(suite.folder))
    except AdapterError as error:
        reason = error.facts.get("reason", error.code)
        raise SuiteError(
            str(suite.path), [f"{key}: expected 'module:function', found {reference!r}: {reason}"]
        ) from error
    return function
