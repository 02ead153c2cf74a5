"""Which artifacts are made in which order, and whether the suite's ``export`` tables make sense."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from parity.errors import SuiteError
from parity.export.methods import METHODS
from parity.isolation import is_foreign
from parity.session import artifact_paths
from parity.suite import Export, Runtime, Suite


@dataclass(frozen=True)
class Step:
    """One artifact to make: the runtime's, from ``source``'s, at ``target`` below the suite."""

    name: str
    source: str
    table: Export
    target: PurePosixPath


def plan(suite: Suite, names: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps for these runtimes, sources first; ``SuiteError`` with every problem found."""
    problems: list[str] = []
    steps: dict[str, Step] = {}
    for name in names:
        runtime = suite.runtimes[name]
        table = runtime.table.export
        assert table is not None  # whoever calls has selected
        found = list(_problems(suite, runtime, table))
        target = _target(runtime)
        if target is None:
            found.append(_no_target(runtime))
        else:
            steps[name] = Step(name, _source(suite, table), table, target)
        problems += found
    order, cycle = _ordered(steps)
    if cycle is not None:
        problems.append(cycle)
    problems += _absent(suite, steps)
    problems += _shared(steps)
    if problems:
        raise SuiteError(str(suite.path), problems)
    return tuple(order)


def _source(suite: Suite, table: Export) -> str:
    return table.source or suite.reference


def _target(runtime: Runtime) -> PurePosixPath | None:
    """Where the artifact is written, relative to the suite; None where that names no file."""
    name = runtime.table.weights or runtime.table.model
    path = PurePosixPath(Path(name).as_posix())
    if ":" in path.name or path.is_absolute() or ".." in path.parts or not path.parts:
        return None
    return path


def _no_target(runtime: Runtime) -> str:
    key = "model" if runtime.table.weights is None else "weights"
    return (
        f"runtimes.{runtime.name}.{key}: expected a file inside the suite's folder to export to, "
        f"found {getattr(runtime.table, key)!r}"
    )


def _problems(suite: Suite, runtime: Runtime, table: Export) -> list[str]:
    """What does not fit together in one ``export`` table."""
    where = f"runtimes.{runtime.name}.export"
    method = METHODS[table.method]
    source = suite.runtimes[_source(suite, table)]
    found = []
    if method.writes and runtime.table.kind not in method.writes:
        able = [name for name, one in METHODS.items() if runtime.table.kind in one.writes]
        found.append(
            f"{where}.method: expected one of {', '.join([*able, 'function'])} for "
            f"kind = {runtime.table.kind!r}, found {table.method!r}"
        )
    if method.reads and source.table.kind not in method.reads:
        found.append(
            f"{where}.from: expected a runtime of kind {' or '.join(method.reads)} for "
            f"method = {table.method!r}, found {source.name!r} of kind {source.table.kind!r}"
        )
    if method.reads and is_foreign(source):
        found.append(
            f"{where}.from: expected a runtime without requires or python, found {source.name!r}: "
            f"exporters run in the Python that runs parity, with its versions of libraries. Name a "
            f"runtime of the same model that has no environment of its own, or export the file "
            f"with the versions of that environment and leave export out"
        )
    for key in ("opset", "representative", "function"):
        value = getattr(table, key)
        if value is None and key in method.needs:
            found.append(
                f"{where}.{key}: expected a value for method = {table.method!r}, found nothing"
            )
        if value is not None and key not in (*method.needs, *method.takes):
            able = [name for name, one in METHODS.items() if key in (*one.needs, *one.takes)]
            found.append(
                f"{where}.{key}: expected only with method = {' or '.join(map(repr, able))}, "
                f"found with {table.method!r}"
            )
    return found


def _ordered(steps: dict[str, Step]) -> tuple[list[Step], str | None]:
    """Sources before what is made from them, else in the suite's order; or the cycle in words."""
    order: list[Step] = []
    for name in steps:
        trail: list[str] = []
        at = name
        while at in steps and steps[at] not in order:
            if at in trail:
                loop = [*trail[trail.index(at) :], at]
                return [], (
                    f"runtimes.{at}.export.from: expected a source that is not made from the "
                    f"runtime itself, found the cycle {' from '.join(loop)}"
                )
            trail.append(at)
            at = steps[at].source
        order += [steps[one] for one in reversed(trail)]
    return order, None


def _absent(suite: Suite, steps: dict[str, Step]) -> list[str]:
    """Sources that no step makes and that are not there."""
    found = []
    for step in steps.values():
        if step.source in steps:
            continue
        source = suite.runtimes[step.source]
        missing = [path for path in artifact_paths(source, suite.folder) if not path.exists()]
        if missing:
            remedy = "; export it too" if source.table.export is not None else ""
            found.append(
                f"runtimes.{step.name}.export.from: expected the model file of {step.source!r} "
                f"at {missing[0]}, found nothing{remedy}"
            )
    return found


def _shared(steps: dict[str, Step]) -> list[str]:
    """Targets that two steps would write."""
    found = []
    owners: dict[PurePosixPath, str] = {}
    for step in steps.values():
        other = owners.setdefault(step.target, step.name)
        if other != step.name:
            found.append(
                f"runtimes.{step.name}.model: expected a file of its own to export to, found "
                f"{str(step.target)!r}, which runtimes.{other} exports to"
            )
    return found
