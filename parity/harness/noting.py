"""What whoever reads a verdict should know of the inputs and the golden behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parity import golden, preprocess
from parity.harness.reference import Recorded, Reference
from parity.isolation import is_isolated
from parity.pipeline import Images
from parity.record import ImageRecord, RuntimeRecord
from parity.runtimes.shared import resolve
from parity.suite import Recipe, Runtime, Suite


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


def deliberate(images: Iterable[ImageRecord]) -> tuple[str, ...]:
    """What settings change that are other than the reference's on purpose."""
    changed = [one.agreement.deliberate for one in images if one.agreement is not None]
    if not any(changed):
        return ()
    return (
        f"settings = 'deliberate': its own threshold and NMS change {sum(changed)} detections of "
        f"the reference on {sum(map(bool, changed))} of {len(changed)} images; it is judged "
        f"against what the reference would deploy with them",
    )


def stand_ins(suite: Suite, runtime: Runtime) -> tuple[str, ...]:
    """Which modules of the suite's folder took the place of others of their name, here.

    A runtime with a process of its own imports them there, if it does.
    """
    named = (runtime.table.model, runtime.recipe.function, runtime.decode.function)
    if is_isolated(runtime.table) or not any(":" in (one or "") for one in named):
        return ()
    return tuple(
        f"{name} is that of the suite's folder here, not the {other} one"
        for name, other in resolve.stand_ins(str(suite.folder)).items()
    )
