"""One model file, opened and run once: what it is, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from parity import preprocess, runtimes
from parity.errors import ParityError, UntrustedError
from parity.formats import Content, recognise
from parity.proposing.metadata import Metadata
from parity.proposing.metadata import read as read_metadata
from parity.proposing.precision import precision
from parity.runtimes.contract import Descriptor, TensorSpec
from parity.session import Session
from parity.suite import Decode, Recipe, Runtime, RuntimeTable
from parity.suite.tolerance import BUILT_IN
from parity.tensors import Array, layouts_of

Size = tuple[int, int]

TRIED = ((640, 640), (320, 320), (512, 512), (300, 300), (416, 416), (224, 224))
NAME = "model"  # of the runtime while it is looked at; messages are told without it


@dataclass(frozen=True, eq=False)
class Model:
    """A file that loaded and ran.

    ``form``: its content ("onnx", "torchscript", ...); ``kind``: the runtime's. ``size`` is
    (height, width) of the run, ``size_why`` how it was found. ``layout`` is that of the input, and
    ``layout_said`` whether the file declares it. ``heads``: outputs by name, as real numbers.
    ``tolerance`` and ``weights``: see ``precision``. ``values``: the range that was fed, ``color``
    its channels: "RGB", or "grey" where the input has one.
    """

    path: Path
    form: str
    kind: str
    input: TensorSpec
    size: Size
    size_why: str
    layout: str
    layout_said: bool
    values: tuple[float, float]
    heads: dict[str, Array]
    metadata: Metadata
    tolerance: str
    weights: str
    color: str = "RGB"

    @property
    def resizes(self) -> bool:
        """Whether the input takes whole pixels (uint8 as they are) of any height and width."""
        return _whole(self.input) and None in _edges(self.input, self.layout)


@dataclass(frozen=True)
class Refused:
    """A file that did not load or run, and why."""

    path: Path
    reason: str


def look(path: Path, picture: Array, sizes: Sequence[Size]) -> Model | Refused:
    """Open a file in its runtime, without trust, and run ``picture`` (uint8 (H, W, 3) RGB) once.

    ``sizes``: (height, width) to try first where the file declares none. Nothing is written.
    """
    found = recognise(str(path))
    opener = runtimes.opener(found.kind, path.name)
    if opener is None:
        return Refused(path, _no_network(found))
    form = found.kind if found.kind in opener.opens else opener.kind
    metadata = read_metadata(path, form)
    own = (picture.shape[0], picture.shape[1])
    try:
        with ExitStack() as stack:
            session = stack.enter_context(_session(opener.kind, path, None))
            spec = session.inputs[0]
            layout, said = _layout(opener, spec)
            if not said:
                session = stack.enter_context(_session(opener.kind, path, layout))
            values = _values(spec)
            tried = _sizes(spec, layout, metadata, sizes, own)
            colors = _colors(spec, layout)
            heads, size, why, color = _ran(session, picture, tried, values, colors)
    except UntrustedError as error:
        return Refused(path, f"{_plain(error).rsplit(_TRUST, 1)[0]}{_BY_HAND}")
    except ParityError as error:
        return Refused(path, _plain(error))
    held, weights = precision(path, form)
    return Model(
        path=path,
        form=form,
        kind=opener.kind,
        input=spec,
        size=size,
        size_why=why,
        layout=layout,
        layout_said=said,
        values=values,
        heads=heads,
        metadata=metadata,
        tolerance=opener.tolerances.get(held, held),
        weights=weights,
        color=color,
    )


_TRUST = "If you trust whoever made it"
_BY_HAND = "init opens no such file; write its [runtimes.NAME] by hand, with trust = true"


def _plain(error: ParityError) -> str:
    """The message without the name that the runtime has only here."""
    return str(error).removeprefix(f"{NAME}: ")


def _no_network(found: Content) -> str:
    if found.kind == "state-dict":
        return (
            'expected a model, found a torch state dict: weights alone. Say model = "module:build" '
            "and weights = this file, where build() returns the network"
        )
    return f"expected a model, found {found.phrase}"


def _session(kind: str, path: Path, layout: str | None) -> Session:
    """The file as the one runtime of a suite that holds nothing else."""
    table: dict[str, Any] = {"kind": kind, "model": str(path), "layout": layout}
    runtime = Runtime(
        name=NAME,
        table=RuntimeTable(**table),
        tolerance=BUILT_IN["float32"],
        recipe=Recipe(resize="none"),
        decode=Decode(function="none:none", score_threshold=0.5),
    )
    return Session(runtime, path.parent)


def _layout(opener: Descriptor, spec: TensorSpec) -> tuple[str, bool]:
    """The layout, and whether the shape tells it; else the framework's usual one."""
    for channels in (3, 1):
        found = [] if spec.shape is None else list(layouts_of(spec.shape, channels))
        if len(found) == 1:
            return found[0], True
    return opener.layout, False


def _values(spec: TensorSpec) -> tuple[float, float]:
    """The range of values to feed: what the integers of the input stand for, else 0..1."""
    if _whole(spec):
        return 0.0, 255.0
    if spec.quantization is None or not spec.dtype.startswith(("int", "uint")):
        return 0.0, 1.0
    limits = np.iinfo(spec.dtype)
    scale, zero = spec.quantization.scale[0], spec.quantization.zero_point[0]
    return (int(limits.min) - zero) * scale, (int(limits.max) - zero) * scale


def _sizes(
    spec: TensorSpec, layout: str, metadata: Metadata, sizes: Sequence[Size], own: Size
) -> Iterator[tuple[Size, str]]:
    """Sizes to run, each with how it came about: declared, or else until one runs.

    A network that takes whole pixels of any size resizes by itself: it is given the picture's
    ``own`` size first, others last.
    """
    height, width = _edges(spec, layout)
    if height is not None and width is not None:
        yield (height, width), f"seen: the input is {_text(spec.shape or ())}"
        return
    if metadata.size is not None:
        yield metadata.size, "seen: imgsz in the file's metadata"
    none = "assumed: the file declares no size"
    pixels = [(own, f"{none}; it ran at the picture's own")]
    tried = [(size, f"{none}; it ran at {size[0]} x {size[1]}") for size in TRIED]
    others = [(size, f"{none}; it ran at that of the other models") for size in sizes]
    yield from pixels + others + tried if _whole(spec) else others + tried + pixels


def _edges(spec: TensorSpec, layout: str) -> tuple[int | None, int | None]:
    """Height and width of the input as declared."""
    shape = spec.shape or ()
    edges = shape[2:4] if layout == "NCHW" else shape[1:3]
    return (edges[0], edges[1]) if len(edges) == 2 else (None, None)


def _whole(spec: TensorSpec) -> bool:
    return spec.dtype.startswith(("int", "uint")) and spec.quantization is None


def _ran(
    session: Session,
    picture: Array,
    sizes: Iterator[tuple[Size, str]],
    values: tuple[float, float],
    colors: Sequence[str],
) -> tuple[dict[str, Array], Size, str, str]:
    """The heads at the first size, and in the first colour, in which the network runs.

    Where it runs in none, its first error is raised.
    """
    failure: ParityError | None = None
    for (size, why), color in product(sizes, colors):
        try:
            heads = session.run(_canvas(picture, size, values, color)).heads
            return heads, size, why, color
        except ParityError as error:
            failure = failure or error
    assert failure is not None  # there is at least one size
    raise failure


def _colors(spec: TensorSpec, layout: str) -> tuple[str, ...]:
    """What to feed: what the input has channels for; both where it does not say that."""
    shape = spec.shape or ()
    channels = shape[1 if layout == "NCHW" else 3] if len(shape) == 4 else None
    if channels is None:
        return ("RGB", "grey")
    return ("grey",) if channels == 1 else ("RGB",)


def _canvas(picture: Array, size: Size, values: tuple[float, float], color: str) -> Array:
    low, high = values
    whole = (low, high) == (0.0, 255.0)
    scale = (0.0, 255.0) if whole else (0.0, 1.0)
    recipe = Recipe(size=size, range=scale, color=color)  # type: ignore[arg-type]
    canvas = preprocess.prepare(picture, recipe).canvas
    return canvas if whole else canvas * (high - low) + low


def _text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if edge is None else str(edge) for edge in shape) + ")"
