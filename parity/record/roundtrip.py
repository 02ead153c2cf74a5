"""Round trips as data: what each serialization of a native model kept and what it lost, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from parity.record.failure import Failure
from parity.record.results import Verdict

Outcome = Literal["kept", "lost", "unreadable", "not saved", "not offered", "not tried"]
"""``lost``: saved, read back, and something is not as it was. ``unreadable``: saved, and cannot be
read back. ``not saved``: the framework refuses it and says why. ``not offered``: the framework has
nothing of the kind for such a model. ``not tried``: ``reason`` says why."""

Cause = Literal[
    "custom-config",
    "not-registered",
    "untracked",
    "training-mode",
    "average",
    "weights",
    "configuration",
    "traced-path",
    "refused",
    "unreadable",
    "unexplained",
]


@dataclass(frozen=True)
class Loss:
    """One thing that was lost: why, and in ``text`` what, where and what to do about it."""

    cause: Cause
    text: str


@dataclass(frozen=True)
class Heads:
    """How far outputs of the model that was read back are from the original's, over all images.

    ``state``: "equal" bit by bit, "noise" within rounding of their dtype, or "differ". ``head`` and
    ``image`` are those of the largest difference, in the head's own unit.
    """

    state: Literal["equal", "noise", "differ"]
    max_abs: float = 0.0
    head: str = ""
    image: str = ""
    first_differs: bool = False


@dataclass(frozen=True)
class Weights:
    """The weights by name and SHA-256: how many are the same, and the names of those that are not.

    ``retyped`` came back in another dtype; ``added`` counts those that the original does not have.
    """

    same: int
    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    added: int = 0

    @property
    def kept(self) -> bool:
        """Whether every weight is as it was; a further one loses nothing."""
        return not (self.lost or self.changed or self.retyped)


@dataclass(frozen=True)
class Trip:
    """One serialization: saved, read back, compared.

    ``counts`` says whether a refusal to save counts as lost: a program that a compiler will not
    capture says so itself, a model whose weights and configuration cannot be saved has a fault.
    """

    format: str
    outcome: Outcome
    losses: tuple[Loss, ...] = ()
    reason: str = ""
    heads: Heads | None = None
    weights: Weights | None = None
    bytes: int | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    counts: bool = True

    @property
    def failed(self) -> bool:
        """Whether something was lost."""
        return self.outcome in ("lost", "unreadable") or (
            self.outcome == "not saved" and self.counts
        )


@dataclass(frozen=True)
class ModelRecord:
    """The round trips of one native runtime; ``losses`` are those of the suite's own files."""

    name: str
    kind: str
    trips: tuple[Trip, ...] = ()
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    missing: bool = False
    identity: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """pass: nothing was lost; error: it could not be opened, run or judged."""
        if self.missing:
            return "skipped"
        if self.failure is not None:
            return "error"
        if self.losses or any(trip.failed for trip in self.trips):
            return "fail"
        return "pass"


@dataclass(frozen=True)
class RoundtripRecord:
    """The round trips of one suite. ``apart`` says of other native runtimes why not theirs."""

    FORMAT: ClassVar[int] = 1
    DERIVED: ClassVar[tuple[str, ...]] = ("verdict", "exit_code")

    detector: str
    suite: str
    images: tuple[str, ...]
    of_images: int
    models: tuple[ModelRecord, ...]
    apart: dict[str, str]
    parity_version: str
    started: str
    format: int = FORMAT

    @property
    def verdict(self) -> Verdict:
        """error before fail before pass; error where no model was tried."""
        verdicts = {model.verdict for model in self.models}
        if "error" in verdicts or not verdicts & {"pass", "fail"}:
            return "error"
        return "fail" if "fail" in verdicts else "pass"

    @property
    def exit_code(self) -> int:
        """0 nothing lost, 1 something lost, 2 suite wrong, 3 a model could not be opened or run."""
        codes = {
            model.failure.exit_code for model in self.models if model.failure and not model.missing
        }
        if 2 in codes:
            return 2
        return {"pass": 0, "fail": 1}.get(self.verdict, 3)

    def losses(self) -> Iterator[tuple[str, str, Loss]]:
        """Every loss with its runtime and its format ("" for one of the suite's files)."""
        for model in self.models:
            for loss in model.losses:
                yield model.name, "", loss
            for trip in model.trips:
                for loss in trip.losses:
                    yield model.name, trip.format, loss
