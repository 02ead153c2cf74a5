"""Outputs and columns of heads that nobody reads, so that nothing is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from parity.decode.by_family import partly_read
from parity.decode.contract import Columns
from parity.decode.heads.candidates import Array
from parity.decode.settings import Decode


@dataclass(frozen=True)
class Unread:
    """What ``reader``, a family or a function, does not read of ``output``.

    ``columns``: the first and the last along ``axis``; None for the whole output.
    ``shape`` is the output's. ``low``, ``high``: of the numbers on one image; None where there are
    none. ``partner``: of the same of the reference. ``of``: the reference, where it alone has this.
    """

    output: str
    shape: tuple[int, ...]
    reader: str
    columns: tuple[int, int] | None = None
    axis: int | None = None
    low: float | None = None
    high: float | None = None
    partner: tuple[float, float] | None = None
    of: str = ""

    @property
    def behind(self) -> Columns | None:
        """Which columns these are."""
        if self.columns is None or self.axis is None:
            return None
        return Columns(self.axis, self.columns[0])

    @property
    def key(self) -> tuple[object, ...]:
        """The same for what two runtimes call by different names."""
        return self.shape, self.columns

    @property
    def range(self) -> tuple[float, float] | None:
        """From the least to the largest number."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def short(self) -> str:
        """For the verdict's line."""
        if self.columns is None:
            return f"output {self.output!r}"
        first, last = self.columns
        which = f"column {first}" if first == last else f"columns {first} to {last}"
        return f"{which} of {self.output!r}"

    def sentence(self) -> str:
        """For the notes of a runtime."""
        whose = f" of {self.of}, of which there is no other here" if self.of else ""
        seen = "" if self.low is None else f", {self.low:.4g}..{self.high:.4g}"
        if self.partner is not None:
            seen += " (of the reference {:.4g}..{:.4g})".format(*self.partner)
        size = "(" + ", ".join(map(str, self.shape)) + ")"
        many = self.columns is not None and self.columns[0] != self.columns[1]
        return (
            f"not judged: {self.short()} {size}{seen}{whose}: {self.reader} does not read "
            f"{'them' if many else 'it'}"
        )


def unread(
    outputs: Mapping[str, Array], bound: Mapping[str, str], settings: Decode, classes: int
) -> tuple[Unread, ...]:
    """Outputs that are no head of the family, and columns of heads that it does not read.

    ``outputs`` by their own names, ``bound`` of role to name. A function is handed everything: see
    ``decode/recognise/probing.py`` for what it does not read.
    """
    if settings.family is None:
        return ()
    found = [
        described(name, values, settings.family)
        for name, values in outputs.items()
        if name not in bound.values()
    ]
    heads = {role: np.asarray(outputs[name]) for role, name in bound.items()}
    for role, behind in partly_read(heads, settings, classes).items():
        found.append(described(bound[role], heads[role], settings.family, behind))
    return tuple(found)


def described(name: str, head: Array, reader: str, behind: Columns | None = None) -> Unread:
    """An output, or the columns at its end, with the range of its finite numbers."""
    values, columns = np.asarray(head), None
    shape = values.shape
    if behind is not None:
        columns = (behind.first, shape[behind.axis] - 1)
        values = np.take(values, range(behind.first, shape[behind.axis]), behind.axis)
    low = high = None
    if values.size and values.dtype.kind in "fiub":
        least, most = float(values.min()), float(values.max())
        if not np.isfinite([least, most]).all():
            finite = values[np.isfinite(values)]
            least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        low, high = least + 0.0, most + 0.0  # never -0
    axis = None if behind is None else behind.axis
    return Unread(name, shape, reader, columns, axis, low, high)


def carried_over(
    found: tuple[Unread, ...], heads: Mapping[str, Array], others: Mapping[str, Array]
) -> tuple[Unread, ...]:
    """What a function does not read of ``heads``, said of others of the same shapes and order."""
    names = dict(zip(heads, others, strict=True))
    return tuple(
        described(names[one.output], others[names[one.output]], one.reader, one.behind)
        for one in found
    )


def beside(own: tuple[Unread, ...], theirs: tuple[Unread, ...], name: str) -> tuple[Unread, ...]:
    """What is not read of a runtime, with the reference's ranges; then what the latter alone has.

    ``name`` is the reference's.
    """
    left = list(theirs)
    found = []
    for one in own:
        partner = next((other for other in left if other.key == one.key), None)
        if partner is not None:
            left.remove(partner)
            one = replace(one, partner=partner.range)
        found.append(one)
    return (*found, *(replace(one, of=name) for one in left))


def surplus(own: tuple[Unread, ...], others: tuple[Unread, ...]) -> tuple[Unread, ...]:
    """Those of ``others`` that have no partner among ``own``, one to one."""
    left = [one.key for one in own]
    found = []
    for one in others:
        if one.key in left:
            left.remove(one.key)
        else:
            found.append(one)
    return tuple(found)
