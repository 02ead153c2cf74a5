"""From ``parity.toml`` to a ``Suite``: read, checked key by key, then as a whole."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from parity import runtimes
from parity.decode.settings import Decode
from parity.errors import SuiteError
from parity.files import Unreadable, text
from parity.suite import matrix as matrices
from parity.suite import tolerance as tolerances
from parity.suite.images.matching import Ambiguous, matching
from parity.suite.images.unreadable import unreadable
from parity.suite.merging import laid
from parity.suite.model import RuntimeTable, SuiteFile
from parity.suite.problems import bounded, describe, nul_characters, unknown_name
from parity.suite.recipe import Recipe
from parity.suite.suite import Cell, Row, Runtime, Suite
from parity.suite.tolerance import Tolerance

FILE_NAME = "parity.toml"

TableT = TypeVar("TableT", bound=BaseModel)


def load(path: Path | str) -> Suite:
    """Read a ``parity.toml`` (or the folder that holds it) and check all of it.

    Raises ``SuiteError`` with every problem found: key path, expected, found.
    """
    path = Path(os.path.abspath(path))
    if path.is_dir():
        path = path / FILE_NAME
    data = _read(path)
    spoilt = list(nul_characters(data))
    if spoilt:
        raise SuiteError(str(path), bounded(spoilt))
    try:
        file = SuiteFile.model_validate(data)
    except ValidationError as error:
        raise SuiteError(str(path), bounded(describe(error, SuiteFile))) from None
    return _Resolver(path, file, data).suite()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text(path))
    except Unreadable as error:
        raise SuiteError(str(path), [f"expected a suite file (TOML), found {error}"]) from None
    except (ValueError, RecursionError) as error:  # numbers of any length, tables of any depth
        raise SuiteError(str(path), [f"expected valid TOML, found: {error}"]) from None


class _Resolver:
    """Checks what needs more than one key or a look at the disk, and collects every problem."""

    def __init__(self, path: Path, file: SuiteFile, data: dict[str, Any]) -> None:
        self.path = path
        self.file = file
        self.data = data
        self.problems: list[str] = []

    def suite(self) -> Suite:
        detector = self.file.detector
        tolerance = self._tolerances()
        runtimes, sound = {}, []
        for name, table in self.file.runtimes.items():
            before = len(self.problems)
            runtimes[name] = self._runtime(f"runtimes.{name}", name, table, tolerance)
            sound += [name] if len(self.problems) == before else []
        if detector.reference not in runtimes:
            self.problems.append(unknown_name("detector.reference", detector.reference, runtimes))
        matrix = self._matrix(tolerance, sound)
        images, classes, labels = self._images(), self._classes(), self._labels()
        if self.problems:
            raise SuiteError(str(self.path), bounded(self.problems))
        return Suite(
            path=self.path,
            name=detector.name,
            reference=detector.reference,
            images=images,
            classes=classes,
            labels=labels,
            runtimes=runtimes,
            matrix=matrix,
        )

    def _tolerances(self) -> dict[str, Tolerance]:
        known = dict(tolerances.BUILT_IN)
        for name, table in self.file.tolerance.items():
            where = f"tolerance.{name}"
            if name in tolerances.BUILT_IN:
                self.problems.append(
                    f"{where}: expected a name of your own, found a built-in one: "
                    f"those keep their meaning"
                )
            elif table.base not in tolerances.BUILT_IN:
                self.problems.append(unknown_name(f"{where}.base", table.base, tolerances.BUILT_IN))
            else:
                derived = tolerances.derive(name, tolerances.BUILT_IN[table.base], table.limits())
                self.problems += [f"{where}.{line}" for line in tolerances.problems(derived)]
                known[name] = derived
        return known

    def _runtime(
        self, where: str, name: str, table: RuntimeTable, known: dict[str, Tolerance]
    ) -> Runtime:
        if not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            self.problems.append(
                f"{where}: expected a name of letters, digits, '.', '_' and '-', found {name!r}"
            )
        if table.tolerance not in known:
            self.problems.append(unknown_name(f"{where}.tolerance", table.tolerance, known))
        if table.interpreter is not None:
            self.problems += _interpreter(where, table.kind)
        tolerance = known.get(table.tolerance, tolerances.BUILT_IN["float32"])
        recipe = self._merged(where, "preprocess", table.preprocess, Recipe)
        wide = recipe.size and tolerances.beyond_input(tolerance, recipe.size)
        self.problems += [wide] if wide else []
        export = table.export
        source = export.source if export is not None else None
        if source is not None and source not in self.file.runtimes:
            self.problems.append(unknown_name(f"{where}.export.from", source, self.file.runtimes))
        return Runtime(
            name=name,
            table=table,
            tolerance=tolerance,
            recipe=recipe,
            decode=self._merged(where, "decode", table.decode, Decode),
        )

    def _matrix(self, known: dict[str, Tolerance], sound: list[str]) -> tuple[Row, ...]:
        """The rows; one of a runtime that has problems of its own has none to add."""
        self.problems += matrices.repeated(self.file.matrix)
        rows = []
        for i, row in enumerate(self.file.matrix):
            if row.runtime not in self.file.runtimes:
                where = f"matrix.{i}.runtime"
                self.problems.append(unknown_name(where, row.runtime, self.file.runtimes))
            if row.runtime not in sound:
                continue
            cells = [
                Cell(cell.name, runtime)
                for j, cell in enumerate(row.cells)
                if (runtime := self._cell(i, j, row.runtime, known)) is not None
            ]
            rows.append(Row(row.name, row.runtime, tuple(cells)))
        return tuple(rows)

    def _cell(self, i: int, j: int, name: str, known: dict[str, Tolerance]) -> Runtime | None:
        """The runtime of one cell; None where its keys do not make one."""
        where = f"matrix.{i}.cells.{j}"
        cell, below = self.data["matrix"][i]["cells"][j], self.data["runtimes"][name]
        try:
            table = RuntimeTable.model_validate(matrices.merged(below, cell))
        except ValidationError as error:
            self.problems += describe(error, RuntimeTable, where)
            return None
        return self._runtime(where, name, table, known)

    def _merged(
        self, where: str, key: str, override: dict[str, Any], model: type[TableT]
    ) -> TableT:
        """The suite's table with a runtime's keys put over it; tables merge key by key."""
        base: TableT = getattr(self.file, key)
        if not override:
            return base
        try:
            return model.model_validate(laid(key, self.data[key], override))
        except ValidationError as error:
            self.problems += describe(error, model, f"{where}.{key}")
            return base

    def _images(self) -> tuple[str, ...]:
        found: set[str] = set()
        for pattern in self.file.detector.images:
            try:
                problem = unreadable(pattern, self.path.parent)
                files = matching(pattern, self.path.parent)
            except Ambiguous as error:
                self.problems.append(f"detector.images: {error}")
                continue
            if problem is not None:
                self.problems.append(f"detector.images: {problem}")
            elif not files:
                self.problems.append(
                    f"detector.images: expected files that match {pattern!r}, "
                    f"found none in {self.path.parent}"
                )
            found.update(files)
        return tuple(sorted(found))

    def _classes(self) -> tuple[str, ...]:
        value = self.file.detector.classes
        where = "detector.classes"
        if isinstance(value, str):
            file = self.path.parent / value
            try:
                lines = text(file).splitlines()
            except Unreadable as error:
                self.problems.append(f"{where}: expected a text file at {file}, found {error}")
                return ()
            value = tuple(line.strip() for line in lines if line.strip())
        if not value:
            self.problems.append(f"{where}: expected at least one class, found none")
        if not all(name.strip() for name in value):
            self.problems.append(f"{where}: expected names that are not empty, found an empty one")
        for name in sorted({name for name in value if value.count(name) > 1}):
            self.problems.append(
                f"{where}: expected each class once, found {name!r} more than once"
            )
        return tuple(value)

    def _labels(self) -> Path | None:
        if self.file.detector.labels is None:
            return None
        path = self.path.parent / self.file.detector.labels
        if not os.path.isfile(path):  # pathlib raises for a name that is too long
            self.problems.append(
                f"detector.labels: expected a COCO JSON file, found none at {path}"
            )
        return path


def _interpreter(where: str, kind: str) -> list[str]:
    """Where a kind is given an interpreter and has no such option."""
    if "interpreter" in runtimes.descriptor(kind).options:
        return []
    able = [repr(one.kind) for one in runtimes.descriptors() if "interpreter" in one.options]
    return [f"{where}.interpreter: expected only with kind = {' or '.join(able)}, found {kind!r}"]
