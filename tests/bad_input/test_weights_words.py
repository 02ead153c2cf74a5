"""Weights that do not fit, in words: whole lists, the nearest names, a prefix in one line."""

from __future__ import annotations

import time
from typing import Any

import pytest

from parity.session.weights import not_fitting


def words(missing: list[str], unexpected: list[str], *mismatched: Any, **more: Any) -> list[str]:
    lists = {"missing": missing, "unexpected": unexpected, "mismatched": mismatched}
    return not_fitting({"path": "net.pth", **lists, **more}).split("\n  ")


def test_every_name_is_listed_beside_the_nearest_one() -> None:
    """Also the twentieth, and a name that nothing resembles stands alone."""
    missing = [f"block{i}.conv.weight" for i in range(20)] + ["anchors"]
    unexpected = [f"block{i}.conv.wieght" for i in range(20)]
    first, *lines, last = words(missing, unexpected)
    assert first == (
        "expected weights that fit the network at net.pth, found 21 missing from the file, "
        "20 not in the network:"
    )
    assert len(lines) == 41
    assert lines[19] == (
        "missing from the file: block19.conv.weight (nearest in the file: block19.conv.wieght)"
    )
    assert lines[20] == "missing from the file: anchors"
    assert lines[40] == (
        "not in the network: block19.conv.wieght (nearest in the network: block19.conv.weight)"
    )
    assert last == "Name the weights of this very network, or correct how it is built."


@pytest.mark.parametrize(
    ("prefix", "who"),
    [
        ("module.", " (torch.nn.DataParallel puts it there)"),
        ("_orig_mod.", " (torch.compile puts it there)"),
        ("model.", ""),
        ("ema.module.", ""),
    ],
)
def test_a_prefix_that_explains_all_is_one_line(prefix: str, who: str) -> None:
    """And what else is too many is listed beneath."""
    names = ["body.weight", "body.bias", "head.weight"]
    found = words(names, [prefix + name for name in names] + ["steps"])
    assert found[1:] == [
        f"all 3 names stand in the file behind the prefix {prefix!r}{who}: strip it where the "
        f"weights are saved, {{name.removeprefix({prefix!r}): tensor}}",
        "not in the network: steps",
    ]


def test_a_prefix_of_the_network_is_one_line_too() -> None:
    """The file is of a part of it; what else is missing is listed."""
    found = words(["net.body.weight", "net.body.bias", "head.weight"], ["body.weight", "body.bias"])
    assert found[1:] == [
        "all 2 names stand in the network behind the prefix 'net.', which the file lacks: save the "
        "whole network's state_dict(), or let the factory return its part net",
        "missing from the file: head.weight",
    ]


def test_one_name_more_than_a_prefix_explains_hides_nothing() -> None:
    """No prefix is claimed where it does not explain every name that is missing."""
    found = words(["body.weight", "anchors"], ["module.body.weight"])
    assert found[1:] == [
        "missing from the file: body.weight (nearest in the file: module.body.weight)",
        "missing from the file: anchors",
        "not in the network: module.body.weight (nearest in the network: body.weight)",
        "Name the weights of this very network, or correct how it is built.",
    ]


def test_shapes_are_told_of_both_sides() -> None:
    """A scalar has an empty shape."""
    found = words([], [], ("head.bias", (6,), (5,)), ("scale", (), (2, 3)))
    assert found[1:3] == [
        "of another shape: head.bias, (6) in the network, (5) in the file",
        "of another shape: scale, () in the network, (2, 3) in the file",
    ]


def test_the_entry_of_a_checkpoint_is_named() -> None:
    """What was looked into, where a file holds more than the weights."""
    assert words(["a"], [], entry="state_dict")[0] == (
        "expected weights that fit the network at net.pth, found 1 missing from the file (in its "
        "entry 'state_dict'):"
    )


def test_another_network_altogether_is_told_at_once() -> None:
    """Thousands of names against thousands: all are listed, and no nearest is looked for."""
    started = time.perf_counter()
    found = words([f"a.{i}.weight" for i in range(3000)], [f"b.{i}.bias" for i in range(3000)])
    assert len(found) == 6002
    assert time.perf_counter() - started < 5
