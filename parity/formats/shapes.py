"""What every reader counts."""

from collections import Counter
from typing import Dict, Iterable, Sequence, Union

from .source import Unreadable

_MOST = 2**63  # numbers: sizes are counted in 64 bits, with a sign, by whoever makes a tensor


def elements(shape: Sequence[Union[int, str, None]]) -> int:
    """How many numbers a tensor of this shape holds; 0 where a dimension is free or negative.

    Raises Unreadable for a shape of more than any tensor holds.
    """
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) < len(shape) or any(size <= 0 for size in sizes):
        return 0
    count = 1
    for size in sizes:
        count *= size
        if count >= _MOST:
            raise Unreadable("the shape of a tensor claims more numbers than any file holds")
    return count


def counted(words: Iterable[str]) -> Dict[str, int]:
    """How often each word occurs, the most frequent first, then by name."""
    counts = Counter(words)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def listed(words: Sequence[str], most: int = 5) -> str:
    """The first few words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
