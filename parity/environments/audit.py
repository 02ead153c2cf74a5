"""Whether an environment that was built is the one that was asked for.

Settings of the installer, a constraint or an override of the project around, can lead it to install
something else, or elsewhere, and call that a success.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from parity.environments import requirements, variables
from parity.environments.interpreters import fits
from parity.environments.request import Request, Unavailable

_PATIENCE = 300.0  # seconds; a first import compiles numpy
_LOOK = """
import json, sys
from importlib import metadata
packages, numpy = {}, ""
for one in metadata.distributions():
    if one.metadata["Name"]:
        packages.setdefault(one.metadata["Name"], one.version)
try:
    import numpy as _
except BaseException as error:
    numpy = "%s: %s" % (type(error).__name__, (str(error).strip().splitlines() or [""])[0])
python = "%d.%d.%d" % sys.version_info[:3]
print(json.dumps({"python": python, "packages": packages, "numpy": numpy}))
"""


@dataclass(frozen=True)
class Found:
    """What is in an environment: canonical name → version; ``numpy``: why it does not import."""

    python: str
    packages: Mapping[str, str]
    numpy: str = ""


def check(request: Request, python: Path) -> None:
    """Raise ``Unavailable`` where the environment of this interpreter is another."""
    problems = differences(request, look(request, python))
    if problems:
        raise Unavailable(
            f"{request} was installed here, and what is there is something else: "
            f"{'; '.join(problems)}. A setting of the installer may have changed it (see "
            f"pip config list)"
        )


def look(request: Request, python: Path) -> Found:
    """Ask the interpreter what it has."""
    from packaging.utils import canonicalize_name

    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _LOOK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            env=variables.within(python.parents[1], os.environ),
            check=True,
        )
        facts = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{request} was installed here, and does not start: {error}") from error
    packages: dict[str, str] = {
        canonicalize_name(name): str(version) for name, version in facts["packages"].items()
    }
    return Found(str(facts["python"]), packages, str(facts["numpy"]))


def differences(request: Request, found: Found) -> list[str]:
    """What is missing, or there in another version than was asked for."""
    problems = []
    if not fits(found.python, request.python):
        problems.append(f"Python {found.python} is there instead of {request.python}")
    for one in map(requirements.read, request.requires):
        if not one.name or not one.applies(found.python):
            continue
        version = found.packages.get(one.name)
        if version is None:
            problems.append(f"{one.name} is not there")
        elif not one.specifier.contains(version, prereleases=True):
            problems.append(f"{one.name} {version} is there instead of {one.text}")
    if found.numpy and "numpy is not there" not in problems:
        problems.append(f"numpy does not import ({found.numpy})")
    return problems
