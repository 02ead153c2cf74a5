"""The commands ``parity inspect`` and ``parity doctor``: output, JSON, exit codes, cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from parity.cli import main

Capture = pytest.CaptureFixture[str]


def test_inspect_prints_what_a_file_is(models: Path, capfd: Capture) -> None:
    """A file in a paragraph, with its runtimes at the end."""
    assert main(["inspect", "--no-load", str(models / "qoperator.onnx")]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == f"{models}/qoperator.onnx: an ONNX model"
    assert "  parameters       110" in lines
    assert "  input            image float32 (N, 3, 8, 8)" in lines
    assert "  opsets           ai.onnx 17" in lines
    assert lines[-1].split()[:2] == ["others", "no"]


def test_inspect_prints_json_and_nothing_else(models: Path, capfd: Capture) -> None:
    """The format's version first, then the files in the order in which they were named."""
    names = [str(models / "net.onnx"), str(models / "saved")]
    assert main(["inspect", "--json", "--no-load", *names]) == 0
    found = json.loads(capfd.readouterr().out)
    assert list(found) == ["format", "files"]
    assert found["format"] == 1
    assert [one["path"] for one in found["files"]] == names
    assert list(found["files"][0]) == [
        "path", "kind", "is", "form", "size", "sha256", "written_by", "parameters", "inputs",
        "outputs", "facts", "code", "notes", "faults", "runtimes", "exit_code",
    ]  # fmt: skip
    assert found["files"][0]["inputs"] == [
        {"name": "image", "dtype": "float32", "shape": ["N", 3, 8, 8]}
    ]


def test_a_file_is_told_before_the_next_is_read(
    models: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many files take minutes; JSON is one document and waits for all of them."""
    from parity.inspecting import looking

    inspect, seen = looking.inspect, []

    def watched(path: Path, attempt: object) -> object:
        seen.append(capfd.readouterr().out)
        return inspect(path, None)

    monkeypatch.setattr(looking, "inspect", watched)
    paths = [str(models / "net.onnx"), str(models / "custom.onnx")]
    main(["inspect", "--no-load", *paths])
    assert seen[0] == ""
    assert seen[1].startswith(f"{paths[0]}: an ONNX model\n")
    assert capfd.readouterr().out.startswith(f"\n{paths[1]}: an ONNX model\n")
    seen.clear()
    main(["inspect", "--no-load", "--json", *paths])
    assert seen == ["", ""]


def test_the_hash_is_that_of_the_file(models: Path, capfd: Capture) -> None:
    """As sha256sum says it."""
    import hashlib

    path = models / "net.onnx"
    main(["inspect", "--json", "--no-load", str(path)])
    (found,) = json.loads(capfd.readouterr().out)["files"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["size"] == path.stat().st_size


def test_a_wrong_path_outweighs_a_damaged_file(tmp_path: Path, capfd: Capture) -> None:
    """2 before 3 before 0, and every file is told of."""
    (tmp_path / "empty.onnx").write_bytes(b"")
    assert main(["inspect", str(tmp_path / "empty.onnx")]) == 3
    assert main(["inspect", str(tmp_path / "empty.onnx"), str(tmp_path / "none")]) == 2
    out, _ = capfd.readouterr()
    assert out.count("it is empty: copy or export it again") == 2
    assert "nothing is there: correct the path" in out


def test_inspect_imports_no_framework(golden_suites: Path) -> None:
    """Every bundled file is read without numpy's friends, without pandas and scipy; checked."""
    files = sorted(
        str(one)
        for one in golden_suites.glob("parts_*/*")
        if one.suffix in (".onnx", ".tflite", ".keras", ".pth", ".pt", ".pt2")
    )
    assert len(files) >= 8
    program = (
        "import sys\nfrom parity.cli import main\n"
        f"code = main(['inspect', '--no-load', *{files!r}, {str(golden_suites)!r} + "
        "'/parts_ssd/detector_savedmodel'])\n"
        "heavy = {'torch', 'tensorflow', 'keras', 'onnx', 'onnxruntime', 'ai_edge_litert', 'h5py', "
        "'pandas', 'scipy', 'cv2'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}), code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"
