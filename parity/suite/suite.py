"""A suite with everything resolved: its runtimes, the rows of its matrix, its images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from parity.decode.settings import Decode
from parity.errors import UsageError
from parity.suite.model import RuntimeTable
from parity.suite.problems import unknown_name
from parity.suite.recipe import Recipe
from parity.suite.tolerance import Tolerance


@dataclass(frozen=True)
class Runtime:
    """One runtime of a suite with everything resolved: its tolerance, recipe and decoding."""

    name: str
    table: RuntimeTable
    tolerance: Tolerance
    recipe: Recipe
    decode: Decode

    @property
    def deliberate(self) -> bool:
        """Whether its threshold and NMS are meant to be others than the reference's."""
        return self.table.settings == "deliberate"


@dataclass(frozen=True)
class Cell:
    """One cell of a row with its runtime resolved; the runtime keeps the name of the row's."""

    name: str
    runtime: Runtime


@dataclass(frozen=True)
class Row:
    """One row: cells of one runtime, of which the first is what the others are compared with."""

    name: str
    runtime: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Suite:
    """A checked suite. ``images`` are ids: paths relative to ``folder`` with forward slashes."""

    path: Path
    name: str
    reference: str
    images: tuple[str, ...]
    classes: tuple[str, ...]
    labels: Path | None
    runtimes: dict[str, Runtime]
    matrix: tuple[Row, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the suite's files are."""
        return self.path.parent

    @property
    def candidates(self) -> tuple[str, ...]:
        """The names of the runtimes that are judged against the reference."""
        return tuple(name for name in self.runtimes if name != self.reference)

    def image_path(self, image: str) -> Path:
        """The file of an image id."""
        return self.folder / image

    def select(self, names: Iterable[str] | None) -> tuple[str, ...]:
        """The asked-for runtimes in the suite's order; all of them for None, a text is one name.

        Raises ``UsageError`` for a name that the suite does not have.
        """
        if names is None:
            return tuple(self.runtimes)
        names = (names,) if isinstance(names, str) else tuple(names)
        for name in names:
            if name not in self.runtimes:
                raise UsageError(unknown_name(f"{self.path}: runtimes", name, self.runtimes))
        return tuple(name for name in self.runtimes if name in names)
