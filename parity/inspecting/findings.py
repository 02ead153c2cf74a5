"""What a look at a file found, as data; ``to_data`` is the document that ``--json`` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from parity.formats.contents import Contents

FORMAT = 1


@dataclass(frozen=True)
class RuntimeView:
    """Whether one kind of runtime loads the file here.

    ``verdict`` is loads, fails (tried and refused), refused (it would run code), not-tried,
    not-installed or other-kind; ``reason`` is the sentence for it, "" where it loads.
    """

    kind: str
    library: str
    version: str | None
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Inspection:
    """One file: what it is, what is in it, what it would run, and which runtimes load it.

    ``kind`` is that of ``parity.runtimes.content``, or "unreadable". ``phrase`` is the kind in
    words. ``code`` lists what loading would run beyond tensor operations. ``size`` is in bytes;
    it and ``sha256`` are of all files below it for a folder, and None where nothing could be read.
    """

    path: str
    kind: str
    phrase: str
    size: int | None = None
    sha256: str | None = None
    contents: Contents | None = None
    code: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    runtimes: tuple[RuntimeView, ...] = ()

    @property
    def exit_code(self) -> int:
        """2 where the path is wrong, 3 where the file is, or a runtime refuses it; else 0."""
        if self.kind in ("missing", "unreadable", "directory"):
            return 2
        failed = any(view.verdict == "fails" for view in self.runtimes)
        return 3 if self.faults or failed else 0


def to_data(found: Iterable[Inspection]) -> dict[str, Any]:
    """The JSON document of several files; the format version comes first."""
    return {"format": FORMAT, "files": [_data(one) for one in found]}


def _data(one: Inspection) -> dict[str, Any]:
    contents = one.contents or Contents(one.phrase)
    return {
        "path": one.path,
        "kind": one.kind,
        "is": one.phrase,
        "form": contents.form,
        "size": one.size,
        "sha256": one.sha256,
        "written_by": contents.written_by,
        "parameters": contents.parameters,
        "inputs": [dataclasses.asdict(tensor) for tensor in contents.inputs],
        "outputs": [dataclasses.asdict(tensor) for tensor in contents.outputs],
        "facts": dict(contents.facts),
        "code": list(one.code),
        "notes": list(one.notes),
        "faults": list(one.faults),
        "runtimes": [dataclasses.asdict(view) for view in one.runtimes],
        "exit_code": one.exit_code,
    }
