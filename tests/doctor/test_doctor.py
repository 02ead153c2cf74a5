"""What ``parity doctor`` says of an environment: installed, missing, in conflict, too old."""

from __future__ import annotations

import json
from importlib import metadata, util
from typing import Any

import pytest

from parity import runtimes
from parity.cli import main
from parity.doctor import delegates as asking
from parity.doctor import examination, libraries
from parity.doctor.delegates import Delegates

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A pretended environment: distributions by name; libraries are not asked."""
    installed: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    def find_spec(module: str) -> Any:
        names = {module, module.replace("_", "-"), f"{module}-cpu", f"{module}-gpu"}
        return object() if names & set(installed) else None

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(util, "find_spec", find_spec)
    monkeypatch.setattr(examination, "delegates", lambda probe: Delegates())
    return installed


def test_an_empty_environment_gets_the_exact_commands(environment: dict[str, str]) -> None:
    """One for each extra; nothing is wrong with an environment that merely lacks things."""
    found = examination.examine()
    assert found.missing == {
        "tensorflow": "pip install 'detector-parity[tensorflow]'",
        "torch": "pip install 'detector-parity[torch]'",
        "onnx": "pip install 'detector-parity[onnx]'",
        "tflite": "pip install 'detector-parity[tflite]'",
        "export": "pip install 'detector-parity[export]'",
    }
    assert (found.problems, found.exit_code) == ((), 0)
    assert [one.install for one in found.runtimes].count(None) == 0


def test_tensorflow_twice_is_a_conflict(environment: dict[str, str]) -> None:
    """The two packages overwrite each other's files, whichever came last."""
    environment.update({"tensorflow": "2.21.0", "tensorflow-cpu": "2.20.0", "keras": "3.15.1"})
    found = examination.examine()
    assert found.exit_code == 3
    assert found.problems == (
        "tensorflow 2.21.0 and tensorflow-cpu 2.20.0 are both installed and overwrite each "
        "other's files; keep one: pip uninstall -y tensorflow tensorflow-cpu && pip install "
        "tensorflow",
    )


def test_keras_is_installed_beside_the_tensorflow_that_is_there(
    environment: dict[str, str],
) -> None:
    """The remedy for one thing must not cause the conflict above."""
    environment["tensorflow-cpu"] = "2.21.0"
    assert examination.examine().missing["tensorflow"] == (
        "pip install 'detector-parity[tensorflow-cpu]'"
    )


def test_a_library_that_is_too_old(environment: dict[str, str]) -> None:
    """Against this package's own requirements, with the command that helps."""
    environment["torch"] = "2.1.0"
    if not libraries._requirements():
        pytest.skip("detector-parity is not installed, so its requirements are unknown")
    found = examination.examine()
    assert found.problems == (
        "expected torch>=2.6, found torch 2.1.0; pip install --upgrade 'torch>=2.6'",
    )


def test_a_library_whose_files_are_gone(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its metadata alone is no installation."""
    environment["onnxruntime"] = "1.31.1"
    monkeypatch.setattr(util, "find_spec", lambda module: None)
    found = examination.examine()
    assert found.problems == (
        "onnxruntime 1.31.1 is listed as installed, but its files are gone; "
        "pip install --force-reinstall --no-deps onnxruntime==1.31.1",
    )


def test_a_library_that_cannot_be_imported() -> None:
    """It is asked in another process, whose last words are told."""
    program = "raise ImportError('libcudart.so.12: cannot open shared object file')"
    assert asking.delegates(program).problem == (
        "its library cannot be imported: ImportError: libcudart.so.12: cannot open shared object "
        "file"
    )


def test_a_library_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for."""
    monkeypatch.setattr(asking, "_SECONDS", 1)
    found = asking.delegates("import time; time.sleep(60)")
    assert found.problem == "its library did not load within 1 s"


@pytest.mark.parametrize(
    "asked",
    [
        ("onnxruntime",),
        pytest.param(
            ("keras", "savedmodel", "torch", "onnxruntime", "tflite"), marks=pytest.mark.slow
        ),
    ],
    ids=["one library", "all"],
)
def test_this_environment(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    """As JSON: versions as pip knows them, the processor's features, and what they change."""
    ask = asking.delegates
    probes = {runtimes.descriptor(kind).probe for kind in asked}
    monkeypatch.setattr(
        examination, "delegates", lambda probe: ask(probe) if probe in probes else Delegates()
    )
    assert main(["doctor", "--json"]) in (0, 3)
    found = json.loads(capfd.readouterr().out)
    assert list(found)[:2] == ["format", "parity"]
    kinds = {one["kind"]: one for one in found["runtimes"]}
    assert list(kinds) == [
        *("keras", "savedmodel", "torch", "onnxruntime", "tflite", "onnx-reference")
    ]
    if util.find_spec("onnxruntime") is not None:
        (library,) = kinds["onnxruntime"]["libraries"]
        assert library["version"] == metadata.version("onnxruntime")
        assert "CPUExecutionProvider" in kinds["onnxruntime"]["delegates"]["facts"]["providers"]
    processor = found["processor"]
    assert processor["usable"] >= 1
    told = set(processor["effects"]) | set(processor["absent"])
    assert {"avx512_vnni", "avx512f"} <= told or {"asimddp", "i8mm"} <= told


def test_the_text_names_what_is_missing(environment: dict[str, str], capfd: Capture) -> None:
    """A line for each extra, with the command to copy."""
    environment["onnxruntime"] = "1.31.1"
    assert main(["doctor"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "onnxruntime     onnxruntime 1.31.1" in lines
    assert "tflite         pip install 'detector-parity[tflite]'" in lines
    assert any(one.startswith(("avx512_vnni", "asimddp")) for one in lines)
