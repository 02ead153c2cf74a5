"""What is probably declared wrongly although the heads decode: told in notes, never a verdict.

A mistake that all runtimes share changes all of them alike, so that no comparison sees it.
"""

from __future__ import annotations

from collections.abc import Mapping

from parity.decode.clues.evidence import Seen
from parity.decode.clues.looks import Size
from parity.decode.contract import Family
from parity.decode.heads.candidates import Array
from parity.decode.recognise.likely import leading, likely, of_family
from parity.decode.settings import Decode

_AHEAD = 0.2  # so much more must speak for another family than for the declared one


def doubts(
    outputs: Mapping[str, Array], heads: Mapping[str, Array], settings: Decode, size: Size
) -> tuple[str, ...]:
    """Sentences about the family and the settings of its own.

    ``outputs`` by their own names, ``heads`` of the same image by role; ``size`` is (height, width)
    of the input. How many classes the suite lists is left aside: it may be what is wrong.
    """
    family, table = settings.of_family, settings.own
    if family is None or table is None:
        return ()
    said = () if family.doubts is None else family.doubts(heads, table)
    return said or _another_family(outputs, family, size)


def _another_family(outputs: Mapping[str, Array], family: Family, size: Size) -> tuple[str, ...]:
    """That another family is clearly likelier, which is only asked where one can be.

    A weight is 1 at most: next to a declared family of more than 1 - ``_AHEAD`` none is.
    """
    own = of_family(family, Seen(outputs, None, size))
    if not own or own[0].weight > 1.0 - _AHEAD + 1e-9:
        return ()
    first, declared = leading(likely(outputs, None, size)), own[0].weight
    if first is None or first.family == family.name or first.classes is None:
        return ()
    if first.weight - declared < _AHEAD - 1e-9:
        return ()
    reasons = "; ".join(first.reasons)
    return (
        f"the heads look rather like {first.family} with {first.classes} classes than like "
        f"{family.name}: {reasons}; check family and classes",
    )
