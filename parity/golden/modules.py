"""The modules of a suite's folder that a ``module:function`` names or imports, told without a run.

Imports are read from the source, wherever they stand in it (in functions and behind ``try``, too),
and looked up as ``runtimes/resolve.py`` looks them up: in the suite's folder first. What code
imports by names that it makes up as it runs cannot be read there, and is said.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity.runtimes.shared.resolve import REFERENCE, file_of, own_names

_BY_NAME = ("import_module", "__import__")  # of a name that may be written out
_BY_FILE = ("exec", "run_path", "run_module", "spec_from_file_location", "SourceFileLoader")


@dataclass(frozen=True)
class Modules:
    """SHA-256 of each module by its path relative to the suite; and of which more may be read."""

    digests: dict[str, str]
    unread: tuple[str, ...] = ()


def modules_of(reference: str, folder: Path) -> Modules:
    """The module that ``reference`` names and all it imports from ``folder``, at any distance.

    None of a reference to an installed package, or of what is no reference.
    """
    match = REFERENCE.fullmatch(reference)
    if match is None:
        return Modules({})
    search = _Search(folder)
    search.add(match[1])
    return search.found()


class _Search:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = own_names(str(folder))
        self._files: dict[str, str] = {}  # by the module's name below the folder
        self._unread: set[str] = set()

    def found(self) -> Modules:
        digests = {self._name(path): _digest(Path(path)) for path in self._files.values()}
        return Modules(dict(sorted(digests.items())), tuple(sorted(self._unread)))

    def add(self, name: str) -> None:
        """A module, the packages around it, and what all of these import."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = ".".join(parts[:end])
            path = file_of(module, str(self._folder))
            if path is not None and module not in self._files:
                self._files[module] = path
                self._read(module, Path(path))

    def _read(self, module: str, path: Path) -> None:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # of another version of Python: it runs apart
            self._unread.add(self._name(str(path)))
            return
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            for name in self._imported(node, package):
                self.add(name)
            if _is_made_up(node):
                self._unread.add(self._name(str(path)))

    def _imported(self, node: ast.AST, package: str) -> Iterator[str]:
        """Names of modules below the folder; those of an installed package are none of it."""
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if self._is_own(one.name))
        elif isinstance(node, ast.ImportFrom):
            base = _base(node.module or "", node.level, package)
            if base is None or (not node.level and not self._is_own(base)):
                return
            yield from [base] * bool(base)
            yield from (f"{base}.{one.name}".lstrip(".") for one in node.names if one.name != "*")
        elif isinstance(node, ast.Call) and _called(node) in _BY_NAME:
            written = _written(node)
            if written is not None:
                level = len(written) - len(written.lstrip("."))
                name = _base(written.lstrip("."), level, package)
                yield from [name] if name and (level or self._is_own(name)) else []

    def _is_own(self, name: str) -> bool:
        return name.partition(".")[0] in self._own

    def _name(self, path: str) -> str:
        return Path(path).relative_to(self._folder).as_posix()


def _base(name: str, level: int, package: str) -> str | None:
    """What a relative import starts from; None where that lies above the suite's folder."""
    if not level:
        return name
    around = package.split(".") if package else []
    if level - 1 > len(around):
        return None
    return ".".join([*around[: len(around) - level + 1], *([name] if name else [])])


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _written(node: ast.Call) -> str | None:
    """The name that a call imports, where it is written out."""
    first = node.args[0] if node.args else None
    good = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if good else None  # type: ignore[union-attr]


def _is_made_up(node: ast.AST) -> bool:
    """Whether code is imported from where only a run can tell."""
    if isinstance(node, ast.Attribute):
        return node.attr == "path" and isinstance(node.value, ast.Name) and node.value.id == "sys"
    if not isinstance(node, ast.Call):
        return False
    return _called(node) in _BY_FILE or (_called(node) in _BY_NAME and _written(node) is None)


def _digest(path: Path) -> str:
    """SHA-256 with "\\n" between lines, whatever the version control wrote between them here."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
