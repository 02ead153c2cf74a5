"""Heads that are detections already, as a network with NMS inside gives them: read and checked.

What does not fit is a ``DecodeError`` that names the likely misreading. Boxes are read in bulk:
whether a box is finite and its corners in order is checked where its score is known to count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import SCORE_SLACK, Array, DecodeError, Floats, Ints
from parity.decode.heads.units import FAR


def detections_role(
    name: str,
    needs: str,
    last: tuple[int, ...],
    names: tuple[str, ...],
    hint: Callable[[Shape], str | None] = lambda _: None,
) -> Role:
    """A head of N detections, with or without a batch of one, each of shape ``last``."""
    rank = 1 + len(last)

    def fits(shape: Shape) -> bool:
        rows = shape[1:] if len(shape) == rank + 1 and shape[0] == 1 else shape
        return len(rows) == rank and rows[1:] == last

    return Role(name, needs, fits, hint, names)


def count_role(names: tuple[str, ...]) -> Role:
    """The head ``count``: one number, how many rows are detections."""
    return Role("count", "(1,)", lambda shape: shape in ((), (1,), (1, 1)), names=names)


def rows_of(head: Array, name: str, last: tuple[int, ...] = ()) -> Floats:
    """A head of N detections as float64 (N, *last), without its batch of one."""
    values = np.asarray(head)
    if values.ndim == 2 + len(last) and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 1 + len(last) or values.shape[1:] != last:
        wanted = ", ".join(["N", *map(str, last)])
        raise DecodeError(
            f"{name}: expected shape (1, {wanted}), one row a detection, found {np.shape(head)}"
        )
    return values.astype(np.float64)


def same_length(heads: Mapping[str, Floats]) -> None:
    """Every head has as many rows."""
    if len({len(head) for head in heads.values()}) > 1:
        found = ", ".join(f"{len(head)} {name}" for name, head in heads.items())
        raise DecodeError(f"expected as many {' as '.join(heads)}, found {found}")


def count_of(head: Array, rows: int, each: int = 1) -> int:
    """How many of the rows are detections, where each that is counted stands for ``each`` rows."""
    values = np.asarray(head, dtype=np.float64).reshape(-1)
    if values.size != 1:
        raise DecodeError(f"count: expected one number, found shape {np.shape(head)}")
    count = float(values[0])
    most = rows // each
    if not (count == np.trunc(count) and 0 <= count <= most):
        raise DecodeError(
            f"count: expected a whole number of 0..{most}, as there are {rows} rows, "
            f"found {count:g}; is another head bound to count?"
        )
    return int(count) * each


def without_padding(
    heads: Mapping[str, Array], lasts: Mapping[str, tuple[int, ...]], each: int = 1
) -> dict[str, Array]:
    """The heads, whose rows are of shape ``lasts``, down to as many rows as ``count`` says.

    Rows behind it may hold anything. Heads that do not fit one another stay as they are.
    """
    try:
        rows = {name: rows_of(heads[name], name, last) for name, last in lasts.items()}
        same_length(rows)
        count = count_of(heads["count"], len(next(iter(rows.values()))), each)
    except (DecodeError, KeyError):
        return dict(heads)
    return {
        name: head
        if name not in lasts
        else (head[:count] if head.ndim == 1 + len(lasts[name]) else head[:, :count])
        for name, head in heads.items()
    }


def that_count(
    rows: Mapping[str, Floats], score: str, label: str, beside: tuple[str, ...] = ()
) -> dict[str, Floats]:
    """The rows without those that say nothing: of a score of 0, or -1 in every number.

    Networks of a fixed number of rows fill up with them, and what their class is means nothing.
    NaN is no padding, nor is a score that is clearly none. ``score`` and ``label`` are keys of
    ``rows``, ``beside`` those that say nothing of a detection.
    """
    table = _table([values for name, values in rows.items() if name not in beside])
    with np.errstate(invalid="ignore"):
        idle = (rows[score] <= 0.0) & (rows[score] >= -SCORE_SLACK)
    kept = ~((idle & np.isfinite(table).all(axis=1)) | (table == -1.0).all(axis=1))
    if len(kept) and not kept.any():
        _check_whole(rows[label], score, label)
    return {name: values[kept] for name, values in rows.items()}


def without_constant(rows: Mapping[str, Floats]) -> dict[str, Floats]:
    """The rows without those in which every number is 0, or every number -1."""
    table = _table(list(rows.values()))
    kept = ~((table == 0.0).all(axis=1) | (table == -1.0).all(axis=1))
    return {name: values[kept] for name, values in rows.items()}


def _table(columns: Sequence[Floats]) -> Floats:
    return np.concatenate([one if one.ndim == 2 else one[:, None] for one in columns], axis=1)


def _check_whole(ids: Floats, score: str, label: str) -> None:
    """Scores read as ids, and ids of a single class read as scores: that would find nothing."""
    with np.errstate(invalid="ignore"):
        whole = ids == np.trunc(ids)
    if not whole.all():
        seen = ", ".join(f"{one:g}" for one in np.unique(ids)[:8])
        raise DecodeError(
            f"{label}: expected whole numbers, found {seen}, and no {score} above 0: are they the "
            f"other way round?"
        )


def classes_of(ids: Floats, first: int, classes: int) -> Ints:
    """Ids, whose first class is ``first``, as classes from 0 on."""
    with np.errstate(invalid="ignore"):
        whole = ids == np.trunc(ids)
        good = whole & (ids >= first) & (ids < first + classes)
    if good.all():
        return ids.astype(np.int64) - first
    seen = ", ".join(f"{one:g}" for one in np.unique(ids)[:8])
    message = (
        f"classes: expected ids {first}..{first + classes - 1}, as first_class = {first} and there "
        f"are {classes} classes, found {seen}"
    )
    if not whole.all():
        raise DecodeError(
            f"{message}; ids are whole numbers: is the head of scores bound to classes?"
        )
    low, high = int(ids.min()), int(ids.max())
    for other in (0, 1):
        if other <= low and high < other + classes:
            raise DecodeError(f"{message}; say first_class = {other}")
    raise DecodeError(f"{message}; does the suite list every class?")


def scores_in_range(scores: Floats, hint: str) -> Floats:
    """Scores, or what else was read as scores: ``hint`` says what that probably is."""
    with np.errstate(invalid="ignore"):
        outside = (scores < -SCORE_SLACK) | (scores > 1.0 + SCORE_SLACK)
    if outside.any():
        found = f"{float(np.nanmin(scores)):.6g}..{float(np.nanmax(scores)):.6g}"
        raise DecodeError(f"scores: expected values within 0..1, found {found}; {hint}")
    return scores


def pixels_of(
    boxes: Floats, box_format: str, normalized: bool, size: tuple[int, int], hint: str = ""
) -> Floats:
    """Boxes as xyxy in pixels of the input; refused where relative ones are clearly in pixels.

    The reverse is told of all families alike, see ``decode/pixels.py``.
    """
    far = np.abs(boxes).max(axis=1, initial=0.0)
    far = far[np.isfinite(far) & (far > 0)]
    usual = float(np.median(far)) if far.size else 0.0
    if normalized and usual > FAR:
        raise DecodeError(
            f"boxes: expected coordinates relative to the input, 0..1, found most boxes beyond "
            f"{FAR:g}, up to {far.max():.6g}: are they in pixels?{hint}"
        )
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        return to_xyxy(boxes, box_format, size if normalized else None)
