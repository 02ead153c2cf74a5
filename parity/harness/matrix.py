"""A matrix: one runtime in versions, options or models, each cell beside reference and first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from parity.diagnosis import Ran, first_meaning, meaning
from parity.errors import ParityError, UsageError, unforeseen
from parity.formats import written_by
from parity.harness.cells import Judged, cell_record, facts_of, own, unnamed
from parity.harness.layering import layers
from parity.harness.run import Run
from parity.record import RuntimeRecord, now
from parity.record.matrix import (
    Divergent,
    MatrixRecord,
    RowRecord,
    failures,
)
from parity.session import artifact_paths
from parity.suite import Row, Suite, load
from parity.suite.problems import unknown_name
from parity.version import __version__

Progress = Callable[[str, int, int], None]

LOOKED_INTO = 2  # broken images on which a broken cell's layers are compared
_EXAMPLE = '[[matrix]] with name, runtime and cells = [{ name = "installed" }, ...]'


def matrix(
    suite: Suite | Path | str,
    rows: tuple[str, ...] | None = None,
    *,
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> MatrixRecord:
    """Run the cells of a suite's rows (all of them for None) and compare them.

    A cell whose library or environment cannot be had here is an error, or skipped with
    ``allow_missing``. Raises ``SuiteError`` and ``UsageError``; what happens to a single cell is
    part of the record.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    chosen = _chosen(suite, rows)
    started = now()
    run = Run(_with_cells(suite, chosen))
    steps = _Steps(progress, sum(len(row.cells) for row in chosen) * (1 + len(suite.images)))
    try:
        records = tuple(_row(run, row, allow_missing, steps) for row in chosen)
        try:
            source = run.source
        except ParityError:
            source = "none"
    finally:
        run.close()
    return MatrixRecord(
        detector=suite.name,
        suite=suite.path.name,
        reference=suite.reference,
        reference_source=source,
        images=suite.images,
        rows=records,
        parity_version=__version__,
        started=started,
    )


@dataclass
class _Steps:
    """Tells how far the work is."""

    progress: Progress | None
    total: int
    done: int = 0

    def step(self, text: str) -> None:
        if self.progress is not None:
            self.progress(text, self.done, self.total)
        self.done += 1


def _chosen(suite: Suite, names: tuple[str, ...] | None) -> tuple[Row, ...]:
    if not suite.matrix:
        raise UsageError(f"{suite.path}: matrix: expected {_EXAMPLE}, found no row")
    known = [row.name for row in suite.matrix]
    for name in names or ():
        if name not in known:
            raise UsageError(unknown_name(f"{suite.path}: rows", name, known))
    return tuple(row for row in suite.matrix if names is None or row.name in names)


def _with_cells(suite: Suite, rows: tuple[Row, ...]) -> Suite:
    """The suite with the cells of all rows in the place of its candidates."""
    runtimes = {suite.reference: suite.runtimes[suite.reference]}
    for row in rows:
        runtimes |= {_key(row, i): cell.runtime for i, cell in enumerate(row.cells)}
    return replace(suite, runtimes=runtimes)


def _key(row: Row, index: int) -> str:
    """A cell's name as a runtime of the derived suite: like no runtime's and no other cell's."""
    return f"{row.runtime}[{row.name}, {index}]"


def _row(run: Run, row: Row, allow_missing: bool, steps: _Steps) -> RowRecord:
    keys = [_key(row, i) for i in range(len(row.cells))]
    own = {key: run.suite.runtimes[key] for key in keys}
    beside = run.beside(replace(run.suite, reference=keys[0], runtimes=own))
    judged: list[Judged] = []
    found: list[Divergent | None] = []
    for key, cell in zip(keys, row.cells, strict=True):
        compared = beside if judged and judged[0].runs else None
        one = _judge(run, compared, key, f"{row.name}: {cell.name}", steps)
        judged.append(one)
        if key != keys[0]:  # the first stays open: the others are compared with it
            run.release(key)
        found.append(_looked_into(run.suite, key, one))
    run.release(keys[0])
    facts = [facts_of(judged[0], one) for one in judged]
    first = judged[0]
    leading = first_meaning(facts[0].holds, first.runs, facts[1:], facts[0].tried)
    meanings = [leading, *map(meaning, facts[1:])]
    cells = zip(row.cells, judged, facts, meanings, found, strict=True)
    return RowRecord(
        name=row.name,
        runtime=row.runtime,
        kind=row.cells[0].runtime.table.kind,
        cells=tuple(
            cell_record(cell.name, one, fact.changes, said, layer, allow_missing)
            for cell, one, fact, said, layer in cells
        ),
    )


def _judge(run: Run, beside: Run | None, key: str, cell: str, steps: _Steps) -> Judged:
    """Open a cell and judge it image by image: each is run once, and compared on both sides."""
    steps.step(f"opening {cell}")
    opened = not own(run.open(key).failure)
    for image in run.suite.images if opened else ():
        steps.step(f"{cell} {image}")
        if not own(run.image(key, image).failure) and beside is not None:
            beside.image(key, image)
    reference = run.runtime(key)
    failure = next(iter(sorted(failures(reference), key=lambda one: not own(one))), None)
    return Judged(
        ran=_ran(run, key, reference),
        opened=opened,
        reference=reference,
        first=beside.runtime(key) if beside is not None and not own(failure) else None,
        failure=failure,
        saved_by=_saved_by(run.suite, key),
    )


def _saved_by(suite: Suite, key: str) -> str:
    """What wrote the cell's files, by what stands in them; "" where they do not say it."""
    authors = [written_by(str(path)) for path in artifact_paths(suite.runtimes[key], suite.folder)]
    return ", ".join(dict.fromkeys(one for one in authors if one))


def _ran(run: Run, key: str, record: RuntimeRecord) -> Ran:
    """What the cell's network was made of: files by their content, functions by their names."""
    runtime = run.suite.runtimes[key]
    names = [runtime.table.model, runtime.table.weights]
    functions = [name for name in names if name is not None and ":" in Path(name).name]
    files = [file.sha256 for file in record.artifacts]
    return Ran(runtime, record.identity, (*functions, *files))


def _looked_into(suite: Suite, key: str, judged: Judged) -> Divergent | None:
    """The layer that introduces most of a broken cell's error; None where nothing is broken."""
    if judged.reference.verdict != "fail":
        return None
    broken = tuple(image.image for image in judged.reference.failed_images())
    images = (*broken, *(image for image in suite.images if image not in broken))[:LOOKED_INTO]
    try:
        found = layers(replace(suite, images=images), key, len(images))
    except (Exception, SystemExit) as error:  # whatever one cell does, the others' results stand
        return Divergent(note=f"its layers could not be looked into: {unforeseen(error)}")
    if found.table is None:
        cause = "" if found.failure is None else found.failure.message
        cause = unnamed(cause, key, judged.ran)
        return Divergent(note=f"its layers could not be looked into: {cause}")
    if found.table.input_differs:
        return Divergent(note="no layer introduces it: the input differs, look at preprocess")
    if found.table.undecided:
        return Divergent(note="no layer that could be compared introduces it")
    suspects = found.table.suspects(1)
    if not suspects:
        return Divergent(note="no layer introduces it, seen one by one and unoptimised")
    (row,) = suspects
    return Divergent(row.layer or row.candidate, row.candidate_op, row.local_rel_l2)
