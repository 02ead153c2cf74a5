"""For how many classes outputs have room, where that is not as many as the suite lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from parity.decode.families import family as named
from parity.decode.heads.binding import BindingError, Output, Role, listed
from parity.decode.settings import Decode

EXTRA = (0, 1, 4, 5)  # columns beside the classes: background, box, box and objectness
ANCHORS = range(2, 10)  # of a cell, where every one has its columns in the same map
FAR = 10  # a number of classes so many times another is an axis of anchors, not of classes


def room_for_classes(
    outputs: Sequence[Output], classes: int, bind: Callable[[int], object], settings: Decode
) -> tuple[int, ...]:
    """The numbers of classes under which the outputs would be heads, the smallest first.

    ``bind`` of such a number raises ``BindingError`` where they would not be. Tried are the
    numbers that the outputs' own sizes suggest.
    """
    edges = {edge for _, shape in outputs for edge in shape}
    family = settings.of_family
    beside = () if family is None or family.beside is None else (family.beside(settings.own),)
    numbers = {edge - extra for edge in edges for extra in (*EXTRA, *beside)}
    numbers |= {edge // each for edge in edges for each in ANCHORS if edge % each == 0}
    fitting = [one for one in sorted(numbers) if one > 0 and one != classes and _fits(bind, one)]
    return tuple(one for one in fitting if one < FAR * fitting[0])


def _fits(bind: Callable[[int], object], classes: int) -> bool:
    try:
        bind(classes)
    except BindingError as error:
        return bool(error.fitting)  # several: which is which is the next question
    return True


def room_message(
    outputs: Sequence[Output],
    roles: Sequence[Role],
    family: str,
    classes: int,
    room: Sequence[int],
) -> str | None:
    """That the number of classes does not fit, with the outputs and the heads; None without room.

    Only what the family makes of the outputs is known: another may have room for them all.
    """
    if not room:
        return None
    found = " or ".join(map(str, room))
    lists = "1 class" if classes == 1 else f"{classes} classes"
    problem = (
        f"the number of classes does not fit: as {family} the outputs have room for {found}, "
        f"the suite lists {lists}"
    )
    remedy = "correct classes in [detector], or the family"
    more = [one - classes for one in room if one > classes]
    if more and "further" in named(family).table.model_fields:
        remedy += (
            f"; or say further = {' or '.join(map(str, more))} under [decode.{family}] for columns "
            f"behind the classes that are none (mask coefficients, key points, an angle)"
        )
    return "\n".join([problem, *listed(outputs, roles), remedy])
