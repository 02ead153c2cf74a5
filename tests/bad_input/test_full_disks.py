"""A disk that fills, and files of others in the way: told, and nothing half-written or lost."""

import errno
import json
import os
from pathlib import Path

import pytest
from spoiling import check, runtime, write_suite

from parity.cli import main
from tests.support.suites import edit

Capture = pytest.CaptureFixture[str]
FULL = "no space left on device"
MATRIX = '\n[[matrix]]\nname = "row"\nruntime = "good"\ncells = [{ name = "one" }]\n'


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is written stays."""

    def fails(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fails)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All there is below a folder, hidden files too."""
    every = sorted(folder.rglob("*"))
    return {str(one): one.read_bytes() if one.is_file() else None for one in every}


def test_check_tells_the_verdict_and_then_that_its_report_is_lost(
    tmp_path: Path, capfd: Capture, full: None
) -> None:
    """Exit code 2; other suites of the run are judged all the same."""
    one, two = write_suite(tmp_path / "1"), write_suite(tmp_path / "2", name="second")
    out = tmp_path / "out"
    assert main(["check", str(one), str(two), "--report", str(out)]) == 2
    printed, err = capfd.readouterr()
    assert "tiny: pass (1 pass)" in printed
    assert "second: pass (1 pass)" in printed
    assert "report:" not in printed
    assert err.count(f"error: --report: expected a folder that can be written, found {out}") == 2
    assert err.count(f"{FULL}; make room or name another folder; what stood there stands") == 2
    assert not any(one.is_file() for one in out.rglob("*"))


def test_a_disk_that_fills_leaves_the_old_report(
    tmp_path: Path, capfd: Capture, request: pytest.FixtureRequest
) -> None:
    """File by file, and nothing beside it."""
    folder = write_suite(tmp_path / "s")
    assert check(folder, capfd).code == 0
    before = tree(folder / "report")
    request.getfixturevalue("full")
    assert check(folder, capfd).code == 2
    assert tree(folder / "report") == before


def test_a_matrix_is_told_where_its_report_is_lost(
    tmp_path: Path, capfd: Capture, full: None
) -> None:
    """On the terminal, and as JSON."""
    folder = write_suite(tmp_path / "s", MATRIX)
    report = ["--report", str(tmp_path / "out")]
    assert main(["matrix", str(folder), *report]) == 2
    out, err = capfd.readouterr()
    assert "one: agrees with the reference" in out
    assert FULL in err
    assert main(["matrix", str(folder), *report, "--json"]) == 2
    out, err = capfd.readouterr()
    assert json.loads(out)["detector"] == "tiny"
    assert FULL in err


@pytest.mark.parametrize("command", ["check", "matrix"])
def test_a_folder_in_the_place_of_a_report_is_refused_before_any_work(
    tmp_path: Path, capfd: Capture, command: str
) -> None:
    """It may hold something, so it is not removed."""
    folder = write_suite(tmp_path / "s", MATRIX)
    names = {"check": "results.json", "matrix": "matrix.csv"}
    place = tmp_path / "out" / "tiny" / names[command]
    place.mkdir(parents=True)
    assert main([command, str(folder), "--report", str(tmp_path / "out")]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"error: --report: expected a file or nothing at {place}, found a folder; move it away\n"
    )
    assert list(tmp_path.rglob("*.md")) == []


def test_goldens_that_cannot_be_written_leave_the_old_ones(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a whole, whichever file it was."""
    folder = write_suite(tmp_path / "s")
    assert main(["record", str(folder)]) == 0
    before = tree(folder)
    capfd.readouterr()
    written: list[Path] = []
    real = Path.write_bytes

    def second_fails(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", second_fails)
    assert main(["record", str(folder)]) == 2
    assert (
        f"found that it cannot be written: {FULL}; nothing was recorded" in capfd.readouterr().err
    )
    assert tree(folder) == before


@pytest.mark.parametrize("others", ["images", "a file", "other arrays"])
def test_recording_removes_nothing_that_is_no_golden(
    tmp_path: Path, capfd: Capture, others: str
) -> None:
    """Images that lie in ``golden/`` were removed with the goldens that are replaced."""
    folder = write_suite(tmp_path / "s")
    if others == "images":
        (folder / "images").rename(folder / "golden")
        edit(folder, "images/*.png", "golden/*.png")
    elif others == "a file":
        (folder / "golden").write_text("mine")
    else:
        (folder / "golden").mkdir()
        (folder / "golden" / "heads.npz").write_bytes(b"mine")
    before = tree(folder)
    assert main(["record", str(folder)]) == 2
    assert "expected a folder for goldens alone, which recording replaces" in capfd.readouterr().err
    assert tree(folder) == before


def test_goldens_are_recorded_over_goldens(tmp_path: Path, capfd: Capture) -> None:
    """The healthy twin, with what a desktop leaves in every folder."""
    folder = write_suite(tmp_path / "s")
    assert main(["record", str(folder)]) == 0
    (folder / "golden" / ".DS_Store").write_bytes(b"")
    assert main(["record", str(folder)]) == 0
    assert check(folder, capfd, "--reference", "golden").code == 0


def test_a_system_that_refuses_a_file_is_no_bug_of_anybody(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary folder without room: that runtime's error, in words, with what to do."""
    folder = write_suite(tmp_path / "s", runtime("apart") + "isolated = true\n")

    def fails(*args: object, **more: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/full")

    monkeypatch.setattr("tempfile.mkdtemp", fails)
    assert main(["check", str(folder)]) == 3
    out, _ = capfd.readouterr()
    told = " ".join(out.split())
    assert "good pass" in told
    assert (
        "error: apart: expected to read and write files, found no space left on device "
        "(/tmp/full): free some, or let TMPDIR name a folder on another disk"
    ) in told
    assert "defect" not in told
