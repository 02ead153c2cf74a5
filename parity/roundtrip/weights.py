"""Weights compared by their names and the hashes of their bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from parity.record.roundtrip import Weights
from parity.tensors import Array


class Print(NamedTuple):
    """One weight: shape, dtype, SHA-256 of its bytes in C order."""

    shape: tuple[int, ...]
    dtype: str
    sha256: str


def fingerprint(array: Array, dtype: str = "") -> Print:
    """The print of one array; ``dtype`` is its name where numpy has none for it."""
    found = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return Print(tuple(array.shape), dtype or str(array.dtype), found)


def named(pairs: Iterable[tuple[str, Print]]) -> dict[str, Print]:
    """Prints by name; a name that comes again is numbered."""
    seen: Counter[str] = Counter()
    found = {}
    for name, one in pairs:
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name}#{seen[name]}"] = one
    return found


def compared(ours: Mapping[str, Print], theirs: Mapping[str, Print]) -> Weights:
    """What became of each weight. One that only has another name is the same."""
    shared = [name for name in ours if name in theirs]
    rest = Counter(one for name, one in theirs.items() if name not in ours)
    same, lost = 0, []
    for name, one in ours.items():
        if name in theirs:
            continue
        if rest[one] > 0:
            rest[one] -= 1
            same += 1
        else:
            lost.append(name)
    retyped = [name for name in shared if ours[name].dtype != theirs[name].dtype]
    changed = [name for name in shared if name not in retyped and ours[name] != theirs[name]]
    same += len(shared) - len(retyped) - len(changed)
    return Weights(same, tuple(lost), tuple(changed), tuple(retyped), rest.total())
