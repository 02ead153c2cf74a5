"""What a suite's reference is made of, as a manifest holds it: model, settings, files, modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from parity.decode import named_files
from parity.files import digest
from parity.golden.modules import modules_of
from parity.session import artifact_files, artifact_paths
from parity.suite import Suite

_NO_MATTER = ("threads",)  # options in which the golden may differ: the record's identity tells


def reference(suite: Suite) -> dict[str, Any]:
    """What the suite declares of its reference's network: which one, and how it is run."""
    table = suite.runtimes[suite.reference].table
    options = {key: value for key, value in table.options.items() if key not in _NO_MATTER}
    return {
        "kind": table.kind,
        "model": table.model,
        "weights": table.weights,
        "interpreter": table.interpreter,
        "options": json.loads(json.dumps(options, default=str)),  # as the manifest holds it
    }


def files(suite: Suite) -> dict[str, str]:
    """SHA-256 of the reference's files that are there, by path as the suite names them."""
    runtime = suite.runtimes[suite.reference]
    paths = [*artifact_files(runtime, suite.folder), *_of_family(suite)]
    return {name(path, suite): digest(path)[0] for path in paths if path.exists()}


def absent(suite: Suite) -> list[str]:
    """The files that the suite names and that are not there."""
    runtime = suite.runtimes[suite.reference]
    paths = [*artifact_paths(runtime, suite.folder), *_of_family(suite)]
    return [name(path, suite) for path in paths if not path.exists()]


def modules(suite: Suite) -> dict[str, dict[str, str]]:
    """SHA-256 of each module of the suite's folder, by the reference that names or imports it."""
    found = {one: modules_of(one, suite.folder).digests for one in _references(suite)}
    return {one: digests for one, digests in found.items() if digests}


def unread(suite: Suite) -> list[str]:
    """The modules of which only a run can tell what they import."""
    every = {one for each in _references(suite) for one in modules_of(each, suite.folder).unread}
    return sorted(every)


def _references(suite: Suite) -> list[str]:
    """Every ``module:function`` that the reference's result rests on."""
    runtime = suite.runtimes[suite.reference]
    named = [runtime.table.model, *runtime.table.options.values()]
    named += [runtime.recipe.function, runtime.decode.function]
    return list(dict.fromkeys(one for one in named if isinstance(one, str)))


def _of_family(suite: Suite) -> list[Path]:
    return [suite.folder / one for one in named_files(suite.runtimes[suite.reference].decode)]


def name(path: Path, suite: Suite) -> str:
    """A file as a manifest calls it: below the suite's folder, or by its whole path."""
    inside = path.is_relative_to(suite.folder)
    return (path.relative_to(suite.folder) if inside else path).as_posix()
