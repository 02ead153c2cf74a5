"""Runtimes of a suite that run one and the same file, told from the hashes of their artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from parity.files import digest
from parity.record import ArtifactRecord, RuntimeRecord
from parity.record.caveats import SameFile
from parity.session import artifact_files
from parity.suite import Runtime, Suite

Artifacts = Sequence[ArtifactRecord]


def same_file(
    theirs: Runtime, found: Artifacts, ours: Runtime, known: Artifacts, *, reference: bool
) -> SameFile | None:
    """What to say of ``theirs``, whose files are ``found``, beside ``ours``; None for nothing.

    One file in two runtimes, or under settings that differ, is a comparison of these: of two
    candidates that is nothing to say, and of the reference only that there is no other network.
    """
    if not found or _content(theirs, found) != _content(ours, known):
        return None
    path, of_path = found[0].path, known[0].path
    runtimes, alone = _differing(theirs, ours)
    if path == of_path and (runtimes or (alone and not reference)):
        return None
    return SameFile(ours.name, reference, path, of_path, (*runtimes, *alone))


def with_artifacts(suite: Suite, record: RuntimeRecord) -> RuntimeRecord:
    """The record with its files, and told where they are the reference's own."""
    theirs, ours = suite.runtimes[record.name], suite.runtimes[suite.reference]
    found = _artifacts(suite, theirs)
    record = replace(record, artifacts=found)
    if theirs is ours or _bytes(suite, theirs) != _bytes(suite, ours):  # then nothing is hashed
        return record
    same = same_file(theirs, found, ours, _artifacts(suite, ours), reference=True)
    return record if same is None else _told_of(record, same)


def _artifacts(suite: Suite, runtime: Runtime) -> tuple[ArtifactRecord, ...]:
    found = []
    for path in artifact_files(runtime, suite.folder):
        inside = path.is_relative_to(suite.folder)
        name = path.relative_to(suite.folder).as_posix() if inside else path.name
        found.append(ArtifactRecord(name, *digest(path)))
    return tuple(found)


def _bytes(suite: Suite, runtime: Runtime) -> int:
    """The size of all of a runtime's files, without a look into them."""
    paths = artifact_files(runtime, suite.folder)
    files = [one for path in paths for one in ([path] if path.is_file() else path.rglob("*"))]
    return sum(one.stat().st_size for one in files if one.is_file())


def with_repeats(suite: Suite, records: Iterable[RuntimeRecord]) -> list[RuntimeRecord]:
    """The records, each candidate told of the first one before it that has its file."""
    done: list[RuntimeRecord] = []
    for record in records:
        told = next(filter(None, (_repeated(suite, record, one) for one in done)), None)
        done.append(record if told is None or record.same_file else _told_of(record, told))
    return done


def _told_of(record: RuntimeRecord, found: SameFile) -> RuntimeRecord:
    """The record with what was found, as data and as a note."""
    return replace(record, same_file=found, notes=(*record.notes, found.sentence()))


def _repeated(suite: Suite, record: RuntimeRecord, before: RuntimeRecord) -> SameFile | None:
    if "reference" in (record.role, before.role):
        return None
    theirs, ours = suite.runtimes[record.name], suite.runtimes[before.name]
    return same_file(theirs, record.artifacts, ours, before.artifacts, reference=False)


def _content(runtime: Runtime, artifacts: Artifacts) -> tuple[str, list[str]]:
    """What is run: a factory's name, and the hashes of all files."""
    model = runtime.table.model
    factory = "" if any(one.path == model for one in artifacts) or ":" not in model else model
    return factory, sorted(one.sha256 for one in artifacts)


def _differing(theirs: Runtime, ours: Runtime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of the runtime differs, and which settings."""
    a, b = theirs.table, ours.table
    where = ("kind", "interpreter", "requires", "python")
    runtimes = tuple(key for key in where if getattr(a, key) != getattr(b, key))
    settings = {
        "options": a.options != b.options,
        "preprocess": theirs.recipe.digest() != ours.recipe.digest(),
        "decode": theirs.decode != ours.decode,
    }
    return runtimes, tuple(key for key, differs in settings.items() if differs)
