"""A family that somebody else's package registers, wherever a built-in one would be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_family

Parity = Callable[..., subprocess.CompletedProcess[str]]
Installed = Callable[..., Parity]


@pytest.fixture
def install(tmp_path: Path) -> Installed:
    """Installs a package into a folder on the path; what runs modules there."""
    site = tmp_path / "site"
    variables = {**os.environ, "PYTHONPATH": str(site), "PARITY_CACHE": str(tmp_path / "cache")}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=variables, cwd=tmp_path, timeout=300
        )

    def installed(package: str, entries: dict[str, str], code: str) -> Parity:
        with zipfile.ZipFile(toy_family.wheel(tmp_path, package, entries, code)) as file:
            file.extractall(site)
        return run

    return installed


@pytest.fixture
def run(install: Installed) -> Parity:
    """The package that is sound."""
    return install("toy-family", {"centred": "toy_families:FAMILY"}, toy_family.FAMILY)


def said(found: subprocess.CompletedProcess[str]) -> str:
    """Everything, on one line."""
    return " ".join((found.stdout + found.stderr).split())


def test_check_judges_by_it(run: Parity, tmp_path: Path) -> None:
    """Two runtimes that agree pass."""
    found = run("parity", "check", toy_family.suite(tmp_path / "suite"), "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    (record,) = [one for one in json.loads(found.stdout)["runtimes"] if one["name"] == "second"]
    assert record["verdict"] == "pass"


def test_a_candidate_that_is_wrong_fails(run: Parity, tmp_path: Path) -> None:
    """The planted twin: three pixels to the right."""
    found = run("parity", "check", toy_family.suite(tmp_path / "suite", second="moved"))
    assert found.returncode == 1
    assert "box b 0.8000 → 0.8000 0 0.6000 0.40 3.00 14.0 17.0 26.0 27.0" in said(found)


def test_pytest_judges_by_it(run: Parity, tmp_path: Path) -> None:
    """The plugin reads the same suite."""
    suite = toy_family.suite(tmp_path / "suite")
    found = run("pytest", suite, "-q", "-p", "no:cacheprovider")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "2 passed" in found.stdout


def test_its_table_is_read_and_checked(run: Parity, tmp_path: Path) -> None:
    """A key that it has, a key that it has not, a number that is none."""
    good = toy_family.suite(tmp_path / "good", table="[decode.centred]\nunit = 1.0")
    assert run("parity", "check", good).returncode == 0
    bad = toy_family.suite(tmp_path / "bad", table="[decode.centred]\nunit = inf\nunti = 1.0")
    found = run("parity", "check", bad)
    assert found.returncode == 2
    assert "decode.centred.unit: expected a finite number, found inf" in said(found)
    assert (
        "decode.centred.unti: unknown key; expected one of unit, found 'unti'; "
        "did you mean 'unit'?" in said(found)
    )


def test_a_slip_of_the_pen_finds_it(run: Parity, tmp_path: Path) -> None:
    """Among the families that there are."""
    found = run("parity", "check", toy_family.suite(tmp_path / "suite", "centered"))
    assert found.returncode == 2
    assert "found 'centered'; did you mean 'centred'?" in said(found)


def test_heads_that_it_refuses_are_an_error_in_its_words(run: Parity, tmp_path: Path) -> None:
    """Its own message, with how the heads look."""
    found = run("parity", "check", toy_family.suite(tmp_path / "suite", second="negative"))
    assert found.returncode == 3
    assert "second: centred: expected half sizes of at least 0" in said(found)


def test_init_recognises_it_and_inspect_works(run: Parity, tmp_path: Path) -> None:
    """By its clues, with the preprocessing that is usual for it."""
    model = onnx_of(tmp_path / "net.onnx")
    found = run("parity", "init", model)
    assert found.returncode == 0, found.stderr
    assert "# seen: an output is called centred" in found.stdout
    assert "[decode.centred] unit = 1.0 # seen" in said(found)
    assert 'color = "BGR"' in found.stdout
    assert 'family = "centred" # what the heads look like' in said(found)
    assert run("parity", "inspect", model).returncode == 0


def onnx_of(path: Path) -> Path:
    """A network with the head of the toy family."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    shape = [1, 2, 6]
    rows = helper.make_tensor(
        "rows", TensorProto.FLOAT, shape, [8, 8, 4, 4, 0.9, 0, 20, 22, 6, 5, 0, 0.8]
    )
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["rows", "mean"], ["centred"]),
    ]
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [values("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [values("centred", TensorProto.FLOAT, shape)],
        [rows],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


BROKEN = {
    "raises": ("raise RuntimeError('no licence')", "does not load: RuntimeError: no licence"),
    "is missing": ("", "does not load: AttributeError: module 'broken' has no attribute 'FAMILY'"),
    "is another thing": ("FAMILY = 3", "found int"),
    "is called otherwise": (toy_family.FAMILY, "found 'centred'"),
}


@pytest.mark.parametrize(("code", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_told_by_the_suite_that_names_it(
    install: Installed, tmp_path: Path, code: str, problem: str
) -> None:
    """Whose it is, and why it is of no use."""
    run = install("broken-family", {"lost": "broken:FAMILY"}, code)
    found = run("parity", "check", toy_family.suite(tmp_path / "lost", "lost"))
    assert found.returncode == 2
    assert "decode.family: " in said(found)
    assert problem in said(found)
    assert "broken-family" in said(found)
    assert "Traceback" not in said(found)


def test_a_broken_package_disturbs_nobody_else(install: Installed, tmp_path: Path) -> None:
    """Other suites pass, init goes on without it; pytest and init say why."""
    install("toy-family", {"centred": "toy_families:FAMILY"}, toy_family.FAMILY)
    code, problem = BROKEN["raises"]
    run = install("broken-family", {"lost": "broken:FAMILY"}, code)
    assert run("parity", "check", toy_family.suite(tmp_path / "suite")).returncode == 0
    collected = run("pytest", toy_family.suite(tmp_path / "lost", "lost"), "-q")
    assert collected.returncode != 0
    assert problem in said(collected)
    proposed = run("parity", "init", onnx_of(tmp_path / "net.onnx"))
    assert proposed.returncode == 0
    assert 'family = "centred"' in proposed.stdout
    assert problem in said(proposed)


def test_a_name_that_is_built_in_is_refused(install: Installed, tmp_path: Path) -> None:
    """Suites keep their meaning."""
    code = toy_family.FAMILY.replace('name="centred"', 'name="boxes-scores"')
    run = install("toy-family", {"boxes-scores": "toy_families:FAMILY"}, code)
    table = '[decode.boxes-scores]\nbox_format = "xyxy"\nnormalized = false'
    found = run("parity", "check", toy_family.suite(tmp_path / "suite", "boxes-scores", table))
    assert "expected 2 outputs (boxes, scores), found 1" in said(found)


def test_doctor_lists_what_is_registered_and_what_is_wrong_with_it(install: Installed) -> None:
    """One that can be used, one that does not load, one under a name that is taken."""
    install("toy-family", {"centred": "toy_families:FAMILY"}, toy_family.FAMILY)
    install("broken-family", {"lost": "broken:FAMILY"}, BROKEN["raises"][0])
    run = install("vain-family", {"ssd": "vain:FAMILY"}, toy_family.FAMILY)
    found = run("parity", "doctor")
    assert found.returncode == 3
    assert "centred toy-family can be used" in said(found)
    assert "lost broken-family see below" in said(found)
    assert (
        "problem: the family 'lost' of the package broken-family does not load: RuntimeError: no "
        "licence" in said(found)
    )
    assert (
        "problem: expected a name of its own for the family 'ssd' of the package vain-family, "
        "found that of a built-in family: those keep their meaning" in said(found)
    )


def test_a_name_that_two_packages_register_is_nobodys(install: Installed, tmp_path: Path) -> None:
    """Which of them would be used is a matter of chance."""
    install("toy-family", {"centred": "toy_families:FAMILY"}, toy_family.FAMILY)
    run = install("other-family", {"centred": "others:FAMILY"}, toy_family.FAMILY)
    found = run("parity", "check", toy_family.suite(tmp_path / "suite"))
    assert found.returncode == 2
    assert (
        "decode.family: expected one package that registers the family 'centred', found "
        "other-family and toy-family; uninstall all but one" in said(found)
    )


RAISES = 'raise KeyError("stride")'
FAULTS = {
    "decode raises": (
        "    rows = heads",
        f"    {RAISES}\n    rows = heads",
        "the family 'centred' of the package toy-family raised KeyError: 'stride'",
    ),
    "roles raise": (
        "    columns = 4",
        f"    {RAISES}\n    columns = 4",
        "the family 'centred' of the package toy-family raised KeyError: 'stride'",
    ),
    "no candidates": (
        "return Candidates(",
        "return list(",
        "the family 'centred' of the package toy-family raised TypeError",
    ),
    "scores of another shape": (
        "rows[:, 4:])",
        "rows[:, 3:])",
        "expected scores of shape (2, 2) beside 2 boxes, found (2, 3)",
    ),
}


@pytest.mark.parametrize(("old", "new", "problem"), FAULTS.values(), ids=FAULTS)
def test_what_its_code_does_wrong_is_an_error_in_words(
    install: Installed, tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """Of the runtime, in check; nothing escapes."""
    code = toy_family.FAMILY.replace(old, new)
    assert code != toy_family.FAMILY
    run = install("toy-family", {"centred": "toy_families:FAMILY"}, code)
    found = run("parity", "check", toy_family.suite(tmp_path / "suite"))
    assert found.returncode == 3, said(found)
    assert problem in said(found)
    assert "Traceback" not in said(found)


def test_clues_that_fail_hide_no_message(install: Installed, tmp_path: Path) -> None:
    """They say nothing of the heads, and a warning tells of them."""
    code = toy_family.FAMILY.replace("    name = seen", f"    {RAISES}\n    name = seen")
    run = install("toy-family", {"centred": "toy_families:FAMILY"}, code)
    found = run("parity", "check", toy_family.suite(tmp_path / "suite", "yolov5"))
    assert "the heads are predictions: (1, A, 7)" in said(found)
    assert "its clues raised KeyError: 'stride'" in said(found)
