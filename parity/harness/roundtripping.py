"""Round trips of a suite's native models: which serialization loses what, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from parity import isolation, session
from parity import runtimes as kinds
from parity.errors import ParityError, RuntimeFailure, RuntimeMissing, UsageError
from parity.export.console import Console
from parity.layers.subjects.opening import open_runtime
from parity.pipeline import Images
from parity.record import Failure, now
from parity.record.roundtrip import Loss, ModelRecord, RoundtripRecord
from parity.roundtrip import averages, frameworks, outputs, training
from parity.roundtrip.causes import moved
from parity.roundtrip.reading import Original, opened
from parity.runtimes.contract import Native
from parity.runtimes.shared import reasons
from parity.suite import Runtime, Suite, load
from parity.version import __version__

Progress = Callable[[str, int, int], None]

IMAGES = 8  # that outputs are compared on, spread over the suite's


def roundtrip(
    suite: Suite | Path | str,
    runtimes: tuple[str, ...] | None = None,
    *,
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> RoundtripRecord:
    """Save and read back the native models of a suite (those of ``runtimes``, or all for None).

    Raises ``SuiteError``, and ``UsageError`` where there is none, or one that was named cannot be
    tried. What happens to a single model is part of the record.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    names, apart = _chosen(suite, runtimes)
    started = now()
    step = max(1, len(suite.images) // IMAGES)
    images = suite.images[::step][:IMAGES]
    prepared = Images(suite)
    models = []
    for done, name in enumerate(names):
        if progress is not None:
            progress(f"round trips of {name}", done, len(names))
        models.append(_model(suite, suite.runtimes[name], images, prepared, allow_missing))
    return RoundtripRecord(
        detector=suite.name,
        suite=suite.path.name,
        images=images,
        of_images=len(suite.images),
        models=tuple(models),
        apart=apart,
        parity_version=__version__,
        started=started,
    )


def _chosen(suite: Suite, asked: tuple[str, ...] | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """The runtimes whose models make round trips, and why other native ones do not."""
    able, apart, others = [], {}, []
    for name in suite.select(asked):
        runtime = suite.runtimes[name]
        reason = _unable(suite, runtime)
        if reason is None:
            able.append(name)
        elif frameworks.of(runtime.table.kind) and _is_native(suite, runtime):
            apart[name] = reason
        else:
            others.append(f"{name} {reason}")
    wrong = [*(f"{name} {reason}" for name, reason in apart.items()), *others]
    if not able or (asked and wrong):
        expected = "runtimes whose native model can be saved" if asked else "a native model to save"
        raise UsageError(
            f"{suite.path}: --roundtrip: expected {expected}, found: {'; '.join(wrong)}"
        )
    return tuple(able), apart


def _unable(suite: Suite, runtime: Runtime) -> str | None:
    """Why a runtime has no model here that could be saved; else None."""
    if not _is_native(suite, runtime):
        return f"of kind {runtime.table.kind!r}, which is no native model but an export"
    if isolation.is_foreign(runtime):
        return (
            "runs in an environment of its own (requires or python), and a model is saved where it "
            "is open: install its framework here and take these keys away"
        )
    return None


def _is_native(suite: Suite, runtime: Runtime) -> bool:
    """Whether it is a model of its framework, not a program that was captured from one."""
    table = runtime.table
    framework = frameworks.of(table.kind)
    if framework is None or not framework.programs:
        return framework is not None
    if table.weights is not None or ":" in Path(table.model).name:
        return True
    from parity.formats import recognise
    from parity.runtimes.contract import AdapterError

    try:
        return recognise(str(suite.folder / table.model)).kind in ("pickle", "state-dict")
    except AdapterError:
        return True  # opening it says what is wrong


def _model(
    suite: Suite, runtime: Runtime, images: tuple[str, ...], prepared: Images, allow: bool
) -> ModelRecord:
    name, kind = runtime.name, runtime.table.kind
    reason = session.missing(runtime) or prepared.missing(runtime.recipe)
    if reason is not None:
        failure = Failure.of(RuntimeMissing(name, reason))
        return ModelRecord(name, kind, failure=failure, missing=allow)
    try:
        original = opened(suite, runtime, images, prepared)
        try:
            with Console():  # whatever a framework keeps of its streams it has taken by now
                return _tripped(original)
        finally:
            original.session.close()
    except ParityError as error:
        return ModelRecord(name, kind, failure=Failure.of(error))
    except Exception as error:  # a framework raises whatever it likes, where nobody expects it
        why = reasons.reason(error)
        told = RuntimeFailure(name, f"its round trips cannot be told: it raised {why}")
        return ModelRecord(name, kind, failure=Failure.of(told))


def _tripped(original: Original) -> ModelRecord:
    name, kind = original.runtime.name, original.runtime.table.kind
    framework = _framework(original.runtime)
    side = framework.trips()
    before = side.prints(original.native)
    original.run()
    after = side.prints(original.native)
    changed = [one for one in before if before[one] != after.get(one)]
    again = original.session.run(original.canvases[0], original.images[0]).heads
    repeat = outputs.compared([""], original.runs[:1], [again])
    original.steady = repeat.state == "equal"
    gap = repeat.max_abs if repeat.state == "differ" else None
    if gap is not None and not changed:
        raise RuntimeFailure(
            name,
            f"expected the same outputs for the same image, found some that differ by {gap:.2g} "
            f"from run to run: nothing can be compared with them",
        )
    statistics = side.statistics(original, changed) if changed else []
    told = list(moved(changed, statistics, framework.called, gap))
    notes, of_files = _files(original)
    if gap is not None:
        told.append(f"no round trips of {name}: its outputs change by {gap:.2g} from run to run")
    return ModelRecord(
        name,
        kind,
        trips=tuple(side.trips(original)) if gap is None else (),
        losses=(*(one for one in told if isinstance(one, Loss)), *of_files),
        notes=(*notes, *(one for one in told if isinstance(one, str))),
        identity=original.session.identity(),
    )


def _framework(runtime: Runtime) -> frameworks.Framework:
    found = frameworks.of(runtime.table.kind)
    assert found is not None, runtime  # else it was not chosen
    return found


def _keeps_its_mode(runtime: Runtime) -> bool:
    """Whether its file may hold a program, which keeps the mode in which it was captured."""
    framework = frameworks.of(runtime.table.kind)
    return framework is not None and framework.programs and runtime.table.weights is None


def _files(original: Original) -> tuple[tuple[str, ...], tuple[Loss, ...]]:
    """What the suite's own files have lost: training mode, and which set of weights they are of."""
    suite, runtime = original.suite, original.runtime
    losses: list[Loss] = []
    notes: list[str] = []
    if _keeps_its_mode(runtime):
        losses += training.losses(suite, runtime, original.native)
    found = frameworks.sets(original)
    if found is not None:
        losses.append(averages.held(found, runtime.name))
    for name, candidate in suite.runtimes.items():
        if name == runtime.name:
            continue
        same = candidate.table.kind == runtime.table.kind
        with_mode = same and _framework(runtime).programs
        if found is None and not with_mode:
            continue
        try:
            told = list(_of_candidate(original, candidate, found))
        except ParityError as error:
            told = [f"{name} was not looked into: {error}"]
        losses += [one for one in told if isinstance(one, Loss)]
        notes += [one for one in told if isinstance(one, str)]
    return tuple(notes), tuple(losses)


def _of_candidate(
    original: Original, candidate: Runtime, found: averages.Sets | None
) -> Iterator[Loss | str]:
    """Losses of another file of the suite, and what could not be told of it."""
    suite, runtime = original.suite, original.runtime
    table = candidate.table
    inside = kinds.descriptor(table.kind).inside
    if not inside or (isolation.is_foreign(candidate) and inside == "graph"):
        return
    reason = session.missing(candidate)
    if reason is not None:
        return
    if table.kind == runtime.table.kind and _keeps_its_mode(candidate):
        with session.Session(candidate, suite.folder) as one:
            if isinstance(one.adapter, Native) and not _is_native(suite, candidate):
                yield from training.losses(suite, candidate, one.adapter.native())
    if found is not None:
        subject = open_runtime(suite, candidate.name).subject
        try:
            constants = subject.graph.constants
        finally:
            subject.close()
        yield from averages.made_from(found, runtime.name, candidate.name, constants)
