"""Which axis of a tensor is what, as the graph's own semantics say it.

A layout tells, axis by axis, where the channels sit among the positions: "NCHW", "NHWC", "N(HW)C"
once a map is flattened. Convolutions and poolings fix it, transposes permute it, reshapes merge and
split it, elementwise ops carry it. It knows *where* channels are and nothing of what is in them:
positions keep their order whatever a transpose did, so that a map with its height and width swapped
is compared as it is and shows as an error. Nothing is ever searched until numbers agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from parity.tensors import Array

Shape = tuple[int, ...]

Axes = tuple[tuple["Atom", ...], ...]

BATCH, CHANNEL, SPACE, POINT = "N", "C", "S", "P"
Atom = tuple[str, int]
"""A letter and a size. POINT is what a concatenation of several letters makes. Where a transpose
has put channels that a reshape had split out of their order, digits behind the letter say which
part of them it is: "C1" "C0"."""


@dataclass(frozen=True)
class Layout:
    """The axes of one tensor, each as its atoms, major first; an axis of size 1 has none."""

    axes: tuple[tuple[Atom, ...], ...]

    @property
    def shape(self) -> Shape:
        """The tensor's shape."""
        return tuple(prod(size for _, size in axis) for axis in self.axes)

    def channel_axis(self, channels: int) -> int | None:
        """The one axis that is just so many channels; None where there is none, or several."""
        whole = ((CHANNEL, channels),)
        found = [place for place, axis in enumerate(self.axes) if axis == whole]
        return found[0] if len(found) == 1 else None

    def __str__(self) -> str:
        spaces = sum(letter == SPACE for axis in self.axes for letter, _ in axis)
        names = iter("HW" if spaces == 2 else "DHW" if spaces == 3 else "L" * spaces)
        parts = []
        for place, axis in enumerate(self.axes):
            letters = [next(names, "L") if one == SPACE else one[0] for one, _ in axis]
            merged = "".join(
                one for i, one in enumerate(letters) if i == 0 or one != letters[i - 1]
            )
            text = merged or ("N" if place == 0 else "1")
            parts.append(f"({text})" if len(text) > 1 else text)
        return "".join(parts)


def windowed(shape: Shape, channel_axis: int) -> Layout:
    """The layout that a convolution or pooling gives to its maps: N, channels and positions."""
    channels = channel_axis % len(shape)
    letters = [SPACE] * len(shape)
    letters[0], letters[channels] = BATCH, CHANNEL
    return Layout(tuple(_axis(one, size) for one, size in zip(letters, shape, strict=True)))


def permuted(layout: Layout, order: Sequence[int]) -> Layout:
    """After a transpose whose output axis i is input axis ``order[i]``."""
    axes = _told_apart(layout.axes)
    return Layout(_settled(tuple(axes[axis] for axis in order)))


def _told_apart(axes: Axes) -> Axes:
    """Each part of split channels under a name of its own."""
    parts = [letter for axis in axes for letter, _ in axis if letter[0] == CHANNEL]
    if len(parts) < 2 or any(letter != CHANNEL for letter in parts):
        return axes
    digits = iter(range(len(parts)))
    return tuple(
        tuple((f"{one}{next(digits)}" if one == CHANNEL else one, size) for one, size in axis)
        for axis in axes
    )


def _settled(axes: Axes) -> Axes:
    """Without names for the parts of channels where those lie in their order.

    Nor where a reshape has merged parts that do not: that makes other channels, in a new order.
    """
    parts = [[letter for letter, _ in axis if letter[0] == CHANNEL] for axis in axes]
    listed = [letter for axis in parts for letter in axis]
    merged = any(axis != sorted(axis) for axis in parts)
    return _without_parts(axes) if merged or listed == sorted(listed) else axes


def _without_parts(axes: Axes) -> Axes:
    """Without names for the parts of channels."""
    return tuple(tuple((letter[0], size) for letter, size in axis) for axis in axes)


def reshaped(layout: Layout, shape: Shape) -> Layout | None:
    """After a row-major reshape; None where an axis would be cut at a place that is no divisor."""
    atoms = [atom for axis in layout.axes for atom in axis]
    axes = []
    for size in shape:
        axis: list[Atom] = []
        while size > 1:
            if not atoms:
                return None
            letter, whole = atoms.pop(0)
            if size % whole == 0:
                axis.append((letter, whole))
                size //= whole
            elif whole % size == 0:
                first, rest = (letter, letter) if len(letter) == 1 else (f"{letter}0", f"{letter}1")
                axis.append((first, size))
                atoms.insert(0, (rest, whole // size))
                size = 1
            else:
                return None
        axes.append(tuple(axis))
    return Layout(_settled(tuple(axes))) if not atoms else None


def resized(layout: Layout, shape: Shape) -> Layout:
    """After an op that keeps the axes and changes their lengths (padding, slicing, pooling)."""
    axes = []
    for axis, before, size in zip(layout.axes, layout.shape, shape, strict=True):
        letters = {letter[0] for letter, _ in axis}
        if before == size:
            axes.append(axis)
        elif len(letters) <= 1:
            axes.append(_axis(letters.pop() if letters else POINT, size))
        else:
            axes.append(_axis(POINT, size))
    return Layout(tuple(axes))


def reduced(layout: Layout, shape: Shape) -> Layout | None:
    """After axes were dropped: what is left, positions first to go; None where it is not clear."""
    axes = list(layout.axes)
    for wanted in ({SPACE}, {POINT}, {CHANNEL}, set()):
        for axis in reversed(layout.axes):
            if len(axes) > len(shape) and {letter[0] for letter, _ in axis} == wanted:
                axes.remove(axis)
    left = Layout(tuple(axes))
    return left if left.shape == shape else None


def with_last(layout: Layout, size: int) -> Layout:
    """After a dense layer: the last axis holds ``size`` channels."""
    return Layout((*_without_parts(layout.axes[:-1]), _axis(CHANNEL, size)))


def _axis(letter: str, size: int) -> tuple[Atom, ...]:
    return ((letter, size),) if size > 1 else ()


def bring(array: Array, source: Layout | None, target: Layout | None, shape: Shape) -> Array | None:
    """``array`` as the other side lays it out (a view where possible), or None: not comparable.

    Where no layout is known on a side, only equal shapes are comparable, as they are.
    """
    if source is None or target is None:
        return array if array.shape == shape else None
    if source == target:
        return array if array.shape == shape else None
    steps = _steps(source, target)
    if steps is None:
        return _unmoved(array, source, target, shape)
    sizes, order = steps
    moved = array.reshape(sizes).transpose(order)
    return moved.reshape(shape) if moved.size == prod(shape) else None


def scaled(array: Array, layout: Layout, scales: Array) -> Array:
    """An array of this layout, each channel times its scale; as it is where no one axis is just
    those channels."""
    axis = layout.channel_axis(scales.size)
    if axis is None:
        return array
    along = [1] * len(layout.axes)
    along[axis] = scales.size
    return np.asarray(array * scales.reshape(along).astype(array.dtype))


def _unmoved(array: Array, source: Layout, target: Layout, shape: Shape) -> Array | None:
    """As it is, where concatenated heads lie alike as far as either side knows."""
    if array.size != prod(shape):
        return None
    if array.shape == shape:
        pairs = zip(source.axes, target.axes, strict=True)
        return array if all(_alike(one, other) for one, other in pairs) else None
    first = [next((a[0] for axis in one.axes for a in axis), "") for one in (source, target)]
    return array.reshape(shape) if set(first) == {POINT} else None


def _alike(one: tuple[Atom, ...], other: tuple[Atom, ...]) -> bool:
    letters = [{letter[0] for letter, _ in axis} for axis in (one, other)]
    return letters[0] == letters[1] or any(POINT in each for each in letters)


def _steps(source: Layout, target: Layout) -> tuple[Shape, Shape] | None:
    """The atoms' sizes of the source in common pieces, and the order in which the target has them.

    Letter by letter, the pieces follow each other in the same order on both sides, but for parts of
    channels that are known to have been moved.
    """
    mine = [atom for axis in source.axes for atom in axis]
    theirs = [atom for axis in target.axes for atom in axis]
    pieces: dict[str, list[int]] = {}
    for letter in {one[0] for one, _ in mine + theirs}:
        common = _common(
            [mine[place][1] for place in _in_order(mine, letter)],
            [theirs[place][1] for place in _in_order(theirs, letter)],
        )
        if common is None:
            return None
        pieces[letter] = common
    listed, wanted = _pieces(mine, pieces), _pieces(theirs, pieces)
    sizes = tuple(pieces[letter][place] for letter, place in listed)
    return sizes, tuple(listed.index(one) for one in wanted)


def _common(first: list[int], second: list[int]) -> list[int] | None:
    """The coarsest factors that both factorisations of one number can be put together from."""
    if prod(first) != prod(second):
        return None
    cuts = sorted({*np.cumprod(first).tolist(), *np.cumprod(second).tolist()})
    pieces, before = [], 1
    for cut in cuts:
        if cut % before:
            return None
        pieces.append(cut // before)
        before = cut
    return [size for size in pieces if size > 1]


def _in_order(atoms: list[Atom], letter: str) -> list[int]:
    """The places of a letter's atoms, parts that were moved in the order that they had before."""
    places = [place for place, atom in enumerate(atoms) if atom[0][0] == letter]
    return sorted(places, key=lambda place: atoms[place][0])


def _pieces(atoms: list[Atom], pieces: dict[str, list[int]]) -> list[tuple[str, int]]:
    """Every atom as its pieces: (letter, place among that letter's pieces)."""
    listed: list[list[tuple[str, int]]] = [[] for _ in atoms]
    for letter, sizes in pieces.items():
        piece = 0
        for place in _in_order(atoms, letter):
            size = atoms[place][1]
            while size > 1:
                listed[place].append((letter, piece))
                size //= sizes[piece]
                piece += 1
    return [one for parts in listed for one in parts]
