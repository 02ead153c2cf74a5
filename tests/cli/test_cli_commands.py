"""The command itself: help, version, record, export."""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_suites import write_suite

import parity
from parity.cli import main

Capture = pytest.CaptureFixture[str]


def test_help_has_examples_and_exit_codes(capfd: Capture) -> None:
    """A stranger sees what to type and what the codes mean."""
    assert main(["--help"]) == 0
    out, _ = capfd.readouterr()
    assert "parity check models/detector --runtimes onnx,int8" in out
    assert "  2  the command or the suite is wrong\n" in out
    assert "2 before 3 before 1" in out


@pytest.mark.parametrize("command", ["check", "record", "export", "init"])
def test_every_command_has_help(command: str, capfd: Capture) -> None:
    """With the exit codes, which scripts rely on."""
    assert main([command, "--help"]) == 0
    out, _ = capfd.readouterr()
    assert out.startswith(f"usage: parity {command} ")
    assert "exit codes:" in out


def test_version(capfd: Capture) -> None:
    """Name and version in one line."""
    assert main(["--version"]) == 0
    assert capfd.readouterr().out == f"parity {parity.__version__}\n"


def test_no_command_is_a_wrong_command(capfd: Capture) -> None:
    """The help goes to the standard error, and the code says that nothing was judged."""
    assert main([]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("usage: parity ")


@pytest.mark.parametrize(
    "arguments", [["chek"], ["check"], ["check", ".", "--runtime", "a"], ["check", ".", "--bogus"]]
)
def test_a_wrong_command_exits_with_2(arguments: list[str], capfd: Capture) -> None:
    """Unknown words, missing ones and abbreviated options are refused."""
    assert main(arguments) == 2
    assert "error: " in capfd.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    """No framework, no pandas, numpy, pydantic or rich; and the check can fail."""
    program = (
        "import sys\n"
        "from parity.cli import main\n"
        "main(sys.argv[1:])\n"
        "heavy = ('numpy', 'pandas', 'pydantic', 'rich', 'scipy', 'cv2', 'torch', 'tensorflow')\n"
        "print(*[name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        ).stderr.split()
        for arguments in (["--help"], ["check", "no-such-suite"])
    ]
    assert found[0] == []
    assert {"numpy", "pydantic"} <= set(found[1])


def test_record_says_what_it_wrote(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the goldens then stand in for the reference."""
    monkeypatch.chdir(tmp_path)
    suite = write_suite(tmp_path / "s", {"a": "same"})
    assert main(["record", str(suite)]) == 0
    assert capfd.readouterr().out == "tiny: recorded 2 images of native in s/golden\n"
    assert main(["check", str(suite), "--reference", "golden"]) == 0
    out = capfd.readouterr().out
    assert "against native (golden: recorded results stand in for it), 2 images" in out
    assert out.endswith("\nnative was judged against its own golden\n")


def test_a_reference_that_cannot_run_records_nothing(tmp_path: Path, capfd: Capture) -> None:
    """Exit code 3, and no golden folder."""
    suite = write_suite(tmp_path / "s", {})
    networks = suite / "networks.py"
    networks.write_text(networks.read_text() + "\n\nsame = broken\n")
    assert main(["record", str(suite)]) == 3
    assert capfd.readouterr().err == (
        "error: native: raised while it ran: ValueError: no such kernel\n"
    )
    assert not (suite / "golden").exists()


def test_export_of_a_suite_that_declares_none(tmp_path: Path, capfd: Capture) -> None:
    """Nothing to do is said."""
    assert main(["export", str(write_suite(tmp_path / "s", {"a": "same"}))]) == 0
    assert capfd.readouterr().out == "tiny: no runtime declares an export\n"


def test_export_tells_each_file(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runtime, method, file, size and time; what to know before it is deployed below."""
    from parity.export import Exported

    made = Exported("onnx", tmp_path / "s/a.onnx", 2048, "0" * 64, 1.25, "tf2onnx", ("opset 17",))
    monkeypatch.setattr("parity.export.export", lambda *_: (made,))
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(write_suite(tmp_path / "s", {"a": "same"}))]) == 0
    assert capfd.readouterr().out == (
        "runtime  method   file         size   took\n"
        "onnx     tf2onnx  s/a.onnx  2.0 KiB  1.2 s\n"
        "\n"
        "onnx: opset 17\n"
    )
