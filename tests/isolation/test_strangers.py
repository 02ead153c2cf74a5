"""A runtime that somebody else's package registers, wherever a built-in one would run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_runtime

Parity = Callable[..., subprocess.CompletedProcess[str]]
APART = {
    "isolated": "isolated = true",
    "timeout": "timeout = 60",
    "memory": 'memory_limit = "2GiB"',
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a file."""
    return toy_runtime.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def run(wheel: Path, tmp_path: Path) -> Parity:
    """Runs a module where the package is installed."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    variables = {**os.environ, "PYTHONPATH": str(site), "PARITY_CACHE": str(tmp_path / "cache")}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=variables, cwd=tmp_path, timeout=300
        )

    return run


def results(found: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    """The records of ``check --json`` by runtime."""
    return {one["name"]: one for one in json.loads(found.stdout)["runtimes"]}


def test_it_is_judged_here_and_in_a_process_of_its_own(run: Parity, tmp_path: Path) -> None:
    """In-process, isolated, with a timeout, with a limit of memory: the same verdict."""
    suite = toy_runtime.suite(tmp_path / "suite", here="", **APART)
    found = run("parity", "check", suite, "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    records = results(found)
    assert {name: records[name]["verdict"] for name in ("here", *APART)} == dict.fromkeys(
        ("here", *APART), "pass"
    )
    apart = {records[name]["identity"]["process"] for name in ("here", *APART)}
    assert len(apart) == 4


def test_its_fault_is_found_wherever_it_runs(run: Parity, tmp_path: Path) -> None:
    """The planted twin."""
    suite = toy_runtime.suite(tmp_path / "suite", here="", isolated="isolated = true")
    toy_runtime.spoil(suite)
    found = run("parity", "check", suite, "--json")
    assert found.returncode == 1
    records = results(found)
    assert {records[name]["verdict"] for name in ("here", "isolated")} == {"fail"}


def test_pytest_judges_it(run: Parity, tmp_path: Path) -> None:
    """By the plugin, as any other."""
    suite = toy_runtime.suite(tmp_path / "suite", here="", isolated="isolated = true")
    found = run("pytest", suite, "-q", "-p", "no:cacheprovider")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "4 passed" in found.stdout


def test_its_layers_are_compared_where_it_shows_a_graph(run: Parity, tmp_path: Path) -> None:
    """The layer that was spoilt is the suspect, here and apart."""
    suite = toy_runtime.suite(tmp_path / "suite", here="", isolated="isolated = true")
    toy_runtime.spoil(suite)
    for name in ("here", "isolated"):
        found = run("parity", "layers", suite, "--runtimes", name)
        assert "scores" in found.stdout, found.stdout + found.stderr
        assert "Scale" in found.stdout


def test_an_environment_that_has_the_package_runs_it(
    run: Parity, tmp_path: Path, wheel: Path, numpy_wheel: str
) -> None:
    """``requires`` names the package; nothing of this project is installed there."""
    requires = f'requires = ["toy-runtime @ {wheel.as_uri()}", "{numpy_wheel}"]'
    suite = toy_runtime.suite(tmp_path / "suite", own=requires)
    found = run("parity", "check", suite, "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    record = results(found)["own"]
    assert (record["verdict"], record["identity"]["library"]) == ("pass", "toy")


def test_an_environment_without_the_package_says_so(
    run: Parity, tmp_path: Path, numpy_wheel: str
) -> None:
    """Which package it is, and where to name it."""
    suite = toy_runtime.suite(tmp_path / "suite", own=f'requires = ["{numpy_wheel}"]')
    found = run("parity", "check", suite, "--json")
    assert results(found)["own"]["failure"]["message"].endswith(
        "found 'toy', which the package toy-runtime registers here and nobody there: "
        "add 'toy-runtime' to its requires"
    )


def test_a_kind_that_nobody_registers_lists_those_of_others(run: Parity, tmp_path: Path) -> None:
    """A slip of the pen finds the stranger's kind too."""
    suite = toy_runtime.suite(tmp_path / "suite", here="")
    text = (suite / "parity.toml").read_text()
    (suite / "parity.toml").write_text(text.replace('"toy"', '"toi"'))
    found = run("parity", "check", suite)
    assert "did you mean 'toy'?" in found.stdout + found.stderr


def test_doctor_tells_of_it(run: Parity) -> None:
    """Its package with the version, and what its own probe says."""
    found = json.loads(run("parity", "doctor", "--json").stdout)
    (toy,) = [one for one in found["runtimes"] if one["kind"] == "toy"]
    assert [(one["name"], one["version"]) for one in toy["libraries"]] == [("toy-runtime", "1.2")]
    assert toy["delegates"]["facts"] == {"toys": 2}


def test_doctor_says_that_a_package_does_not_import(run: Parity, tmp_path: Path) -> None:
    """One problem, of the kind that it registers; the others are told as ever."""
    (tmp_path / "site" / "toy_runtime.py").write_text("import nothing_of_this_name\n")
    found = json.loads(run("parity", "doctor", "--json").stdout)
    told = "toy: its adapter cannot be imported: ModuleNotFoundError: No module named"
    assert any(one.startswith(told) for one in found["problems"])
    assert [one["kind"] for one in found["runtimes"]][-1] == "toy"


def test_inspect_knows_its_files(run: Parity, tmp_path: Path) -> None:
    """A file of its ending is opened in it; one that it cannot open says what the adapter did."""
    suite = toy_runtime.suite(tmp_path / "suite", here="")
    (suite / "third.toy").write_text("[")
    found = run("parity", "inspect", suite / "first.toy", suite / "third.toy", "--json")
    views = [
        next(view for view in one["runtimes"] if view["kind"] == "toy")
        for one in json.loads(found.stdout)["files"]
    ]
    assert [view["verdict"] for view in views] == ["loads", "fails"], found.stdout


def test_init_proposes_a_suite_of_its_files(run: Parity, tmp_path: Path) -> None:
    """The proposal names the kind, and is a suite that is judged."""
    suite = toy_runtime.suite(tmp_path / "suite", here="")
    (suite / "parity.toml").unlink()
    models = (suite / "first.toy", suite / "second.toy")
    found = run(
        "parity", "init", *models, "--images", "suite/*.png", "--output", suite / "parity.toml"
    )
    text = (suite / "parity.toml").read_text()
    assert text.count('kind = "toy"') == 2, found.stdout + found.stderr
    assert "[runtimes.toy]" in text


def test_the_matrix_runs_it(run: Parity, tmp_path: Path) -> None:
    """A row whose cells change a key of it."""
    suite = toy_runtime.suite(tmp_path / "suite", here="")
    with (suite / "parity.toml").open("a") as file:
        file.write(
            '[[matrix]]\nname = "places"\nruntime = "here"\n'
            'cells = [{ name = "in", isolated = false }, { name = "apart", isolated = true }]\n'
        )
    found = run("parity", "matrix", suite, "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "apart" in found.stdout


def test_a_package_that_exits_disturbs_nobody_who_does_not_name_it(
    run: Parity, tmp_path: Path
) -> None:
    """A module that ends the program when imported: one problem of doctor's, no verdict's."""
    toy_runtime.install(
        tmp_path, "rude-runtime", "import sys\nsys.exit('boom')\n", {"rude": "rude:DESCRIPTOR"}
    )
    suite = toy_runtime.suite(tmp_path / "suite", here="")
    assert run("parity", "check", suite).returncode == 0
    assert run("parity", "inspect", suite / "first.toy").returncode == 0
    found = run("parity", "doctor")
    assert "boom" in found.stdout
    assert "Traceback" not in found.stdout + found.stderr


def test_a_kind_that_two_packages_register_is_nobodys(run: Parity, tmp_path: Path) -> None:
    """Which of them ran would follow from the order of folders; both are named."""
    toy_runtime.install(tmp_path, "other-runtime", toy_runtime.CODE, {"toy": "other:DESCRIPTOR"})
    found = run("parity", "check", toy_runtime.suite(tmp_path / "suite", here=""))
    assert found.returncode == 3
    said = " ".join((found.stdout + found.stderr).split())
    assert "several packages register it (other-runtime, toy-runtime): keep one" in said
