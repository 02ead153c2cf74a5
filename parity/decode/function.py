"""A decoder of the user's own: called with the heads, its answer checked before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity.decode.heads.answers import checked
from parity.decode.heads.candidates import Array, Candidates, DecodeError, Proposals


def decode_by_function(
    function: Callable[..., Any],
    heads: Mapping[str, Array],
    classes: int,
    size: tuple[int, int],
    *,
    name: str = "function",
) -> Candidates | Proposals:
    """``function(heads, size=(height, width))``, validated; ``name`` is what messages call it.

    ``heads``: the outputs by their own names, with their batch of one. It returns boxes (N, 4),
    xyxy in pixels of the network's input, and either scores (N,) and classes (N,), or scores
    (N, classes) alone. NMS follows as for every family. What is wrong is a ``DecodeError``.
    """
    copies = {head: np.array(values) for head, values in heads.items()}  # it may write into them
    try:
        answer = function(copies, size=size)
    except Exception as error:
        raise DecodeError(f"{name} raised {type(error).__name__}: {error}") from error
    return checked(answer, classes, name)
