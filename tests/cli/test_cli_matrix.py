"""``parity matrix``: tables, files, exit codes, and what a failing cell leaves alone."""

import csv
import json
from pathlib import Path

import pytest
from cli_suites import parity, write_suite

from parity.cli import main
from parity.report.markdown import escaped
from parity.report.text import width

Capture = pytest.CaptureFixture[str]

ABORTS = """

def aborts(feeds):
    import os

    os.abort()
"""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def matrix(*arguments: object) -> int:
    """The command in this process."""
    return main(["matrix", *map(str, arguments)])


def write(folder: Path, *cells: str, more: str = "", name: str = "row") -> Path:
    """A suite with one row of the runtime "net", whose first cell is the runtime as it is."""
    listed = "".join(f"    {{ {cell} }},\n" for cell in ('name = "first"', *cells))
    row = f'\n[[matrix]]\nname = "{name}"\nruntime = "net"\ncells = [\n{listed}]\n'
    suite = write_suite(folder, {"net": "same"}, more=row + more)
    networks = suite / "networks.py"
    networks.write_text(networks.read_text() + ABORTS)
    return suite


SAME = 'name = "threads 2", options = { threads = 2 }'
LOWER = 'name = "lower", model = "networks:lower"'
BROKEN = 'name = "broken", model = "networks:broken"'
WRONG = 'name = "wrong", options = { fast = true }'
MISSING = 'name = "old", python = "3.99"'
ABORTING = 'name = "aborts", model = "networks:aborts", isolated = true'


def test_cells_that_hold_exit_with_0(tmp_path: Path, capfd: Capture) -> None:
    """A table a row, and a sentence a cell; nothing on the standard error."""
    assert matrix(write(tmp_path / "s", SAME)) == 0
    out, err = capfd.readouterr()
    assert err == ""
    before, time, after = out.partition("ms/image\n")
    assert before.startswith(
        "tiny: pass (2 pass) against native (native), 2 images\n"
        "\n"
        "row: net (fake, tolerance float32), compared with first\n"
        "\n"
        "cell       verdict  ran on  vs reference  lost extra    1-IoU |Δscore|  "
    )
    assert time
    assert after.endswith(
        "\nfirst: agrees with the reference\nthreads 2: nothing changed, number by number\n"
    )


def test_a_cell_that_disagrees_exits_with_1(tmp_path: Path, capfd: Capture) -> None:
    """And says what changed it."""
    assert matrix(write(tmp_path / "s", LOWER)) == 1
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: fail (1 pass, 1 fail) against native (native), 2 images\n")
    assert (
        "\nlower: the replaced model (networks:same → networks:lower) broke it: the first cell "
        "agrees with the reference\n"
    ) in out
    assert "\n  layer: its layers could not be looked into: native: expected a fake runtime" in out


def test_a_cell_that_raises_exits_with_3_and_the_others_are_judged(
    tmp_path: Path, capfd: Capture
) -> None:
    """What was raised stands below the cell."""
    assert matrix(write(tmp_path / "s", BROKEN, SAME)) == 3
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: error (2 pass, 1 error) against native (native), 2 images\n")
    assert (
        "\nbroken: does not run, where the first cell runs: the replaced model (networks:same → "
        "networks:broken) is the difference\n"
        "  why: raised while it ran: ValueError: no such kernel\n"
    ) in out
    assert "\nthreads 2: nothing changed, number by number\n" in out


def test_a_cell_that_kills_its_process_takes_nothing_with_it(
    tmp_path: Path, capfd: Capture
) -> None:
    """A process of its own ends alone."""
    assert matrix(write(tmp_path / "s", ABORTING, SAME)) == 3
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: error (2 pass, 1 error) against native (native), 2 images\n")
    assert "\n  why: expected an answer, found that its process " in out


def test_2_before_3_before_1(tmp_path: Path) -> None:
    """As everywhere in this command."""
    assert matrix(write(tmp_path / "a", LOWER, BROKEN)) == 3
    assert matrix(write(tmp_path / "b", LOWER, BROKEN, WRONG)) == 2


def test_an_environment_that_cannot_be_had_is_an_error(tmp_path: Path, capfd: Capture) -> None:
    """What was asked for and could not be tried is no pass."""
    assert matrix(write(tmp_path / "s", MISSING)) == 3
    out, _ = capfd.readouterr()
    assert "\nold: could not be tried here\n  why: " in out


def test_allow_missing_skips_it(tmp_path: Path, capfd: Capture) -> None:
    """With the reason; the others decide."""
    assert matrix(write(tmp_path / "s", MISSING), "--allow-missing") == 0
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: pass (1 pass, 1 skipped) against native (native), 2 images\n")
    assert "\nold: could not be tried here\n  why: " in out


def test_a_row_of_which_nothing_was_tried_is_no_pass(tmp_path: Path, capfd: Capture) -> None:
    """Another row that holds says nothing of it."""
    alone = f'\n[[matrix]]\nname = "b"\nruntime = "net"\ncells = [{{ {MISSING} }}]\n'
    assert matrix(write(tmp_path / "s", SAME, more=alone), "--allow-missing") == 3
    out, _ = capfd.readouterr()
    assert "\nold: could not be tried here: nothing can be compared with it\n" in out


def test_allow_missing_skips_nothing_else(tmp_path: Path) -> None:
    """A cell that raised is still an error."""
    assert matrix(write(tmp_path / "s", BROKEN), "--allow-missing") == 3


def test_a_reference_that_fails_leaves_the_first_cell(tmp_path: Path, capfd: Capture) -> None:
    """Nothing is judged then, and what is known is told."""
    suite = write(tmp_path / "s", SAME)
    file = suite / "parity.toml"
    file.write_text(file.read_text().replace('"networks:same"', '"networks:broken"', 1))
    assert matrix(suite) == 3
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: error (2 error) against native (native), 2 images\n")
    assert "\nfirst: runs; the reference, to compare it with, failed\n" in out
    assert (
        "\nthreads 2: agrees with the first cell, number by number; the reference, to compare both "
        "with, failed\n"
    ) in out


def test_a_suite_without_a_matrix_exits_with_2(tmp_path: Path, capfd: Capture) -> None:
    """The message shows what to write."""
    suite = write_suite(tmp_path / "s", {"net": "same"})
    assert matrix(suite) == 2
    assert capfd.readouterr().err == (
        f"error: {suite}/parity.toml: matrix: expected [[matrix]] with name, runtime and "
        'cells = [{ name = "installed" }, ...], found no row\n'
    )


def test_an_unknown_row_exits_with_2(tmp_path: Path, capfd: Capture) -> None:
    """A row that was asked for is never left out in silence."""
    suite = write(tmp_path / "s")
    assert matrix(suite, "--rows", "rows") == 2
    assert capfd.readouterr().err == (
        f"error: {suite}/parity.toml: rows: expected one of row, found 'rows'; "
        "did you mean 'row'?\n"
    )


def test_only_the_named_rows_are_run(tmp_path: Path, capfd: Capture) -> None:
    """--rows takes names with commas between them."""
    other = '\n[[matrix]]\nname = "b"\nruntime = "net"\ncells = [{ name = "x", trust = true }]\n'
    suite = write(tmp_path / "s", BROKEN, more=other)
    assert matrix(suite, "--rows", "b") == 0
    assert "row: net" not in capfd.readouterr().out


def test_json_is_all_there_is_on_the_standard_output(tmp_path: Path, capfd: Capture) -> None:
    """Format version first; Python and native code print to the standard error."""
    suite = write(tmp_path / "s", 'name = "noisy", model = "networks:noisy"', LOWER)
    assert matrix(suite, "--json") == 1
    out, err = capfd.readouterr()
    data = json.loads(out)
    assert list(data)[:3] == ["format", "verdict", "exit_code"]
    assert (data["verdict"], data["exit_code"]) == ("fail", 1)
    cells = {cell["name"]: cell for cell in data["rows"][0]["cells"]}
    assert cells["lower"]["reference"]["findings"] == ["score"]
    assert cells["lower"]["first"]["max_score_diff"] == pytest.approx(0.01, rel=1e-4)
    assert "printed by native code" in err


def test_the_report_is_two_files(tmp_path: Path, capfd: Capture) -> None:
    """matrix.csv with a row a cell, matrix.md with a table a row of the matrix."""
    suite = write(tmp_path / "s", LOWER, BROKEN)
    assert matrix(suite, "--report", tmp_path / "r") == 3
    folder = tmp_path / "r" / "tiny"
    assert sorted(file.name for file in folder.iterdir()) == ["matrix.csv", "matrix.md"]
    with (folder / "matrix.csv").open(newline="", encoding="utf-8") as file:
        first, lower, broken = csv.DictReader(file)
    assert (first["cell"], first["verdict"], first["first_verdict"]) == ("first", "pass", "")
    assert (lower["reference_verdict"], lower["reference_lost"]) == ("fail", "0")
    assert float(lower["first_max_score_diff"]) == pytest.approx(0.01, rel=1e-4)
    assert (broken["loaded"], broken["reference_verdict"]) == ("True", "")
    assert broken["cause"] == "raised while it ran: ValueError: no such kernel"
    page = (folder / "matrix.md").read_text(encoding="utf-8")
    assert page.startswith("# tiny: error (1 pass, 1 fail, 1 error) against native (native), 2 im")
    assert "\n## row: net (fake, tolerance float32), compared with first\n" in page
    changed = escaped("networks:same → networks:lower", leading=False)
    assert f"\n| lower | fail |  | fake 0 | {changed} | fail | 0 | 0 | 0 | 0.0100 | fail " in page
    assert "\nbroken: raised while it ran: ValueError: no such kernel\n</pre>\n" in page
    assert f"report: {folder}/matrix.csv\n" in capfd.readouterr().out


def test_a_report_that_cannot_be_written_exits_with_2(tmp_path: Path, capfd: Capture) -> None:
    """It is said before anything runs."""
    (tmp_path / "r").write_text("")
    assert matrix(write(tmp_path / "s"), "--report", tmp_path / "r") == 2
    assert "--report: expected a folder that can be written" in capfd.readouterr().err


def test_names_from_the_suite_are_only_text(tmp_path: Path, capfd: Capture) -> None:
    """A cell's name is no markup, no formula, no line of its own."""
    cell = 'name = "=1+1 | <b>[x](y)</b>\\nx", options = { threads = 2 }'
    assert matrix(write(tmp_path / "s", cell), "--report", tmp_path / "r") == 0
    assert "\n=1+1 | <b>[x](y)</b>\\nx  pass  " in capfd.readouterr().out
    page = (tmp_path / "r" / "tiny" / "matrix.md").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "[x]" not in page
    assert "'=1+1" in (tmp_path / "r" / "tiny" / "matrix.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", [76, 100, 160])
def test_a_piped_table_fits_the_columns_that_are_given(tmp_path: Path, columns: int) -> None:
    """Plain text, with what does not fit below; at 160 one table holds all."""
    long = f'name = "{"very " * 8}long", options = {{ threads = 2 }}'
    done = parity("matrix", write(tmp_path / "s", long, LOWER, BROKEN), COLUMNS=str(columns))
    assert done.returncode == 3
    assert "\x1b" not in done.stdout
    assert max(map(width, done.stdout.splitlines())) <= columns
    tables = [line for line in done.stdout.splitlines() if line.startswith("cell ")]
    assert (len(tables) == 1) == (columns == 160)


def test_a_terminal_gets_colours(tmp_path: Path, capfd: Capture) -> None:
    """Of the verdicts."""
    from parity.harness.matrix import matrix as run
    from parity.report.matrix.pages import matrix_text

    text = matrix_text(run(write(tmp_path / "s", LOWER)), color=True)
    assert "\x1b[32mpass" in text
    assert "\x1b[1;31mfail" in text
