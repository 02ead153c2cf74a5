"""One round trip: a model saved in a format, read back, compared."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from parity.record.roundtrip import Heads, Loss, Outcome, Trip, Weights
from parity.roundtrip import outputs
from parity.roundtrip.reading import Original, Run
from parity.roundtrip.weights import Print, compared
from parity.runtimes.shared.loading import quiet
from parity.session import Session

_RUNS = 8  # at least that are made once more: a random layer may draw the same again


class NotOffered(Exception):
    """The framework has no such format for a model of this kind; the message says what it lacks."""


class NotTold(Exception):
    """Whether this one loses anything cannot be told; the message says why."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model that was read back made of the images, and how it compares."""

    heads: Heads
    weights: Weights
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Format:
    """One serialization: how it is saved, read back, and where its weights are seen.

    ``refusable``: a framework may refuse it for reasons of its own, which lose nothing.
    ``recompiled``: a compiler has been at it, so that sums may come in another order.
    """

    name: str
    file: str
    save: Callable[[Path], None]
    read: Callable[[Path], Session]
    prints: Callable[[Session, Path], Mapping[str, Print]]
    refusable: bool = False
    recompiled: bool = False


@dataclass(frozen=True)
class Words:
    """What a framework's own side says: the original's weights, and why something was lost.

    ``failed`` words what was raised when a model was saved ("save") or read back ("read");
    ``unsteady`` that outputs of what was read back are that far apart from run to run.
    """

    prints: Callable[[], Mapping[str, Print]]
    explain: Callable[[Session, Seen], Iterator[Loss]]
    failed: Callable[[BaseException, str], tuple[Loss, ...]]
    unsteady: Callable[[float], Loss]


def trip(original: Original, form: Format, words: Words) -> Trip:
    """Save, read back, compare."""
    started = time.perf_counter()
    with _private() as folder, quiet():
        found = _tripped(original, form, words, folder / form.file)
    return replace(found, seconds=time.perf_counter() - started)


def _tripped(original: Original, form: Format, words: Words, path: Path) -> Trip:
    try:
        form.save(path)
    except NotOffered as limit:
        return Trip(form.name, "not offered", reason=str(limit))
    except Exception as error:  # a framework raises whatever it likes
        losses = words.failed(error, "save")
        told, counts = losses[0].text, not form.refusable
        return Trip(form.name, "not saved", losses if counts else (), told, counts=counts)
    size, ours = _size(path), words.prints()
    try:
        session = form.read(path)
    except NotOffered as limit:
        return Trip(form.name, "not offered", reason=str(limit), bytes=size)
    except NotTold as limit:
        return Trip(form.name, "not tried", reason=str(limit), bytes=size)
    except Exception as error:
        return _unreadable(form, words, error, size)
    with session:
        theirs = form.prints(session, path)
        try:
            runs = original.heads(session)
            again = [original.heads(session) for _ in range(-(-_RUNS // len(original.images)))]
        except Exception as error:
            return _unreadable(form, words, error, size)
        gap = _unsteady(runs, again)
        if gap is not None:
            losses = (words.unsteady(gap),)
            weights = compared(ours, theirs)
            return Trip(form.name, "lost", losses, weights=weights, bytes=size)
        return replace(_compared(original, form, words, session, runs, ours, theirs), bytes=size)


def _unsteady(runs: tuple[Run, ...], again: list[tuple[Run, ...]]) -> float | None:
    """How far runs of one model on the same images are apart; None where they are the same."""
    gaps = [outputs.restless(*pair) for some in again for pair in zip(runs, some, strict=True)]
    return max((gap for gap in gaps if gap is not None), default=None)


def _unreadable(form: Format, words: Words, error: Exception, size: int) -> Trip:
    losses = words.failed(error, "read")
    return Trip(form.name, "unreadable", losses, losses[0].text, bytes=size)


def _compared(
    original: Original,
    form: Format,
    words: Words,
    session: Session,
    runs: tuple[Run, ...],
    ours: Mapping[str, Print],
    theirs: Mapping[str, Print],
) -> Trip:
    weights = compared(ours, theirs)
    try:
        exact = original.steady and not form.recompiled
        heads = outputs.compared(original.images, original.runs, runs, exact)
    except outputs.Unlike as unlike:
        loss = Loss("configuration", f"{form.name} came back with other heads: {unlike}")
        return Trip(form.name, "lost", (loss,), weights=weights)
    losses = tuple(words.explain(session, Seen(heads, weights, runs)))
    mates = outputs.renamed(list(original.runs[0]), list(runs[0]))
    others = [f"{name} is called {other}" for name, other in mates.items() if name != other]
    notes = (f"heads have other names: {', '.join(others)}",) if others else ()
    outcome: Outcome = "lost" if losses else "kept"
    return Trip(form.name, outcome, losses, heads=heads, weights=weights, notes=notes)


@contextmanager
def _private() -> Iterator[Path]:
    """A folder that only this user can look into, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="parity-roundtrip-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(path: Path) -> int:
    # A TensorFlow checkpoint is a prefix: its files lie beside each other.
    files = [path] if path.is_file() else [one for one in path.parent.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)
