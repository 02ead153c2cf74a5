"""A native model that is open, and others read back from files beside it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from parity.errors import ParityError
from parity.pipeline import Images
from parity.record.roundtrip import Heads, Loss, Outcome, Trip, Weights
from parity.roundtrip import outputs
from parity.roundtrip.weights import Print
from parity.roundtrip.weights import compared as compared_weights
from parity.runtimes import support
from parity.runtimes.contract import AdapterError
from parity.session import Session
from parity.suite import Runtime, Suite

Array = NDArray[Any]
Run = Mapping[str, Array]


@dataclass(eq=False)
class Original:
    """The native model of a runtime, in this process, and what it makes of each image.

    ``canvases`` are the prepared images (H, W, 3); ``runs`` their heads.
    """

    suite: Suite
    runtime: Runtime
    session: Session
    images: tuple[str, ...]
    canvases: tuple[Array, ...]
    runs: tuple[Run, ...] = ()

    def run(self) -> None:
        """Run the images."""
        self.runs = self.heads(self.session)

    @property
    def native(self) -> Any:
        """The framework's own model."""
        return self.session.adapter.native()  # type: ignore[attr-defined]

    @property
    def factory(self) -> bool:
        """Whether the suite names a function that builds the model, and weights for it."""
        return self.runtime.table.weights is not None

    def fed(self, place: int) -> Array:
        """A prepared image as the network takes it."""
        return self.session.arrange(self.canvases[place]).array

    def fresh(self) -> Session:
        """The model opened once more, as the suite says."""
        return Session(self.runtime, self.suite.folder)

    def read(self, kind: str, path: Path, options: Mapping[str, Any] | None = None) -> Session:
        """A file that was just saved from this model, opened as a runtime of the kind.

        It holds no code but that of the model, which runs already: it needs no trust of its own.
        """
        table = self.runtime.table.model_copy(
            update={
                "kind": kind,
                "model": str(path),
                "weights": None,
                "trust": True,
                "options": dict(self.runtime.table.options if options is None else options),
            }
        )
        return Session(replace(self.runtime, table=table), self.suite.folder)

    def heads(self, session: Session) -> tuple[Run, ...]:
        """What a model that was read back makes of the same images."""
        pairs = zip(self.canvases, self.images, strict=True)
        return tuple(session.run(canvas, image).heads for canvas, image in pairs)


def opened(suite: Suite, runtime: Runtime, images: tuple[str, ...], prepared: Images) -> Original:
    """Open a runtime in this process, as its model is needed here. Raises as a session does."""
    here = {"isolated": False, "timeout": None, "memory_limit": None}
    runtime = replace(runtime, table=runtime.table.model_copy(update=here))
    canvases = tuple(prepared.prepared(image, runtime.recipe).canvas for image in images)
    return Original(suite, runtime, Session(runtime, suite.folder), images, canvases)


@dataclass(frozen=True)
class Seen:
    """What is left of a model that was read back when it is closed again."""

    heads: Heads
    weights: Weights | None
    runs: tuple[Run, ...]
    losses: tuple[Loss, ...]
    notes: tuple[str, ...] = ()


class NotOffered(Exception):
    """The framework has no such format for a model of this kind; the message says what it lacks."""


Save = Callable[[Path], None]
Read = Callable[[Path], Session]
Prints = Callable[[Session, Path], Mapping[str, Print]]
Explain = Callable[[Session, Seen], Iterator[Loss]]


@dataclass(frozen=True)
class Format:
    """One serialization: how it is saved, read back, and where its weights are seen.

    ``refusable``: a framework may refuse it for reasons of its own, which lose nothing.
    """

    name: str
    file: str
    save: Save
    read: Read
    prints: Prints
    refusable: bool = False


def trip(
    original: Original,
    form: Format,
    prints: Callable[[], Mapping[str, Print]],
    explain: Explain,
    failed: Callable[[BaseException, str], tuple[Loss, ...]],
) -> Trip:
    """Save, read back, compare; ``failed`` words what was raised ("save" or "read")."""
    started = time.perf_counter()
    with private() as folder:
        path = folder / form.file
        try:
            with support.quiet():
                form.save(path)
        except NotOffered as limit:
            return Trip(form.name, "not offered", reason=str(limit))
        except Exception as error:
            found = failed(error, "save")
            return Trip(
                form.name,
                "not saved",
                () if form.refusable else found,
                found[0].text,
                seconds=time.perf_counter() - started,
                counts=not form.refusable,
            )
        size, ours = _size(path), prints()
        try:
            with support.quiet():
                session = form.read(path)
                try:
                    seen = _seen(original, session, form.prints(session, path), ours)
                    losses = tuple(explain(session, seen))
                finally:
                    session.close()
        except NotOffered as limit:
            return Trip(form.name, "not offered", reason=str(limit))
        except Exception as error:
            found = failed(error, "read")
            return Trip(
                form.name,
                "unreadable",
                found,
                found[0].text,
                bytes=size,
                seconds=time.perf_counter() - started,
            )
    outcome: Outcome = "lost" if losses else "kept"
    return Trip(
        form.name,
        outcome,
        losses,
        heads=seen.heads,
        weights=seen.weights,
        bytes=size,
        seconds=time.perf_counter() - started,
        notes=seen.notes,
    )


def _seen(
    original: Original, session: Session, theirs: Mapping[str, Print], ours: Mapping[str, Print]
) -> Seen:
    runs = original.heads(session)
    mates = outputs.renamed(list(original.runs[0]), list(runs[0]))
    others = [f"{ours} is called {theirs}" for ours, theirs in mates.items() if ours != theirs]
    notes = (f"heads have other names: {', '.join(others)}",) if others else ()
    found = outputs.compared(original.images, original.runs, runs)
    return Seen(found, compared_weights(ours, theirs), runs, (), notes)


def why(error: BaseException) -> str:
    """What a framework said, without the words of a suite around it."""
    cause = error.__cause__ if isinstance(error, ParityError) else error
    if isinstance(cause, AdapterError):
        said = cause.facts.get("reason") or "; ".join(map(str, cause.facts.get("findings", ())))
        return str(said or cause.code)
    return str(error) if cause is None or isinstance(error, ParityError) else support.reason(error)


@contextmanager
def private() -> Iterator[Path]:
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
