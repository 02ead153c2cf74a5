"""Variables of the processes that build an environment or run in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# What leads a Python, or a program that looks for one, to another installation than its own.
_OF_OURS = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "__PYVENV_LAUNCHER__",
)
_INSTALLERS = ("PIP_", "UV_", "PYTHON")
# Where packages come from and how to get there; everything else changes what is installed or where.
_SOURCES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_PROXY",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_KEYRING_PROVIDER",
    "PIP_CONFIG_FILE",
    "PIP_CACHE_DIR",
    "PIP_NO_CACHE_DIR",
    "PIP_TIMEOUT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX_STRATEGY",
    "UV_NO_INDEX",
    "UV_FIND_LINKS",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_CACHE_DIR",
    "UV_NO_CACHE",
    "UV_OFFLINE",
    "UV_LINK_MODE",
    "UV_HTTP_TIMEOUT",
    "UV_HTTP_RETRIES",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_INSTALL_DIR",
    "UV_PYTHON_INSTALL_MIRROR",
)
_CREDENTIALS = "UV_INDEX_"  # and the name of an index


def installers(given: Mapping[str, str]) -> dict[str, str]:
    """For an installer: of its own settings only where packages come from, and its cache."""
    return {
        name: value
        for name, value in given.items()
        if name not in _OF_OURS
        and (
            not name.startswith(_INSTALLERS)
            or name in _SOURCES
            or (name.startswith(_CREDENTIALS) and name.endswith(("_USERNAME", "_PASSWORD")))
        )
    }


def within(environment: Path, given: Mapping[str, str]) -> dict[str, str]:
    """For a process in an environment: what it starts finds that one, as after ``activate``."""
    kept = {name: value for name, value in given.items() if name not in _OF_OURS}
    path = [str(environment / "bin"), *filter(None, [given.get("PATH", os.defpath)])]
    return {**kept, "VIRTUAL_ENV": str(environment), "PATH": os.pathsep.join(path)}
