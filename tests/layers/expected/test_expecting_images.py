"""What is expected of one image says nothing of the next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parity.layers.align.local import Replayed
from parity.layers.expected.expecting import Expecting
from parity.layers.numbers.grids import Grid
from parity.runtimes.contract import Quantization


def test_the_range_of_a_tensor_is_judged_anew_for_each_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is judged once an image, whatever it was on the image before."""
    matching: Any = SimpleNamespace()
    subject: Any = SimpleNamespace(grids={"t": Grid(Quantization((0.01,), (0,)), "int8")})
    expecting = Expecting(matching, subject, [])
    monkeypatch.setattr(expecting, "_files", subject)
    monkeypatch.setattr(expecting, "_fixed", lambda name: None)
    found = []
    for largest in (1.0, 50.0):  # the grid holds the first, and clips the second
        expecting.run(Replayed({}, {}, {}))
        exact = np.linspace(-largest, largest, 5000)
        expecting._made = {"t": SimpleNamespace(exact=exact)}  # type: ignore[dict-item]
        found.append((expecting._inner("t"), expecting._inner("t")))
    assert [one.clips for one, again in found if one is not None and one is again] == [False, True]
