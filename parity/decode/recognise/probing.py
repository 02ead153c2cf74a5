"""What a function of the user's own does not read, told by other numbers put in its place.

A function is handed every output. Where its answer stays the same, bit for bit, whatever stands in
an output or in its last columns, it does not read them. The numbers put there are of the range that
the output has, so that they are none which a function never meets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from parity.decode.contract import Columns
from parity.decode.function import decode_by_function
from parity.decode.heads.candidates import Array, Candidates, DecodeError, Proposals
from parity.decode.unread import Unread, described

_MOST_COLUMNS = 256  # of a row; what is longer are anchors
_FEW = 16  # rows that are raised: all at once could be a suppression of thousands of boxes

Answer = Candidates | Proposals
Decoding = Callable[[Mapping[str, Array]], Answer]


def unread_by_function(
    function: Callable[..., Any],
    heads: Mapping[str, Array],
    classes: int,
    size: tuple[int, int],
    name: str,
) -> tuple[Unread, ...] | None:
    """Outputs, or columns at their end, without effect on one image; None where it shows nothing.

    ``heads`` by name, as ``decode_by_function`` takes them. An image on which the function finds
    nothing says nothing of what it reads.
    """

    def decoding(given: Mapping[str, Array]) -> Answer:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return decode_by_function(function, given, classes, size, name=name)

    try:
        answer = decoding(heads)
    except DecodeError:  # it has answered before: its answers are chance
        return ()
    if not len(answer.boxes):
        return None
    found = []
    for output, head in heads.items():
        values = np.asarray(head)
        if not values.size or values.dtype.kind not in "fiu":
            continue
        if _idle(decoding, answer, heads, output, values, ...):
            found.append(described(output, values, name))
        elif (axis := _columns_axis(values.shape)) is not None:
            first = _last_columns(decoding, answer, heads, output, values, axis)
            if first < values.shape[axis]:
                found.append(described(output, values, name, Columns(axis, first)))
    return tuple(found)


def _last_columns(
    decoding: Decoding,
    answer: Answer,
    heads: Mapping[str, Array],
    output: str,
    values: Array,
    axis: int,
) -> int:
    """Where the longest run of columns without effect begins, at the end; found by halving."""

    def place(first: int) -> tuple[slice, ...]:
        return (*[slice(None)] * axis, slice(first, None))

    count: int = values.shape[axis]
    low, high = 0, count  # the run begins behind ``low`` and at ``high`` at the latest
    first = count - 1
    while high - low > 1:
        if _idle(decoding, answer, heads, output, values, place(first)):
            high = first
        else:
            low = first
        first = (low + high) // 2
    return high


def _idle(
    decoding: Decoding,
    answer: Answer,
    heads: Mapping[str, Array],
    output: str,
    values: Array,
    place: Any,
) -> bool:
    """Whether the answer is the same with other numbers at this place of an output."""
    for changed in _changed(values, place):
        try:
            found = decoding({**heads, output: changed})
        except (DecodeError, SystemExit):  # it minds what stands there
            return False
        if not _same(answer, found):
            return False
    return True


def _changed(values: Array, place: Any) -> Iterator[Array]:
    """The output with all of the place at its least, some of it at its most, all at its most."""
    part = values[place]
    finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part
    least, most = (values.dtype.type(one) for one in _ends(values, finite))
    every = slice(1, None, max(1, part.size // _FEW)) if part.size > _FEW else slice(None)
    for value, where in ((least, slice(None)), (most, every), (most, slice(None))):
        changed = values.copy()
        flat = changed[place].reshape(-1).copy()
        flat[where] = value
        changed[place] = flat.reshape(part.shape)
        yield changed


def _ends(values: Array, part: Array) -> tuple[float, float]:
    """The least and the most of the whole output; where all is one number, one below and above."""
    whole = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not whole.size:
        return 0.0, 1.0
    low, high = float(whole.min()), float(whole.max())
    return (low, high) if low < high else (low - 1, high + 1)


def _columns_axis(shape: tuple[int, ...]) -> int | None:
    """Along which columns stand, as far as a shape tells: rows at the end of which nothing is read
    are padding, and no news.

    Rows are more than twice as many as columns where they come first; behind the columns they are
    thousands of anchors, or a map.
    """
    if len(shape) == 4:
        first, last = shape[1], shape[3]
        return 1 if 2 * first < min(shape[2:]) else 3 if 2 * last < min(shape[1:3]) else None
    rows, columns = shape[-2:] if len(shape) in (2, 3) else (0, 0)
    if rows > 2 * columns:
        return len(shape) - 1
    return len(shape) - 2 if columns > max(_MOST_COLUMNS, 8 * rows) else None


def _same(one: Answer, other: Answer) -> bool:
    if type(one) is not type(other):
        return False
    pairs = [(np.asarray(one.boxes), np.asarray(other.boxes)), (one.scores, other.scores)]
    if isinstance(one, Proposals) and isinstance(other, Proposals):
        pairs.append((one.classes, other.classes))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
