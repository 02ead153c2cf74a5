"""Which family of detectors a network's heads look like, and why: told, never acted upon."""

from __future__ import annotations

from collections.abc import Mapping

from parity.decode import families
from parity.decode.clues.evidence import Likelihood, Seen
from parity.decode.clues.looks import Size, looks, shown
from parity.decode.contract import Family
from parity.decode.heads.candidates import Array

ENOUGH = 0.6  # from here on a family is told as what the heads look like
AHEAD = 0.1  # and only where the next one is so much weaker


def likely(
    heads: Mapping[str, Array], classes: int | None, size: Size | None
) -> tuple[Likelihood, ...]:
    """The families that the heads of one image may be of, the likeliest first.

    ``heads``: outputs by name, with their batch of one, as real numbers. ``classes`` and ``size``
    ((height, width) of the input) as the suite says, None where nobody said. Names, shapes and
    values are looked at; what no rule knows is in no family.
    """
    seen = Seen(heads, classes, size)
    found = [one for family in families.every() for one in of_family(family, seen)]
    return tuple(sorted(found, key=lambda one: -one.weight))


def of_family(family: Family, seen: Seen) -> list[Likelihood]:
    """What speaks for one family, the most first; nothing where nothing does."""
    found = family.clues(seen) if family.clues is not None else ()
    return sorted((one for one in found if one.weight > 0), key=lambda one: -one.weight)


def leading(ranking: tuple[Likelihood, ...]) -> Likelihood | None:
    """The first, where enough speaks for it and clearly more than for any other."""
    if not ranking or ranking[0].weight < ENOUGH:
        return None
    ahead = len(ranking) == 1 or ranking[0].weight - ranking[1].weight >= AHEAD - 1e-9
    return ranking[0] if ahead else None


def appearance(heads: Mapping[str, Array], classes: int, size: Size | None, declared: str) -> str:
    """What a message about heads that do not fit ends with: how they look, and the likely family.

    ``declared`` is the suite's family: where it is the likely one, only the heads are described.
    """
    lines = ["on this image they are", *shown(looks(heads, size))]
    first = leading(likely(heads, classes, size))
    if first is not None and first.family not in {declared, *families.family(declared).alike}:
        reasons = "; ".join(first.reasons)
        lines.append(
            f'the heads look like {first.family}: {reasons}; say family = "{first.family}"'
        )
    return "\n".join(lines)
