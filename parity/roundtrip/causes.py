"""What is said of losses in every framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.record.roundtrip import Heads, Loss, Weights
from parity.roundtrip import outputs
from parity.roundtrip.reading import Original
from parity.roundtrip.tripping import Seen

_NAMED = 3


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


def moved(before: Sequence[str], which: str) -> Loss:
    """Weights that change while a model that is not trained runs."""
    return Loss(
        "training-mode",
        f"BatchNorm in training mode: {_counted(before)} changed while the model ran, though "
        f"{which}: {listed(before)}; outputs depend on the batch's own statistics",
    )


def restless(one: outputs.Run, other: outputs.Run) -> float | None:
    """How far two runs on one image are apart; None where they are the same."""
    found = outputs.compared([""], [one], [other])
    return found.max_abs if found.state == "differ" else None


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _counted(names: Sequence[str]) -> str:
    return "1 weight" if len(names) == 1 else f"{len(names)} weights"
