"""A layout that is declared wrongly for a network that does not say its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity.errors import RunError
from parity.session import Session
from parity.suite import Decode, Recipe, Runtime, RuntimeTable
from parity.suite.tolerance import BUILT_IN

NETWORK = """
import torch


def build():
    return torch.nn.Conv2d(3, 4, 3)
"""


def test_a_network_of_torch_that_is_fed_nhwc_is_told_of_its_layout(tmp_path: Path) -> None:
    """PyTorch's own words, and the key that they come from."""
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Conv2d(3, 4, 3).state_dict(), tmp_path / "net.pth")
    (tmp_path / "wrong_layout_net.py").write_text(NETWORK)
    runtime = Runtime(
        name="native",
        table=RuntimeTable(
            kind="torch", model="wrong_layout_net:build", weights="net.pth", layout="NHWC"
        ),
        tolerance=BUILT_IN["float32"],
        recipe=Recipe(size=(8, 8)),
        decode=Decode(function="none:none", score_threshold=0.5),
    )
    with Session(runtime, tmp_path) as session, pytest.raises(RunError) as caught:
        session.run(np.zeros((8, 8, 3), np.float32))
    assert str(caught.value).startswith("native: raised while it ran: RuntimeError: Given groups=1")
    assert str(caught.value).endswith(
        ". Images of torch are NCHW by custom, and layout = 'NHWC' is declared: correct it under "
        "[runtimes.native]. It was fed input (1, 8, 8, 3), float32, NHWC; if it takes another "
        "size, see preprocess.size"
    )
