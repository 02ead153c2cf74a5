"""A model file is bad: exit code 3, the file named, the other runtimes judged all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from spoiling import check, write_suite

Capture = pytest.CaptureFixture[str]
GOLDEN = Path(__file__).parents[2] / "golden"
ONNX = GOLDEN / "parts_free" / "detector.onnx"
TFLITE = GOLDEN / "parts_ssd" / "detector.tflite"
SCRIPT = GOLDEN / "parts_free" / "detector.torchscript.pt"
KERAS = GOLDEN / "parts_ssd" / "detector.keras"

LIBRARIES = {
    "onnxruntime": "onnxruntime",
    "tflite": "ai_edge_litert",
    "torch": "torch",
    "keras": "keras",
    "savedmodel": "tensorflow",
}


def _whole(path: Path) -> bytes:
    return path.read_bytes()


def _half(path: Path) -> bytes:
    return path.read_bytes()[: path.stat().st_size // 2]


def _garbled(path: Path) -> bytes:
    """Every byte after the first few thousand is another one."""
    content = path.read_bytes()
    return content[:5000] + bytes(byte ^ 0x5A for byte in content[5000:20000]) + content[20000:]


def _nothing(path: Path) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("kind", "name", "source", "spoil", "sentence"),
    [
        ("onnxruntime", "model.onnx", ONNX, _nothing, "found an empty file"),
        ("onnxruntime", "model.onnx", ONNX, _half, "found a truncated protobuf file"),
        ("onnxruntime", "model.onnx", TFLITE, _whole, "found a TFLite flatbuffer"),
        ("onnxruntime", "model.onnx", SCRIPT, _whole, "found a zip archive that holds a TorchScr"),
        ("tflite", "model.tflite", TFLITE, _nothing, "found an empty file"),
        ("tflite", "model.tflite", TFLITE, _half, "found "),
        ("tflite", "model.tflite", ONNX, _whole, "found an ONNX model"),
        ("torch", "model.pt", SCRIPT, _nothing, "found an empty file"),
        ("torch", "model.pt", SCRIPT, _half, "found a truncated or damaged zip archive"),
        ("torch", "model.pt", ONNX, _whole, "found an ONNX model"),
        ("keras", "model.keras", KERAS, _half, "found a truncated or damaged zip archive"),
        ("savedmodel", "model", ONNX, _whole, "found an ONNX model"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(
    tmp_path: Path,
    capfd: Capture,
    kind: str,
    name: str,
    source: Path,
    spoil: Callable[[Path], bytes],
    sentence: str,
) -> None:
    """Empty, cut off, garbled, renamed, of another kind: expected, where, found, what to do."""
    pytest.importorskip(LIBRARIES[kind])
    folder = write_suite(tmp_path / "s", f'\n[runtimes.bad]\nkind = "{kind}"\nmodel = "{name}"\n')
    (folder / name).write_bytes(spoil(source))
    found = check(folder, capfd)
    assert found.code == 3
    assert "error: bad: expected " in found.out
    assert f" at {folder}/{name}, {sentence}" in found.out
    assert "Correct kind or model in parity.toml, or export it again" in found.out
    assert (found.verdict("good"), found.verdict("bad")) == ("pass", "error")


def test_a_garbled_file_is_never_loaded_and_said_to_be_damaged(
    tmp_path: Path, capfd: Capture
) -> None:
    """What cannot be scanned could be anything."""
    pytest.importorskip("onnxruntime")
    more = '\n[runtimes.bad]\nkind = "onnxruntime"\nmodel = "model.onnx"\n'
    folder = write_suite(tmp_path / "s", more)
    (folder / "model.onnx").write_bytes(_garbled(ONNX))
    found = check(folder, capfd)
    assert found.code == 3
    assert "it cannot be scanned: malformed. The file may be damaged: export it again." in found.out
    assert found.verdict("good") == "pass"


@pytest.mark.parametrize("kind", LIBRARIES)
def test_a_file_that_is_missing(tmp_path: Path, capfd: Capture, kind: str) -> None:
    """Where it was expected, and what makes it."""
    pytest.importorskip(LIBRARIES[kind])
    folder = write_suite(tmp_path / "s", f'\n[runtimes.bad]\nkind = "{kind}"\nmodel = "none.bin"\n')
    found = check(folder, capfd)
    assert found.code == 3
    assert f"bad: expected a model file at {folder}/none.bin, found nothing. Export it" in found.out
    assert (found.verdict("good"), found.verdict("bad")) == ("pass", "error")


def test_a_kind_that_nobody_knows_is_an_error_of_the_suite(tmp_path: Path, capfd: Capture) -> None:
    """Exit code 2, with the kinds that are known; the other runtime is judged."""
    folder = write_suite(tmp_path / "s", '\n[runtimes.bad]\nkind = "onnx"\nmodel = "m.onnx"\n')
    found = check(folder, capfd)
    assert found.code == 2
    assert "bad: kind: expected one of " in found.out
    assert "found 'onnx'" in found.out
    assert found.verdict("good") == "pass"


def test_a_real_model_of_another_input_is_told_both_shapes(tmp_path: Path, capfd: Capture) -> None:
    """A network for 320 × 320 in a suite of 10 × 10."""
    pytest.importorskip("onnxruntime")
    more = '\n[runtimes.bad]\nkind = "onnxruntime"\nmodel = "model.onnx"\n'
    folder = write_suite(tmp_path / "s", more)
    (folder / "model.onnx").write_bytes(ONNX.read_bytes())
    found = check(folder, capfd)
    assert found.code == 3
    assert (
        "bad: image: expected (1, 3, 320, 320), found (1, 3, 10, 10); see preprocess.size"
        in found.out
    )
    assert found.verdict("good") == "pass"
