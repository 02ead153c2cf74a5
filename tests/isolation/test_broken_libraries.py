"""A library that is installed and does not work is an error with its reason, never a skip."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import apart_suites
import numpy as np
import pytest
from quick_environments import quickly, silent, site_packages

import parity
from parity import environments
from parity.environments import Request, cache
from parity.isolation.launch import Launch
from parity.isolation.worker import Worker
from parity.runtimes.contract import AdapterError
from parity.runtimes.shared import importing

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

# As a library does that was built for NumPy 1, with NumPy's own words.
FOR_NUMPY_1 = """
import importlib

try:
    importlib.import_module("numpy.core._multiarray_umath")._ARRAY_API
except Exception:
    pass
raise ImportError("")
"""
LATER = """
class Interpreter:
    def __init__(self, **settings):
        try:
            raise ImportError("numpy.core.multiarray failed to import")
        except ImportError:
            raise SystemError("CreateWrapperFromFile returned a result with an exception set")
"""
TFLITE = b"\x1c\0\0\0TFL3" + bytes(64)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, in which builds are quick."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "build", quickly)


def environment(requires: str, **files: str) -> environments.Environment:
    """An environment with modules in it: name → text."""
    found = environments.ensure(Request.of((requires,), None), silent)
    for name, text in files.items():
        path = site_packages(found.folder) / name / "__init__.py"
        path.parent.mkdir()
        path.write_text(text)
    return found


def suite(folder: Path, table: str) -> Path:
    """A suite whose runtime "own" is this."""
    apart_suites.write(folder)
    path = folder / "parity.toml"
    path.write_text(path.read_text() + f"\n[runtimes.own]\n{dedent(table)}\n")
    (folder / "m.onnx").write_bytes(b"\x08\x07\x3a\x00")
    (folder / "m.tflite").write_bytes(TFLITE)
    return folder


def told(folder: Path) -> tuple[str | None, str]:
    """The verdict of "own" and why, where what is missing may be skipped."""
    (own,) = [one for one in parity.check(folder, allow_missing=True).runtimes if one.name == "own"]
    assert own.failure is not None
    assert own.failure.kind == "RuntimeBroken"
    return own.verdict, own.failure.message


ONNX = 'kind = "onnxruntime"\nmodel = "m.onnx"\nrequires = ["onnxruntime==1.17.3"]'


def test_a_library_for_numpy_1_says_so(tmp_path: Path) -> None:
    """numpy<2 was forgotten: the library is there, and it is in requires."""
    environment("onnxruntime==1.17.3", onnxruntime=FOR_NUMPY_1)
    assert told(suite(tmp_path / "suite", ONNX)) == (
        "error",
        f"own: expected onnxruntime in the environment of this runtime, found that it is installed "
        f"there and does not import: ImportError; it was built for NumPy 1 while the environment "
        f'has {np.__version__}: add "numpy<2" to requires under [runtimes.own]',
    )


def test_a_library_that_misses_something_says_what(tmp_path: Path) -> None:
    """A shared object that the machine does not have, for one."""
    text = 'raise ImportError("libGL.so.1: cannot open shared object file")'
    environment("onnxruntime==1.17.3", onnxruntime=text)
    assert told(suite(tmp_path / "suite", ONNX)) == (
        "error",
        "own: expected onnxruntime in the environment of this runtime, found that it is installed "
        "there and does not import: ImportError: libGL.so.1: cannot open shared object file; add "
        "what it needs to requires under [runtimes.own]",
    )


def test_tflite_runtime_with_numpy_2_blames_no_file(tmp_path: Path) -> None:
    """It imports, and fails where it first makes an array."""
    found = environment("tflite-runtime==2.14.0", tflite_runtime="")
    (site_packages(found.folder) / "tflite_runtime" / "interpreter.py").write_text(LATER)
    table = """
        kind = "tflite"
        model = "m.tflite"
        interpreter = "tflite-runtime"
        requires = ["tflite-runtime==2.14.0"]
    """
    assert told(suite(tmp_path / "suite", table)) == (
        "error",
        f"own: expected tflite-runtime in the environment of this runtime, found that it is "
        f"installed there and does not work: SystemError: CreateWrapperFromFile returned a result "
        f"with an exception set, from ImportError: numpy.core.multiarray failed to import; it was "
        f'built for NumPy 1 while the environment has {np.__version__}: add "numpy<2" to '
        f"requires under [runtimes.own]",
    )


def test_a_library_of_this_process_is_told_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do here."""
    (tmp_path / "path" / "tflite_runtime").mkdir(parents=True)
    (tmp_path / "path" / "tflite_runtime" / "__init__.py").write_text('raise OSError("no device")')
    monkeypatch.syspath_prepend(tmp_path / "path")
    table = 'kind = "tflite"\nmodel = "m.tflite"\ninterpreter = "tflite-runtime"'
    assert told(suite(tmp_path / "suite", table)) == (
        "error",
        "own: expected tflite-runtime, found that it is installed and does not import: OSError: no "
        "device; install it again with: pip install tflite-runtime",
    )


def test_numpy_is_not_blamed_for_what_it_has_not_done() -> None:
    """An old numpy is not too new, and neither is one that an exception does not speak of."""
    assert importing.too_new(ImportError("libGL.so.1")) == ""
    assert importing.too_new(RuntimeError("Numpy is not available")) == np.__version__


def test_what_a_runtime_starts_finds_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of this process's Python reaches the children of a foreign worker."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mine"))
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    found = environment("numpy")
    folder = apart_suites.write(tmp_path / "suite", own="spies; requires = ['numpy']")
    (folder / "faulty.py").write_text(
        apart_suites.FAULTS
        + dedent(
            """
            def spies(feeds):
                import json, pathlib, subprocess
                code = "import json, os, sys; print(json.dumps([sys.prefix, dict(os.environ)]))"
                said = subprocess.run(["python3", "-c", code], capture_output=True).stdout
                pathlib.Path(__file__).with_name("said.json").write_bytes(said)
                return healthy(feeds)
            """
        )
    )
    assert parity.check(folder, ("own",)).verdict == "pass"
    prefix, variables = json.loads((folder / "said.json").read_text())
    assert prefix == str(found.folder)
    assert variables["VIRTUAL_ENV"] == str(found.folder)
    assert variables["PATH"].startswith(f"{found.folder}/bin:")
    assert not {"PYTHONPATH", "CONDA_PREFIX"} & set(variables)


def test_a_worker_of_another_python_is_refused() -> None:
    """The interpreter was exchanged after its environment was looked at."""
    found = environment("numpy")
    launch = Launch("own", found.python, foreign=True, version="3.99")
    with pytest.raises(AdapterError) as caught:
        Worker(launch)
    assert caught.value.code == "broken-library"
    assert caught.value.facts["reason"] == (
        f"expected Python 3.99 in {found.folder}, found {sys.version.split()[0]}; remove it "
        f"(parity env remove {found.name}), it is built again then"
    )
    Worker(replace(launch, version=VERSION)).close()


def test_an_interpreter_that_does_not_start_is_said() -> None:
    """With what the system says of it."""
    found = environment("numpy")
    found.python.unlink()
    found.python.write_text("no program")
    found.python.chmod(0o755)
    with pytest.raises(AdapterError) as caught:
        Worker(Launch("own", found.python, foreign=True))
    assert caught.value.facts["reason"] == (
        f"expected {found.python} to start, found: Exec format error; remove it (parity env remove "
        f"{found.name}), it is built again then"
    )
