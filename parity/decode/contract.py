"""What a family of detectors is: the heads it needs, and how they become candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, Candidates, Floats, Proposals, background_hint

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

Size = tuple[int, int]


@dataclass(frozen=True)
class Columns:
    """Columns of a head that its family does not read: those from ``first`` on along ``axis``."""

    axis: int
    first: int


@dataclass(frozen=True)
class Family:
    """A family: its roles, and its decoder of (heads, settings, classes, size, priors).

    A decoder returns candidates (a score for every class) or proposals (one class each).
    ``arrange`` of (heads, settings, classes, size) brings heads that may be laid out in several
    ways into one, so that two runtimes' heads can be compared.
    ``trim`` takes rows that mean nothing out of the heads. ``sized`` gives the roles of an input
    of known (height, width), where more can be told of them then. ``crossed`` says what it may be
    where boxes come out with their corners in the wrong order. ``frame``: in what boxes are, the
    network's input or the original image; ``size`` is that of the frame. ``unread`` of (heads,
    settings, classes) says of which heads it reads some columns only; None where all of all.
    """

    roles: Callable[[Decode, int, Floats | None], tuple[Role, ...]]
    decode: Callable[
        [Mapping[str, Array], Decode, int, Size, Floats | None], Candidates | Proposals
    ]
    arrange: Callable[[Mapping[str, Array], Decode, int, Size], dict[str, Array]] | None = None
    trim: Callable[[Mapping[str, Array], Decode], dict[str, Array]] | None = None
    sized: Callable[[Decode, int, Floats | None, Size], tuple[Role, ...]] | None = None
    crossed: str = ""
    frame: Literal["input", "image"] = "input"
    unread: Callable[[Mapping[str, Array], Decode, int], dict[str, Columns]] | None = None


def boxes_role(anchors: int | None = None) -> Role:
    """The head ``boxes``, (1, A, 4)."""

    def fits(shape: Shape) -> bool:
        rows = anchors is None or shape[1:2] == (anchors,)
        return len(shape) == 3 and shape[0] == 1 and shape[2] == 4 and rows

    return Role("boxes", f"(1, {'A' if anchors is None else anchors}, 4)", fits)


def scores_role(classes: int, background: int | None, anchors: int | None = None) -> Role:
    """The head ``scores``, (1, A, columns); of a single column also (1, A)."""
    columns = classes + (background is not None)

    def fits(shape: Shape) -> bool:
        single = shape[:1] + shape[1:2] + (1,) if len(shape) == 2 else shape
        rows = anchors is None or single[1:2] == (anchors,)
        return len(single) == 3 and single[0] == 1 and single[2] == columns and rows

    def hint(shape: Shape) -> str | None:
        return None if shape[-1:] == (4,) else background_hint(shape, classes, background)

    extra = "" if background is None else " and the background"
    plural = "class" if classes == 1 else "classes"
    rows = "A" if anchors is None else anchors
    needs = f"(1, {rows}, {columns}), one column for each of {classes} {plural}{extra}"
    return Role("scores", needs, fits, hint)
