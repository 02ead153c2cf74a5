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


DAMAGED = ("DamagedFile", "damaged", "Copy it again as a whole, or save it again.")
OTHER = ("OtherFormat", "other-format", " under [runtimes.bad]; otherwise correct model, or put")


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
    ("kind", "name", "source", "spoil", "sentence", "cause"),
    [
        ("onnxruntime", "model.onnx", ONNX, _nothing, "found an empty file", DAMAGED),
        ("onnxruntime", "model.onnx", ONNX, _half, "found a truncated protobuf file", DAMAGED),
        ("onnxruntime", "model.onnx", TFLITE, _whole, "found a TFLite flatbuffer", OTHER),
        ("onnxruntime", "model.onnx", SCRIPT, _whole, "found a zip archive that holds a T", OTHER),
        ("tflite", "model.tflite", TFLITE, _nothing, "found an empty file", DAMAGED),
        ("tflite", "model.tflite", TFLITE, _half, "found one that is cut off or corrupt", DAMAGED),
        ("tflite", "model.tflite", ONNX, _whole, "found an ONNX model", OTHER),
        ("torch", "model.pt", SCRIPT, _nothing, "found an empty file", DAMAGED),
        ("torch", "model.pt", SCRIPT, _half, "found a truncated or damaged zip archive", DAMAGED),
        ("torch", "model.pt", ONNX, _whole, "found an ONNX model", OTHER),
        ("keras", "model.keras", KERAS, _half, "found a truncated or damaged zip arch", DAMAGED),
        ("savedmodel", "model", ONNX, _whole, "found an ONNX model", OTHER),
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
    cause: tuple[str, str, str],
) -> None:
    """Empty, cut off, renamed, of another kind: expected, where, found, what to do, and its cause.

    The cause is in results.json too.
    """
    pytest.importorskip(LIBRARIES[kind])
    folder = write_suite(tmp_path / "s", f'\n[runtimes.bad]\nkind = "{kind}"\nmodel = "{name}"\n')
    (folder / name).write_bytes(spoil(source))
    found = check(folder, capfd)
    assert found.code == 3
    assert "error: bad: expected " in found.out
    assert f" at {folder}/{name}, {sentence}" in found.out
    error, code, remedy = cause
    assert remedy in found.out
    failure = found.failure("bad")
    assert (failure["kind"], failure["cause"]) == (error, code)
    assert (found.verdict("good"), found.verdict("bad")) == ("pass", "error")


def test_a_garbled_file_is_never_loaded_and_said_to_be_damaged(
    tmp_path: Path, capfd: Capture
) -> None:
    """What cannot be scanned could be anything; trust would not mend it."""
    pytest.importorskip("onnxruntime")
    more = '\n[runtimes.bad]\nkind = "onnxruntime"\nmodel = "model.onnx"\n'
    folder = write_suite(tmp_path / "s", more)
    (folder / "model.onnx").write_bytes(_garbled(ONNX))
    found = check(folder, capfd)
    assert found.code == 3
    assert (
        "found one that is cut off or corrupt (it cannot be scanned: malformed). Copy it again"
        in found.out
    )
    assert found.failure("bad")["kind"] == "DamagedFile"
    assert found.verdict("good") == "pass"


@pytest.mark.parametrize("kind", LIBRARIES)
def test_a_file_that_is_missing(tmp_path: Path, capfd: Capture, kind: str) -> None:
    """Where it was expected, and what makes it."""
    pytest.importorskip(LIBRARIES[kind])
    folder = write_suite(tmp_path / "s", f'\n[runtimes.bad]\nkind = "{kind}"\nmodel = "none.bin"\n')
    found = check(folder, capfd)
    assert found.code == 3
    assert (
        f"bad: expected a model file at {folder}/none.bin, found nothing. "
        f"Correct the path in parity.toml, or put the file there."
    ) in found.out
    assert (found.verdict("good"), found.verdict("bad")) == ("pass", "error")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            None,
            "found nothing. Export it (parity export SUITE) or correct the path in parity.toml.",
        ),
        (
            b"",
            "Copy it again as a whole, or export it again (parity export SUITE).",
        ),
    ],
)
def test_only_what_parity_exports_is_to_be_exported(
    tmp_path: Path, capfd: Capture, content: bytes | None, sentence: str
) -> None:
    """A runtime with an export table is told the command that makes its file."""
    pytest.importorskip("onnxruntime")
    more = (
        '\n[runtimes.bad]\nkind = "onnxruntime"\nmodel = "model.onnx"\n'
        'export = { method = "tf2onnx" }\n'
    )
    folder = write_suite(tmp_path / "s", more)
    if content is not None:
        (folder / "model.onnx").write_bytes(content)
    assert sentence in check(folder, capfd).out


NETWORK = """
import torch


def raises():
    raise LookupError("no such backbone")


def number():
    return 3


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3 * 8 * 8, 4)

    def forward(self, image):
        return self.layer(image.flatten(1))
"""


def torch_suite(folder: Path, factory: str) -> Path:
    """A suite with a torch runtime of which the factory is one of ``NETWORK``."""
    torch = pytest.importorskip("torch")
    more = (
        f'\n[runtimes.bad]\nkind = "torch"\nmodel = "network:{factory}"\n'
        'weights = "net.pth"\nlayout = "NCHW"\n'
    )
    suite = write_suite(folder, more)
    (suite / "network.py").write_text(NETWORK)
    layer = torch.nn.Linear(3 * 8 * 8, 4)
    torch.save(
        {f"layer.{name}": one for name, one in layer.state_dict().items()}, suite / "net.pth"
    )
    return suite


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        ("raises", "it raised LookupError: no such backbone"),
        ("number", "it returned a int, not a torch.nn.Module"),
    ],
)
def test_a_factory_that_fails_is_told_as_one(
    tmp_path: Path, capfd: Capture, factory: str, sentence: str
) -> None:
    """The name is right and its function is wrong: what it did, not how names must look."""
    found = check(torch_suite(tmp_path / "s", factory), capfd)
    assert found.code == 3
    said = f"bad: expected a torch module from 'network:{factory}', found that {sentence}"
    assert said in found.out
    assert found.verdict("good") == "pass"


def test_missing_weights_are_not_to_be_exported(tmp_path: Path, capfd: Capture) -> None:
    """Nobody exports the weights that everything else is exported from."""
    folder = torch_suite(tmp_path / "s", "Net")
    (folder / "net.pth").unlink()
    assert (
        f"bad: expected a model file at {folder}/net.pth, found nothing. "
        f"Correct the path in parity.toml, or put the file there."
    ) in check(folder, capfd).out


def test_a_size_that_only_the_network_knows_is_told_with_what_was_fed(
    tmp_path: Path, capfd: Capture
) -> None:
    """A torch module declares no input; where it raises, the fed shape stands beside its words."""
    found = check(torch_suite(tmp_path / "s", "Net"), capfd)
    assert found.code == 3
    assert "bad: raised while it ran: RuntimeError: mat1 and mat2 shapes cannot be" in found.out
    assert (
        ". It was fed image (1, 3, 10, 10), float32, NCHW; if it takes another size, see "
        "preprocess.size"
    ) in found.out


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
        "bad: input image: expected (1, 3, 320, 320), found (1, 3, 10, 10); see preprocess.size"
        in found.out
    )
    assert found.verdict("good") == "pass"


def test_a_factory_without_weights_is_told_what_to_say(tmp_path: Path, capfd: Capture) -> None:
    """Which key is missing, of which runtime: there is no file to name."""
    pytest.importorskip("torch")
    table = '[runtimes.bad]\nkind = "torch"\nmodel = "networks:same"\nlayout = "NCHW"\n'
    found = check(write_suite(tmp_path / "suite", table), capfd)
    assert (found.code, found.verdict("bad"), found.verdict("good")) == (3, "error", "pass")
    assert found.results["runtimes"][-1]["failure"]["message"] == (
        "bad: expected the file that holds the weights of networks:same, found none: a factory "
        "alone builds a network of random weights. Save its weights and say weights = that "
        "file, under [runtimes.bad]"
    )
