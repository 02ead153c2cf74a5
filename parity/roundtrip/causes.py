"""What is said of losses in every framework."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from parity.record.roundtrip import Heads, Loss, Weights
from parity.roundtrip.outputs import alike, renamed
from parity.roundtrip.reading import Original
from parity.roundtrip.tripping import Seen
from parity.tensors import Array

SHARED = (
    "the factory gives the same weights each time it is called, so there is no fresh model to read "
    "them into"
)
_NAMED = 3
_STATISTIC = re.compile(r"(running|moving)_(mean|var|variance)$|num_batches_tracked$")
_Key = TypeVar("_Key", bound=Hashable)


def weight_losses(weights: Weights | None) -> Iterator[Loss]:
    """One loss for each way in which weights are not what they were."""
    if weights is None:
        return
    for names, how in (
        (weights.lost, "did not come back"),
        (weights.changed, "came back with other values"),
        (weights.retyped, "came back in another dtype"),
    ):
        if names:
            yield Loss("weights", f"{_counted(names)} {how}: {listed(names)}")


def unexplained(heads: Heads) -> Loss:
    """Outputs that differ without any known cause."""
    return Loss(
        "unexplained",
        f"head {heads.head!r} differs by up to {heads.max_abs:.2g}, though weights and "
        f"configuration are the same: a value that is neither, or a random one",
    )


def differing(original: Original, seen: Seen) -> int:
    """The image on which the outputs differ most."""
    found: int = original.images.index(seen.heads.image)
    return found


def like_training(
    original: Original,
    seen: Seen,
    in_training: Callable[[Original, int], tuple[Mapping[str, Array], bool]],
    remedy: str,
) -> Loss | None:
    """Whether the outputs are what the original gives in training mode.

    ``in_training`` runs the original so, on one image: its heads, and whether anything normalises.
    """
    place = differing(original, seen)
    mates = renamed(list(original.runs[0]), list(seen.runs[0]))
    theirs = {name: seen.runs[place][mate] for name, mate in mates.items()}
    try:
        trained, normalises = in_training(original, place)
    except Exception:  # a model that cannot be copied, or not be trained on images alone
        return None
    if not normalises or not alike(trained, theirs):
        return None
    return Loss(
        "training-mode",
        f"BatchNorm in training mode: head {seen.heads.head!r} is what the original gives in "
        f"training mode, normalised by the batch's own statistics; {remedy}",
    )


def moved(
    changed: Sequence[str], statistics: Sequence[str], which: str, gap: float | None
) -> Iterator[Loss | str]:
    """Weights that change while a model runs that is not trained: a loss, or, in words, none.

    ``statistics`` are those of them that are a batch norm's; ``gap`` is how far outputs are from
    run to run, None where they are the same.
    """
    others = [name for name in changed if name not in statistics]
    if statistics:
        yield Loss(
            "training-mode",
            f"BatchNorm in training mode: {_counted(statistics)} changed while the model ran, "
            f"though {which}: {listed(statistics)}; outputs depend on the batch's own statistics",
        )
    if not others:
        return
    said = f"{_counted(others)} changed while the model ran, though {which}: {listed(others)}"
    if gap is None:
        yield f"{said}; outputs are the same from run to run, so nothing is lost by it"
    else:
        yield Loss(
            "weights",
            f"{said}; what is saved depends on how often the model has run, and outputs change by "
            f"{gap:.2g} from run to run",
        )


def is_statistic(name: str) -> bool:
    """Whether a weight is called as a batch norm calls its statistics."""
    return _STATISTIC.search(name) is not None


def moving(original: Original, kept: Callable[[], Mapping[_Key, Any]]) -> set[_Key]:
    """What of ``kept`` changes with the image: the original runs two that differ, and others' runs
    are left as they were.
    """
    canvas = original.canvases[0]
    found = []
    for one in (canvas, np.ascontiguousarray(canvas[::-1]), np.zeros_like(canvas)):
        original.session.run(one, original.images[0])
        found.append(kept())
    names = {name for one in found for name in one}
    return {name for name in names if any(one.get(name) != found[0].get(name) for one in found)}


def unsteady(form: str, random: Callable[[], Sequence[str]], gap: float) -> Loss:
    """A model that gives other outputs each time, though the original does not."""
    names = random()
    which = f"; what draws numbers in it: {listed(names)}" if names else ""
    return Loss(
        "training-mode",
        f"random layer in training mode: outputs of {form} change by up to {gap:.2g} from run to "
        f"run, though those of the original are the same{which}; take it out of the model that is "
        f"deployed",
    )


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _counted(names: Sequence[str]) -> str:
    return "1 weight" if len(names) == 1 else f"{len(names)} weights"
