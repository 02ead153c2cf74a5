"""``[[matrix]]`` in ``parity.toml``: what a cell replaces, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity import suite
from parity.errors import SuiteError
from parity.suite import Runtime

SUITE = """\
[detector]
name = "parts"
reference = "native"
images = ["*.png"]
classes = ["bolt", "nut"]

[preprocess]
size = [240, 320]
mean = 127

[decode]
family = "yolov8"
score_threshold = 0.5

[runtimes.native]
kind = "keras"
model = "detector.keras"

[runtimes.net]
kind = "torch"
model = "network:build"
weights = "detector.pth"
layout = "NCHW"
tolerance = "int8"
options = { threads = 1, device = "cpu" }
requires = ["torch==2.6.0", "numpy<2"]
python = "3.11"
preprocess = { color = "BGR" }
decode = { nms_iou = 0.6 }
export = { method = "function", function = "carry:export" }

[[matrix]]
name = "versions"
runtime = "net"
cells = [
    { name = "first" },
"""


@pytest.fixture
def load(tmp_path: Path):
    """Loads the suite with more cells, and with more text behind its row."""

    def loaded(cells: str = "", more: str = "") -> suite.Suite:
        (tmp_path / "1.png").write_bytes(b"")
        path = tmp_path / "parity.toml"
        path.write_text(f"{SUITE}{cells}]\n{more}")
        return suite.load(path)

    return loaded


@pytest.fixture
def second(load):
    """The runtime of a second cell with these keys."""

    def runtime(keys: str) -> Runtime:
        found: Runtime = load(f'{{ name = "second", {keys} }},\n').matrix[0].cells[1].runtime
        return found

    return runtime


@pytest.fixture
def problems(load):
    """Every problem that loading finds."""

    def found(cells: str = "", more: str = "") -> list[str]:
        with pytest.raises(SuiteError) as caught:
            load(cells, more)
        return list(caught.value.problems)

    return found


def test_a_suite_without_rows_has_an_empty_matrix(load) -> None:
    """Nothing changes for suites that ask for none; rows are not runtimes."""
    assert [row.name for row in load().matrix] == ["versions"]
    assert load().candidates == ("net",)


def test_a_cell_without_keys_is_the_runtime_itself(load) -> None:
    """All but its export: a cell is run, never made."""
    loaded = load()
    cell, runtime = loaded.matrix[0].cells[0].runtime, loaded.runtimes["net"]
    assert cell.table == runtime.table.model_copy(update={"export": None})
    assert (cell.name, cell.tolerance, cell.recipe) == ("net", runtime.tolerance, runtime.recipe)


def test_options_are_replaced_one_by_one(second) -> None:
    """The runtime's other options stay."""
    assert second("options = { threads = 4 }").table.options == {"threads": 4, "device": "cpu"}


def test_requirements_are_replaced_as_a_whole(second) -> None:
    """A version is a set of packages that fit each other."""
    found = second('requires = ["torch==2.8.0"]').table
    assert (found.requires, found.python) == (("torch==2.8.0",), "3.11")


def test_no_requirements_are_no_environment(second) -> None:
    """A cell can run what is installed here beside a runtime that has its own environment."""
    found = second("requires = []").table
    assert (found.requires, found.python) == ((), None)


def test_another_model_has_weights_of_its_own(second) -> None:
    """The weights of the runtime's model would not be those of a file."""
    found = second('model = "other.pt2"').table
    assert (found.model, found.weights) == ("other.pt2", None)


def test_other_weights_keep_the_model(second) -> None:
    """Another checkpoint of the same network."""
    found = second('weights = "older.pth"').table
    assert (found.model, found.weights) == ("network:build", "older.pth")


def test_preprocess_lies_over_the_runtimes_and_the_suites(second) -> None:
    """Three tables, key by key."""
    recipe = second("preprocess = { std = 128 }").recipe
    assert (recipe.std, recipe.color, recipe.mean) == ((128.0,), "BGR", (127.0,))


def test_a_function_replaces_what_the_runtime_says_of_preprocess(second) -> None:
    """As it does between a runtime and its suite."""
    recipe = second('preprocess = { function = "own:pixels" }').recipe
    assert (recipe.function, recipe.color) == ("own:pixels", "RGB")


def test_decode_lies_over_the_runtimes_and_the_suites(second) -> None:
    """Three tables, key by key."""
    decode = second("decode = { score_threshold = 0.4 }").decode
    assert (decode.score_threshold, decode.nms_iou, decode.family) == (0.4, 0.6, "yolov8")


def test_a_cell_has_its_own_tolerance(second) -> None:
    """Another kernel set may deserve another."""
    assert second('tolerance = "float16"').tolerance.name == "float16"


def test_every_problem_of_the_tables_is_told_at_once(problems) -> None:
    """Key by key, with what was expected and found."""
    cells = """
    { nam = "x", python = 3.11, requires = ["a", 2] },
    { name = "", memory_limit = "5", timeout = 0 },
"""
    more = '[[matrix]]\nname = "a,b"\nruntime = "net"\ncells = []\n'
    known = (
        "decode, interpreter, isolated, layout, memory_limit, model, name, options, outputs, "
        "preprocess, python, requires, timeout, tolerance, trust, weights"
    )
    assert problems(cells, more) == [
        "matrix.0.cells.1.nam: unknown key; expected one of "
        f"{known}, found 'nam'; did you mean 'name'?",
        "matrix.0.cells.1.name: expected a value, found nothing",
        "matrix.0.cells.1.python: expected a version such as '3.11' or '3.11.7', found 3.11",
        "matrix.0.cells.1.requires.1: expected a string, found 2",
        "matrix.0.cells.2.memory_limit: expected a size above zero such as '512MiB' (KiB, MiB or "
        "GiB), found '5'",
        "matrix.0.cells.2.name: expected a text that is not empty, found ''",
        "matrix.0.cells.2.timeout: expected more than 0, found 0",
        "matrix.1.cells: expected at least one entry, found []",
        "matrix.1.name: expected a name that --rows can tell from others, found 'a,b'",
    ]


def test_every_problem_of_the_cells_is_told_at_once(problems) -> None:
    """What only shows once a cell lies over its runtime and the suite."""
    cells = """
    { name = "first", tolerance = "int9", interpreter = "litert" },
    { name = "x", preprocess = { colour = "RGB" }, decode = { nms_iou = 2 } },
"""
    more = '[[matrix]]\nname = "versions"\nruntime = "nets"\ncells = [{ name = "a" }]\n'
    found = problems(cells, more)
    assert found == [
        "matrix: expected each row by a name of its own, found 'versions' more than once",
        "matrix.0.cells: expected each cell by a name of its own, found 'first' more than once",
        "matrix.0.cells.1.tolerance: expected one of exact, float16, float32, int8, found 'int9'; "
        "did you mean 'int8'?",
        "matrix.0.cells.1.interpreter: expected only with kind = 'tflite', found 'torch'",
        found[4],
        "matrix.0.cells.2.decode.nms_iou: expected at most 1, found 2",
        "matrix.1.runtime: expected one of native, net, found 'nets'; did you mean 'net'?",
    ]
    assert found[4].startswith("matrix.0.cells.2.preprocess.colour: unknown key; expected one of ")


def test_a_cell_s_environment_is_checked_with_all_other_keys(problems) -> None:
    """In the first round: what is wrong with it needs no look at its runtime."""
    cells = """
    { name = "x", requires = ["--pre"] },
    { name = "y", python = "latest", timeout = 0 },
"""
    found = problems(cells, '[runtimes.bad]\nkind = "keras"\nrequires = ["-e ."]\n')
    assert [(one.partition(":")[0], one.rpartition(", found ")[2]) for one in found] == [
        ("matrix.0.cells.1.requires.0", "'--pre'"),
        ("matrix.0.cells.2.python", "'latest'"),
        ("matrix.0.cells.2.timeout", "0"),
        ("runtimes.bad.model", "nothing"),
        ("runtimes.bad.requires.0", "'-e .'"),
    ]


def test_a_row_whose_only_cell_is_wrong_is_not_empty_too(problems) -> None:
    """One mistake is one problem."""
    more = '[[matrix]]\nname = "w"\nruntime = "net"\ncells = [{ name = "" }]\n'
    assert problems("", more) == [
        "matrix.1.cells.0.name: expected a text that is not empty, found ''"
    ]


def test_a_problem_of_the_runtime_is_told_once(problems, tmp_path: Path) -> None:
    """And not again for each cell that has it from there."""
    more = '[[matrix]]\nname = "w"\nruntime = "bad"\ncells = [{ name = "a" }, { name = "b" }]\n'
    bad = '[runtimes.bad]\nkind = "keras"\nmodel = "a.keras"\ntolerance = "int7"\n'
    assert problems("", more + bad) == [
        "runtimes.bad.tolerance: expected one of exact, float16, float32, int8, found 'int7'; "
        "did you mean 'int8'?"
    ]


def test_a_matrix_is_a_list_of_rows(tmp_path: Path) -> None:
    """One pair of brackets makes a table of it."""
    (tmp_path / "1.png").write_bytes(b"")
    text = SUITE.replace("[[matrix]]", "[matrix]")
    (tmp_path / "parity.toml").write_text(f"{text}]\n")
    with pytest.raises(SuiteError) as caught:
        suite.load(tmp_path)
    assert caught.value.problems == (
        "matrix: expected a list, found {'name': 'versions', 'runtime': 'net', "
        "'cells': [{'name': 'first'}]}",
    )
