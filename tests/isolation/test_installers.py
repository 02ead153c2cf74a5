"""How installers are run: with which variables, what their complaints become, and how they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from quick_environments import silent

import parity
from parity import environments
from parity.environments import audit, complaints, variables
from parity.environments.request import Request, Unavailable

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_only_settings_of_sources_reach_an_installer() -> None:
    """An index, a proxy, a certificate, a cache; not what changes what is installed."""
    kept = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy",
        "SSL_CERT_FILE": "/cert",
        "PIP_INDEX_URL": "http://index",
        "PIP_CERT": "/cert",
        "PIP_CACHE_DIR": "/cache",
        "UV_INDEX_COMPANY_PASSWORD": "secret",
        "UV_CACHE_DIR": "/cache",
    }
    dropped = (
        "PIP_TARGET PIP_PREFIX PIP_USER PIP_CONSTRAINT PIP_PRE UV_OVERRIDE UV_CONFIG_FILE "
        "UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONUSERBASE VIRTUAL_ENV CONDA_PREFIX"
    )
    assert variables.installers({**kept, **dict.fromkeys(dropped.split(), "x")}) == kept


def test_a_process_in_an_environment_finds_it_first() -> None:
    """As after activating it."""
    given = {"PATH": "/bin", "PYTHONPATH": "/mine", "CONDA_PREFIX": "/conda", "LANG": "C"}
    assert variables.within(Path("/env"), given) == {
        "LANG": "C",
        "VIRTUAL_ENV": "/env",
        "PATH": "/env/bin:/bin",
    }


REFUSED = (
    "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
    "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed "
    "to establish a new connection: [Errno 111] Connection refused')': /simple/onnxruntime/"
)
NO_VERSION = (
    "ERROR: Could not find a version that satisfies the requirement x==9 (from versions: {})"
)
NO_MATCH = "ERROR: No matching distribution found for x==9"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["Collecting x", NO_VERSION.format("1, 2"), NO_MATCH],
            NO_VERSION.format("1, 2"),
        ),
        (
            [NO_VERSION.format(", ".join(map(str, range(1, 31)))), NO_MATCH],
            "ERROR: Could not find a version that satisfies the requirement x==9 (from 30 "
            "versions, the newest: 26, 27, 28, 29, 30)",
        ),
        (
            [REFUSED, REFUSED, NO_VERSION.format("none"), NO_MATCH],
            "the package index could not be reached: Connection refused; check the network and the "
            f"index's address ({NO_VERSION.format('none')})",
        ),
        (
            [REFUSED, "ERROR: Failed building wheel for x"],
            "ERROR: Failed building wheel for x",
        ),
        ([], "the installer said nothing"),
    ],
)
def test_complaints_of_pip(lines: list[str], said: str) -> None:
    """Its errors, once; an index that was not reached is no version that does not exist."""
    assert complaints.of_pip(lines) == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [
                "Using Python 3.11.7 environment at: .",
                "error: No solution found when resolving dependencies",
                "cause: Because there is no version of x==9, your requirements are unsatisfiable.",
            ],
            "error: No solution found when resolving dependencies Because there is no version of "
            "x==9, your requirements are unsatisfiable.",
        ),
        (
            [
                "× No solution found when resolving dependencies:",
                "╰─▶ Because there is no version of x==9, your requirements",
                "are unsatisfiable.",
            ],
            "× No solution found when resolving dependencies: ╰─▶ Because there is no version of "
            "x==9, your requirements are unsatisfiable.",
        ),
        (
            [
                "error: Request failed after 3 retries in 8.7s",
                "cause: Failed to fetch: http://127.0.0.1:9/simple/x/",
                "cause: client error (Connect)",
                "cause: tcp connect error",
                "cause: Connection refused (os error 111)",
            ],
            "the package index could not be reached: http://127.0.0.1:9/simple/x/: Connection "
            "refused (os error 111); check the network and the index's address",
        ),
    ],
)
def test_complaints_of_uv(lines: list[str], said: str) -> None:
    """The reason stands below its first line."""
    assert complaints.of_uv(lines) == said


def test_a_numpy_that_does_not_import_is_a_difference() -> None:
    """Every worker needs it."""
    request = Request(("numpy<2",), "3.9")
    found = audit.Found("3.9.18", {"numpy": "1.26.4"}, "ImportError: libopenblas.so")
    assert audit.differences(request, found) == [
        "numpy does not import (ImportError: libopenblas.so)"
    ]
    assert audit.differences(request, audit.Found("3.9.18", {"numpy": "1.26.4"})) == []
    assert audit.differences(request, audit.Found("3.10.1", {"numpy": "2.0.0"})) == [
        "Python 3.10.1 is there instead of 3.9",
        "numpy 2.0.0 is there instead of numpy<2",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_build_ends_with_its_parity(tmp_path: Path, number: int) -> None:
    """The installer and its folder are gone, whatever has ended this process."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/number\necho Resolved 1 package\nsleep 1000\n")
    uv.chmod(0o755)
    code = "from parity import environments as e; e.ensure(e.Request.of((), None), print)"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PATH": f"{uv.parent}:{os.environ['PATH']}",
            "PARITY_CACHE": str(tmp_path),
            "PYTHONPATH": str(Path(parity.__file__).parents[1]),
        },
    )
    assert process.stdout is not None
    with process.stdout as told:
        assert told.readline().startswith("building an environment")
        assert told.readline() == "Resolved 1 package\n"
        installer = int((tmp_path / "number").read_text())
        process.send_signal(number)
        process.wait()
    deadline = time.monotonic() + 20
    while (_lives(installer) or _building(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(installer)
    assert not _building(tmp_path)


def _lives(number: int) -> bool:
    try:
        return b"sleep" in Path(f"/proc/{number}/cmdline").read_bytes() or _state(number) != "Z"
    except OSError:
        return False


def _state(number: int) -> str:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


def _building(cache: Path) -> list[Path]:
    return list((cache / "environments").glob(".building-*"))


uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")


@uv
def test_uv_heeds_no_project_around(
    tmp_path: Path, numpy_wheel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started in a project that overrides numpy, it installs what is asked for."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\noverride-dependencies = ["numpy==9"]\n')
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    found = environments.ensure(Request.of((numpy_wheel,), None), told.append)
    assert any(line.startswith("Installed 1 package") for line in told)
    assert audit.look(found.request, found.python).packages["numpy"] == "1.0"


@uv
def test_uv_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason, not only its first line."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    with pytest.raises(Unavailable, match=r"Because no-such was not found .* you require no-such"):
        environments.ensure(Request.of(("no-such",), None), silent)


@uv
def test_a_python_that_uv_does_not_know_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to do first, then uv's own words."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(Unavailable) as caught:
        environments.ensure(Request.of((), "3.99"), silent)
    assert str(caught.value).startswith(
        "there is no Python 3.99 on this machine: install it (pyenv install 3.99, or uv, which "
        "fetches it), or change python in parity.toml (Python 3.99 with numpy cannot be installed "
        "here: error: No interpreter found for Python 3.99 "
    )
