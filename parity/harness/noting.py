"""What whoever reads a verdict should know of the inputs and the golden behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parity import golden, preprocess
from parity.harness.reference import Recorded, Reference
from parity.pipeline import Images
from parity.record import RuntimeRecord
from parity.suite import Recipe, Suite


def stood_in(images: Images, recipe: Recipe) -> tuple[str, ...]:
    """What to say where recorded inputs take the place of a library that is not installed."""
    if not images.stood_in(recipe):
        return ()
    return (f"it is fed the inputs of the golden: {preprocess.missing(recipe)}",)


def doubtful(doubts: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Doubts by runtime as sentences: one for all runtimes of which the same is said."""
    found: dict[str, list[str]] = {}
    for name, said in doubts.items():
        for one in said:
            found.setdefault(one, []).append(name)
    return tuple(f"warning: {', '.join(names)}: {one}" for one, names in found.items())


def of_golden(suite: Suite, against: Reference, record: RuntimeRecord) -> tuple[str, ...]:
    """What changed, or may have changed, since the golden behind the judgement was recorded."""
    if not isinstance(against.heads, Recorded):
        return ()
    unseen = against.heads.golden.unseen(suite)
    if record.role != "reference":
        return unseen
    return unseen + golden.library_changes(against.heads.golden, record.identity)


def recorded_otherwise(
    suite: Suite, images: Images, against: Reference, record: RuntimeRecord
) -> tuple[str, ...]:
    """Whether the golden's inputs are still what its recipe makes of the images that failed."""
    if not isinstance(against.heads, Recorded):
        return ()
    recipe = suite.runtimes[suite.reference].recipe
    for image in record.failed_images():
        prepared = images.prepared(image.image, recipe)
        change = against.heads.golden.input_change(image.image, prepared)
        if change is not None:
            return (f"the golden was recorded from another input: {change}; {golden.AGAIN}",)
    return ()
