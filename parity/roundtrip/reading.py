"""A native model that is open in this process, and others read back from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parity.errors import ParityError
from parity.pipeline import Images
from parity.runtimes.contract import AdapterError, Native
from parity.runtimes.shared.reasons import reason
from parity.session import Session
from parity.suite import Runtime, Suite
from parity.tensors import Array

Run = Mapping[str, Array]


@dataclass(eq=False)
class Original:
    """The native model of a runtime, in this process, and what it makes of each image.

    ``canvases`` are the prepared images (H, W, 3); ``runs`` their heads; ``steady`` whether they
    are the same bit by bit when it runs once more.
    """

    suite: Suite
    runtime: Runtime
    session: Session
    images: tuple[str, ...]
    canvases: tuple[Array, ...]
    runs: tuple[Run, ...] = ()
    steady: bool = True

    def run(self) -> None:
        """Run the images."""
        self.runs = self.heads(self.session)

    @property
    def native(self) -> Any:
        """The framework's own model."""
        return native(self.session)

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


def native(session: Session) -> Any:
    """The framework's own model of a session that is open in this process."""
    assert isinstance(session.adapter, Native), session.adapter
    return session.adapter.native()


def why(error: BaseException) -> str:
    """What a framework said, without the words of a suite around it."""
    cause = error.__cause__ if isinstance(error, ParityError) else error
    if isinstance(cause, AdapterError):
        said = cause.facts.get("reason") or "; ".join(map(str, cause.facts.get("findings", ())))
        return str(said or cause.code)
    return str(error) if cause is None or isinstance(error, ParityError) else reason(error)
