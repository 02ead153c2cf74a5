"""What speaks for a family of detectors: clues that were seen, and their sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from parity.decode.clues.looks import Look, Size, looks, numbers
from parity.decode.heads.candidates import Array, Floats

STRIDES = ((8, 16, 32), (8, 16, 32, 64))


@dataclass(frozen=True)
class Likelihood:
    """How much speaks for one family: ``weight`` 0..1, and ``reasons``, each seen on the heads.

    ``outputs``: heads by role, where they could be told apart. ``classes``: how many the heads
    have room for, None where they do not say. ``table``: keys of ``[decode.FAMILY]`` with the value
    that the heads suggest.
    """

    family: str
    weight: float
    reasons: tuple[str, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)
    classes: int | None = None
    table: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clue:
    """One thing that may have been seen, what it is worth, and its words ("" for none)."""

    holds: bool
    worth: float
    words: str = ""


def weigh(
    family: str,
    clues: Iterable[Clue],
    *,
    outputs: Mapping[str, str] | None = None,
    classes: int | None = None,
    table: Mapping[str, Any] | None = None,
) -> Likelihood:
    """The sum of the clues that hold, kept within 0..1; what counts against it has no words."""
    held = [clue for clue in clues if clue.holds]
    total = min(1.0, max(0.0, sum(clue.worth for clue in held)))
    reasons = tuple(clue.words for clue in held if clue.words and clue.worth >= 0)
    return Likelihood(family, round(total, 3), reasons, outputs or {}, classes, table or {})


@dataclass(frozen=True, eq=False)
class Seen:
    """The heads of one image as the rules look at them.

    ``classes``: how many the suite lists, without a background; ``size``: (height, width) of the
    network's input. None where they are not known.
    """

    heads: Mapping[str, Array]
    classes: int | None
    size: Size | None

    @cached_property
    def looks(self) -> dict[str, Look]:
        """Descriptions by name."""
        return {look.name: look for look in looks(self.heads, self.size)}

    @cached_property
    def values(self) -> dict[str, Floats]:
        """Numbers by name, in float64, none of them NaN."""
        return {name: numbers(head) for name, head in self.heads.items()}

    def named(self, *words: str) -> str | None:
        """The one head that is called, or else whose name holds, the first such of the words."""
        for word in words:
            if word in self.heads:
                return word
            found = [name for name in self.heads if word in name.lower()]
            if len(found) == 1:
                return found[0]
        return None

    def of_rank(self, rank: int) -> list[str]:
        """The heads of so many dimensions."""
        return [name for name, look in self.looks.items() if len(look.shape) == rank]


def grid_words(anchors: int, size: Size | None, each: Sequence[int]) -> tuple[int, str] | None:
    """How many anchors a cell has where their number is that of all cells, and how it adds up.

    Cells of strides 8, 16, 32 (and 64), rounded up, with ``each`` the numbers that a cell may have.
    """
    if size is None:
        return None
    for strides in STRIDES:
        maps = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in strides]
        cells = sum(height * width for height, width in maps)
        for count in each:
            if anchors == count * cells:
                terms = " + ".join(f"{height}x{width}" for height, width in maps)
                words = terms if count == 1 else f"{count} x ({terms})"
                listed = ", ".join(map(str, strides))
                return count, f"{anchors} = {words}, the cells of strides {listed}"
    return None


def cells_of(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """Height and width of a map whose channels are along ``axis``, 1 or 3."""
    return (shape[2], shape[3]) if axis == 1 else (shape[1], shape[2])
