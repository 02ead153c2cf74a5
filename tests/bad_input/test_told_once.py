"""One reason that many runtimes and images have is told once; after it, where that was."""

from pathlib import Path

import pytest
from spoiling import check, runtime, write_suite

from parity.cli import main

Capture = pytest.CaptureFixture[str]
REASON = "No module named 'no_such_library'"


def broken(tmp_path: Path, more: str = "") -> Path:
    """Ten runtimes of one module, which does not import."""
    folder = write_suite(tmp_path / "s", *(runtime(f"r{i}") for i in range(8)), more)
    (folder / "networks.py").write_text("import no_such_library\n")
    return folder


def test_check_tells_it_once_with_the_names_of_all(tmp_path: Path, capfd: Capture) -> None:
    """The report has it for each."""
    found = check(broken(tmp_path), capfd)
    assert found.code == 2
    assert found.out.count(REASON) == 1
    assert "the same of good, r0, r1, r2, r3, r4, r5, r6, r7" in found.out
    assert REASON in found.failure("r5")["message"]


def test_reasons_that_differ_are_all_told(tmp_path: Path, capfd: Capture) -> None:
    """The healthy twin."""
    tables = [runtime(name, name) for name in ("none_1", "none_2")]
    found = check(write_suite(tmp_path / "s", *tables), capfd)
    assert "has no 'none_1'" in found.out
    assert "has no 'none_2'" in found.out
    assert "the same of" not in found.out


def test_layers_tell_it_once(tmp_path: Path, capfd: Capture) -> None:
    """The reference, which fails for every candidate."""
    assert main(["layers", str(broken(tmp_path))]) == 2
    err = capfd.readouterr().err
    assert err.count(REASON) == 1
    assert "error: r7: not compared, for the same reason as good\n" in err


def test_a_matrix_tells_it_once(tmp_path: Path, capfd: Capture) -> None:
    """The first cell has the reason, the others its name."""
    cells = ", ".join(f'{{ name = "c{i}" }}' for i in range(4))
    row = f'\n[[matrix]]\nname = "row"\nruntime = "good"\ncells = [{cells}]\n'
    assert main(["matrix", str(broken(tmp_path, row))]) == 2
    out = " ".join(capfd.readouterr().out.split())
    assert out.count(REASON) == 1
    assert out.count("why: the same as of c0") == 3
