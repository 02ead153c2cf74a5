"""What every reader counts."""

import math
from collections import Counter
from typing import Dict, Iterable, Sequence, Union


def elements(shape: Sequence[Union[int, str, None]]) -> int:
    """How many numbers a tensor of this shape holds; 0 where a dimension is free or negative."""
    if any(not isinstance(size, int) or size < 0 for size in shape):
        return 0
    return math.prod(size for size in shape if isinstance(size, int))


def counted(words: Iterable[str]) -> Dict[str, int]:
    """How often each word occurs, the most frequent first, then by name."""
    counts = Counter(words)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def listed(words: Sequence[str], most: int = 5) -> str:
    """The first few words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
