"""Modules of a suite with the name of another: which of the two is meant is clear, and is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from spoiling import NETWORKS, Outcome, check, runtime, write_suite

Capture = pytest.CaptureFixture[str]


def run(folder: Path, *command: str, **environment: str) -> tuple[int, str]:
    """A command in the suite's folder: its exit code and all that it says, on one line."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def with_module(tmp_path: Path, name: str, content: str, *tables: str) -> Path:
    """A suite with one more module beside its ``parity.toml``."""
    folder = write_suite(tmp_path / "s", *tables)
    (folder / name).write_text(content)
    return folder


def notes(found: Outcome, name: str) -> list[str]:
    """The notes of one runtime in the report."""
    return next(one["notes"] for one in found.results["runtimes"] if one["name"] == name)


@pytest.mark.parametrize("name", ["numpy.py", "json.py", "pydantic.py"])
def test_the_command_is_not_led_astray_by_the_folder_it_is_started_in(
    tmp_path: Path, name: str
) -> None:
    """``python -m`` puts the working directory first on the path."""
    code, said = run(with_module(tmp_path, name, "X = 1\n"), "-m", "parity", "check", ".")
    assert (code, "tiny: pass (1 pass)" in said) == (0, True)


@pytest.mark.parametrize("name", ["numpy.py", "pandas.py"])
def test_a_library_that_the_suite_hides_from_pytest_is_told(tmp_path: Path, name: str) -> None:
    """With the file that hides it, not with a traceback of what fails then; pytest itself holds."""
    folder = with_module(tmp_path, name, "X = 1\n")
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    library = name.removesuffix(".py")
    hides = f"expected the installed library {library}, found that {folder}/{name} hides it: run"
    for report, expected in ((), 2), (("--parity-report", "out"), 4):
        code, said = run(folder, *command, *report)
        assert (code, hides in said) == (expected, True)
        assert "Traceback" not in said
    code, said = run(folder, "-P", *command)
    assert (code, "4 passed" in said) == (0, True)


def test_a_library_that_a_path_of_the_environment_hides_is_told(tmp_path: Path) -> None:
    """The command says so, too, where it fails."""
    folder = with_module(tmp_path, "numpy.py", "X = 1\n")
    code, said = run(folder, "-P", "-m", "parity", "check", ".", PYTHONPATH=str(folder))
    assert code == 3
    assert f"expected the installed library numpy, found that {folder}/numpy.py hides it" in said
    assert "bug" not in said


def test_a_framework_that_the_suite_hides_is_told(tmp_path: Path) -> None:
    """It was said to be installed badly."""
    pytest.importorskip("onnxruntime")
    table = '\n[runtimes.bad]\nkind = "onnxruntime"\nmodel = "net.onnx"\n'
    folder = with_module(tmp_path, "onnxruntime.py", "import numpy.no_such\n", table)
    onnx = Path(__file__).parents[2] / "golden" / "parts_free" / "detector.onnx"
    (folder / "net.onnx").write_bytes(onnx.read_bytes())
    _, said = run(folder, "-P", "-m", "parity", "check", ".", PYTHONPATH=str(folder))
    assert (
        f"error: bad: expected the installed library onnxruntime, found that "
        f"{folder}/onnxruntime.py hides it"
    ) in said


def test_a_factory_with_the_name_of_a_library_is_the_suites_and_is_told(
    tmp_path: Path, capfd: Capture
) -> None:
    """In the notes of the runtimes that run in this process; nobody else's name is no news."""
    table = runtime("other").replace("networks:same", "pandas:same")
    found = check(with_module(tmp_path, "pandas.py", NETWORKS, table), capfd)
    note = "pandas is that of the suite's folder here, not the installed one"
    assert found.code == 0
    assert note in notes(found, "other")
    plain = check(write_suite(tmp_path / "plain"), capfd)
    assert not any("folder" in one for one in notes(plain, "good"))


def test_a_function_that_only_the_library_has_is_missed_in_the_suites_file(
    tmp_path: Path, capfd: Capture
) -> None:
    """Which of the two was looked into is said."""
    table = runtime("other").replace("networks:same", "pandas:read_csv")
    found = check(with_module(tmp_path, "pandas.py", NETWORKS, table), capfd)
    assert "module 'pandas' (pandas.py, not the installed one) has no 'read_csv'" in found.out


@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        (
            "queue.py",
            "from queue import Frames",
            "queue is Python's own there, not queue.py of the",
        ),
        ("json.py", "import json\njson.Frames", "json is Python's own there, not json.py of the"),
        ("numpy.py", "import numpy.frames", "numpy is the installed one there, not numpy.py of"),
        ("other.py", "import frames", "install what has frames, or put frames.py into the suite's"),
    ],
)
def test_a_module_of_the_suite_that_is_never_found_by_its_name_is_told(
    tmp_path: Path, capfd: Capture, name: str, line: str, sentence: str
) -> None:
    """What Python and the libraries call so stays theirs while a factory is imported."""
    folder = with_module(tmp_path, name, "Frames = 1\n")
    networks = folder / "networks.py"
    networks.write_text(f"{line}\n{networks.read_text()}")
    found = check(folder, capfd)
    assert found.code == 2
    assert sentence in found.out
