"""Weights that do not fit in words: every name, each beside the nearest one of the other side."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PAIRS = 40_000  # of names that are compared; a thousand against a thousand would take a minute
_WRAPPERS = {
    "module.": " (torch.nn.DataParallel puts it there)",
    "_orig_mod.": " (torch.compile puts it there)",
}


def not_fitting(facts: Mapping[str, Any]) -> str:
    """What ``missing-weights`` says: its facts are lists of names, and of (name, shape, shape)."""
    if facts["path"] is None:
        return (
            f"expected the file that holds the weights of {facts['table'].model}, found none: a "
            f"factory alone builds a network of random weights. Save its weights and say "
            f"weights = that file, under [runtimes.{facts['runtime']}]"
        )
    place = f"expected weights that fit the network at {facts['path']}, found "
    missing = [str(name) for name in facts["missing"]]
    unexpected = [str(name) for name in facts["unexpected"]]
    mismatched = list(facts["mismatched"])
    if not missing and not unexpected and not mismatched:
        return f"{place}{facts.get('reason', 'none')}"
    inside = f" (in its entry {facts['entry']!r})" if facts.get("entry") else ""
    lines = [f"{place}{_counts(len(missing), len(unexpected), len(mismatched))}{inside}:"]
    prefix = _prefix(missing, unexpected)
    if prefix:
        lines.append(_of_prefix(prefix, len(missing)))
        explained = {prefix + name for name in missing}
        unexpected = [name for name in unexpected if name not in explained]
        missing = []
    lacking = _prefix(unexpected, missing)
    if lacking:
        lines.append(_of_lacking(lacking, len(unexpected)))
        explained = {lacking + name for name in unexpected}
        missing = [name for name in missing if name not in explained]
        unexpected = []
    lines += _listed("missing from the file", missing, unexpected)
    lines += _listed("not in the network", unexpected, missing)
    lines += [
        f"of another shape: {name}, {_shape(wanted)} in the network, {_shape(held)} in the file"
        for name, wanted, held in mismatched
    ]
    if not prefix and not lacking:
        lines.append("Name the weights of this very network, or correct how it is built.")
    return "\n  ".join(lines)


def _counts(missing: int, unexpected: int, mismatched: int) -> str:
    counted = (
        (missing, "missing from the file"),
        (unexpected, "not in the network"),
        (mismatched, "of another shape"),
    )
    return ", ".join(f"{count} {words}" for count, words in counted if count)


def _prefix(plain: Sequence[str], prefixed: Sequence[str]) -> str:
    """What stands before every name of ``plain`` in ``prefixed``; "" where nothing does."""
    if not plain:
        return ""
    there = set(prefixed)
    ends = [name for name in prefixed if name.endswith("." + plain[0])]
    for name in ends:
        prefix = name[: -len(plain[0])]
        if all(prefix + one in there for one in plain):
            return prefix
    return ""


def _of_prefix(prefix: str, count: int) -> str:
    said = _names(count)
    return (
        f"{said} in the file behind the prefix {prefix!r}{_WRAPPERS.get(prefix, '')}: strip it "
        f"where the weights are saved, {{name.removeprefix({prefix!r}): tensor}}"
    )


def _of_lacking(prefix: str, count: int) -> str:
    said = _names(count)
    return (
        f"{said} in the network behind the prefix {prefix!r}, which the file lacks: save the whole "
        f"network's state_dict(), or let the factory return its part {prefix.rstrip('.')}"
    )


def _names(count: int) -> str:
    return "the 1 name stands" if count == 1 else f"all {count} names stand"


def _listed(words: str, names: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    for name in names:
        nearest: list[str] = []
        if len(names) * len(others) <= _PAIRS:
            nearest = difflib.get_close_matches(name, others, 1) or _of_same_end(name, others)
        where = "the file" if words == "missing from the file" else "the network"
        yield f"{words}: {name}" + (f" (nearest in {where}: {nearest[0]})" if nearest else "")


def _of_same_end(name: str, others: Sequence[str]) -> list[str]:
    """The only other name that ends with the most of its words: conv1.bias for stem.bias."""
    ends = [_same_words(name, other) for other in others]
    best = max(ends, default=0)
    return [others[ends.index(best)]] if best and ends.count(best) == 1 else []


def _same_words(one: str, other: str) -> int:
    pairs = zip(reversed(one.split(".")), reversed(other.split(".")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _shape(sizes: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, sizes)) + ")"
