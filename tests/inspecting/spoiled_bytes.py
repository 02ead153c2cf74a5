"""Small things that are done to bytes, whatever they mean."""

from __future__ import annotations

import random
from collections.abc import Callable


def spoiled(data: bytes, rng: random.Random) -> bytes:
    """One to four of them."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_KINDS)(found, rng)
    return bytes(found)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 3, 30))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _extreme(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data) - 8))
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01"))
    data[at : at + width] = value * width


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(max(1, len(data))) :]


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    del data[at : at + rng.choice((1, 2, 8, 100, 5000))]


def _double(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    piece = data[at : at + rng.choice((1, 4, 64, 3000))]
    where = rng.randrange(max(1, len(data)))
    data[where:where] = piece


def _noise(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    data[at : at + 16] = rng.randbytes(16)


def _head(data: bytearray, rng: random.Random) -> None:
    """The first bytes hold the offsets and counts."""
    at = rng.randrange(max(1, min(len(data), 256)))
    data[at : at + 1] = rng.randbytes(1)


_KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _extreme, _extreme, _cut, _drop, _double, _noise, _head,
)  # fmt: skip
