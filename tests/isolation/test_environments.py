"""Environments of their own: built once from what is asked, cleaned up, listed, removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import apart_suites
import pytest
from quick_environments import quickly, silent

import parity
from parity import environments
from parity.environments import audit, building, cache
from parity.environments.request import Request, Unavailable
from parity.errors import SuiteError

REQUIREMENT = "expected a requirement such as 'onnxruntime==1.20', or the absolute path of a wheel"
AMOUNT = "expected a size above zero such as '512MiB' (KiB, MiB or GiB)"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "environments"


@pytest.fixture(scope="module")
def built(numpy_wheel: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A cache with one environment that was built for real, and what was told of it.

    Variables that lead an installer elsewhere do not reach it.
    """
    place = tmp_path_factory.mktemp("built")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARITY_CACHE", str(place))
        for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_CONSTRAINT", "PYTHONPATH"):
            patch.setenv(name, str(place / "elsewhere"))
        environments.ensure(Request.of((numpy_wheel,), None), told.append)
    return place, told


def test_a_build_shows_what_it_does(built: tuple[Path, list[str]], numpy_wheel: str) -> None:
    """What is built, what the installer does, how long it took."""
    told = built[1]
    assert told[0] == f"building an environment: Python {VERSION} with {numpy_wheel}"
    installer = "Installing collected packages: numpy"
    if shutil.which("uv") is not None:
        installer = "Installed 1 package"
    assert any(line.startswith(installer) for line in told)
    assert told[-1].startswith("built in ")


def test_a_runtime_runs_in_its_environment(
    tmp_path: Path,
    numpy_wheel: str,
    built: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In its interpreter; one that is there is used without being built."""
    monkeypatch.setenv("PARITY_CACHE", str(built[0]))
    folder = apart_suites.write(tmp_path / "suite", own=f"healthy; requires = ['{numpy_wheel}']")
    (own,) = parity.check(folder, ("own",)).runtimes
    assert own.verdict == "pass"
    assert own.identity["isolated"]
    assert own.identity["python"].startswith(VERSION)
    assert "parity: built in" not in capfd.readouterr().err
    (found,) = environments.listed()
    assert found.request == Request.of((numpy_wheel,), VERSION)


def test_what_is_asked_decides_which_environment_it_is() -> None:
    """The order of requirements does not matter, the Python does; numpy is always there."""
    one = Request.of(("onnxruntime==1.20", "numpy<2"), "3.9")
    assert one.requires == ("onnxruntime==1.20", "numpy<2")
    assert Request.of(("numpy<2", "onnxruntime==1.20"), "3.9").key == one.key
    assert Request.of(("numpy<2", "onnxruntime==1.20"), "3.10").key != one.key
    assert Request.of(("onnxruntime",), None) == Request(("onnxruntime", "numpy"), VERSION)
    assert Request.of(("numpy-quaternion",), None).requires == ("numpy-quaternion", "numpy")
    assert Request.of(("NumPy",), None).requires == ("NumPy",)


def test_it_is_built_once_under_parallel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second waits and finds it."""
    built = []

    def slowly(request: Request, folder: Path, tell: building.Tell) -> None:
        built.append(folder)
        threading.Event().wait(0.3)
        quickly(request, folder, tell)

    monkeypatch.setattr(cache, "build", slowly)
    request = Request((), VERSION)
    threads = [
        threading.Thread(target=environments.ensure, args=(request, silent)) for _ in range(3)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(built) == 1


def test_an_interrupted_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    """Ctrl-C cleans up at once; what a killed build left is removed by the next one."""

    def interrupted(request: Request, folder: Path, tell: building.Tell) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    request = Request((), VERSION)
    monkeypatch.setattr(cache, "build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environments.ensure(request, silent)
    assert list(kept.glob(".building-*")) == []
    (kept / f".building-{request.key}-killed" / "lib").mkdir(parents=True)
    (kept / request.key).mkdir()  # half removed, so that its facts are gone
    monkeypatch.setattr(cache, "build", quickly)
    assert environments.ensure(request, silent).python.exists()
    assert [one.name for one in kept.iterdir() if one.is_dir()] == [request.key]


def test_one_whose_python_was_removed_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment links to its base interpreter."""
    monkeypatch.setattr(cache, "build", quickly)
    request = Request((), VERSION)
    python = environments.ensure(request, silent).python
    python.unlink()
    python.symlink_to("/no/python")
    told: list[str] = []
    assert environments.ensure(request, told.append).python.exists()
    assert told[1] == "Collecting something"


def test_a_python_that_is_missing_is_a_skip(tmp_path: Path) -> None:
    """With the reason and the remedy; an error where the runtime is required."""
    folder = apart_suites.write(tmp_path / "suite", own='healthy; python = "3.99"', more="healthy")
    record = parity.check(folder, allow_missing=True)
    (own,) = [one for one in record.runtimes if one.name == "own"]
    assert own.verdict == "skipped"
    assert "3.99" in own.reason
    assert record.exit_code == 0
    assert parity.check(folder).exit_code == 3


def test_why_a_runtime_was_skipped_is_said_once(tmp_path: Path) -> None:
    """An installer's words are long; that nothing was judged does not repeat them."""
    folder = apart_suites.write(tmp_path / "suite", own='healthy; python = "3.99"')
    failure = parity.check(folder, ("own",), allow_missing=True).failure
    assert failure is not None
    assert failure.message == "apart: expected a candidate to judge, found none: own was skipped"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is not None, reason="uv words it otherwise")
def test_a_package_that_cannot_be_had_is_said_in_the_installers_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is tried once a process, not once an image."""
    path = tmp_path / "nothing-1-py3-none-any.whl"
    path.touch()
    folder = apart_suites.write(
        tmp_path / "suite", own=f"healthy; requires = ['nothing @ {path.as_uri()}']"
    )
    (own,) = parity.check(folder, ("own",)).runtimes
    assert own.failure is not None
    assert own.failure.kind == "RuntimeMissing"
    assert own.failure.message.startswith(
        f"own: Python {VERSION} with nothing @ {path.as_uri()}, numpy cannot be installed here: "
        f"ERROR: "
    )
    assert capfd.readouterr().err.count("parity: building an environment") == 1


def test_a_wheel_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Before anything is built."""
    path = tmp_path / "nothing-1-py3-none-any.whl"
    folder = apart_suites.write(tmp_path / "suite", own=f"healthy; requires = ['{path}']")
    (own,) = parity.check(folder, ("own",)).runtimes
    assert own.failure is not None
    assert own.failure.message == (
        f"own: expected a wheel or a source archive at {path}, which requires names, "
        f"found No such file or directory"
    )


def test_what_was_installed_is_compared_with_what_was_asked(
    built: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installer may have been led to something else, and call that a success."""
    monkeypatch.setenv("PARITY_CACHE", str(built[0]))
    (own,) = environments.listed()
    request = Request(("numpy==2.99", "no-such", "nor-this; python_version<'3.8'"), VERSION)
    with pytest.raises(Unavailable) as caught:
        audit.check(request, own.python)
    assert str(caught.value) == (
        f"Python {VERSION} with numpy==2.99, no-such, nor-this; python_version<'3.8' was installed "
        f"here, and what is there is something else: numpy 1.0 is there instead of numpy==2.99; "
        f"no-such is not there. A setting of the installer may have changed it (see pip config "
        f"list)"
    )


def test_a_library_that_is_not_among_the_requirements_is_said(
    tmp_path: Path,
    numpy_wheel: str,
    built: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The adapter's own library has to be named."""
    monkeypatch.setenv("PARITY_CACHE", str(built[0]))
    folder = apart_suites.write(tmp_path / "suite", own=f"healthy; requires = ['{numpy_wheel}']")
    path = folder / "parity.toml"
    text = path.read_text()
    at = text.index("[runtimes.own]")
    own = '[runtimes.own]\nkind = "tflite"\nmodel = "m.tflite"\ninterpreter = "tflite-runtime"\n'
    path.write_text(text[:at] + own + f"requires = ['{numpy_wheel}']\n")
    (folder / "m.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    (found,) = parity.check(folder, ("own",)).runtimes
    assert found.failure is not None
    assert found.failure.message == (
        "own: expected tflite-runtime in the environment of this runtime, found that it is not "
        "installed there; add it to requires under [runtimes.own]"
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            'requires = ["--index-url=http://evil"]',
            f"runtimes.own.requires.0: {REQUIREMENT}, found '--index-url=http://evil'",
        ),
        (
            'python = "python3"',
            "runtimes.own.python: expected a version such as '3.11' or '3.11.7', found 'python3'",
        ),
        (
            'requires = ["numpy", "onnxruntime=1.2"]',
            f"runtimes.own.requires.1: {REQUIREMENT}, found 'onnxruntime=1.2'",
        ),
        (
            'requires = ["wheels/own-1-py3-none-any.whl"]',
            f"runtimes.own.requires.0: {REQUIREMENT}, found 'wheels/own-1-py3-none-any.whl'",
        ),
        ('python = "3.6"', "runtimes.own.python: expected Python 3.8 or later, found '3.6'"),
        (
            'memory_limit = "512MB"',
            f"runtimes.own.memory_limit: {AMOUNT}, found '512MB'",
        ),
        (
            'memory_limit = "0MiB"',
            f"runtimes.own.memory_limit: {AMOUNT}, found '0MiB'",
        ),
        ("timeout = inf", "runtimes.own.timeout: expected at most 604800, found inf"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, table: str, problem: str) -> None:
    """Options of an installer, what is no version, and limits that are none."""
    folder = apart_suites.write(tmp_path / "suite", own=f"healthy; {table}")
    with pytest.raises(SuiteError) as caught:
        parity.load_suite(folder)
    assert caught.value.problems == (problem,)


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that puts it elsewhere."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "file"))
    with pytest.raises(Unavailable) as caught:
        environments.ensure(Request((), "3.9"), silent)
    assert str(caught.value).endswith("set PARITY_CACHE to a folder that can be written")


def test_the_worker_sees_nothing_of_this_process(tmp_path: Path) -> None:
    """Its own folder, this project and PYTHONPATH are no part of a foreign interpreter's path."""
    start = Path(parity.__file__).parent / "worker" / "start.py"
    code = (
        "import runpy, sys; sys.argv = ['start.py']\n"
        "try:\n    runpy.run_path(sys.argv.pop() and PATH, run_name='__main__')\n"
        "except BaseException: pass\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'parity'))"
    ).replace("PATH", repr(str(start)))
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
