"""Files that would act: each is refused by name, and nothing in it runs."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

import parity.runtimes as runtimes
from parity.formats.archive import zip_file
from parity.formats.torch import symbolic
from parity.runtimes import scan
from parity.runtimes.contract import AdapterError, Artifact
from parity.runtimes.shared import tf_common


class Writes:
    """A pickle of this creates the file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def refused(kind: str, model: Path | str, **more: Any) -> tuple[str, ...]:
    """The findings for which the runtime refuses this file."""
    with pytest.raises(AdapterError) as caught:
        runtimes.load(kind)(Artifact(model=str(model), **more))
    assert caught.value.code == "untrusted", caught.value
    findings = caught.value.facts["findings"]
    assert isinstance(findings, tuple)
    assert findings
    return findings


def rewritten(source: Path, target: Path, change: dict[str, Any]) -> Path:
    """A copy of a zip archive; each change maps a member's tail to a function of its bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            for tail, function in change.items():
                if item.filename.endswith(tail):
                    data = function(data)
            new.writestr(item.filename, data)
    return target


@pytest.mark.parametrize(
    ("fixture", "name"),
    [
        ("tensorflow_files", "net.keras"),
        ("tensorflow_files", "net.h5"),
        ("tensorflow_files", "saved"),
        ("tensorflow_files", "int8.tflite"),
        ("torch_files", "net.pth"),
        ("torch_files", "legacy.pth"),
        ("torch_files", "script.pt"),
        ("torch_files", "program.pt2"),
        ("onnx_files", "net.onnx"),
        ("onnx_files", "external.onnx"),
    ],
)
def test_an_ordinary_model_has_no_findings(
    fixture: str, name: str, request: pytest.FixtureRequest
) -> None:
    """What the frameworks save by themselves needs no trust."""
    assert scan.findings(str(request.getfixturevalue(fixture) / name)) == ()


# Keras


def keras_model(folder: Path, name: str, layer: Any) -> Path:
    import keras

    image = keras.Input((4,), name="image")
    keras.Model(image, layer(image)).save(folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_a_lambda_layer(name: str, tmp_path: Path, tensorflow_files: Path) -> None:
    """A Lambda is Python code in the file."""
    import keras

    marker = tmp_path / "ran"
    code = eval(f"lambda x: (open({str(marker)!r}, 'w'), x)[1]")
    path = keras_model(tmp_path, name, keras.layers.Lambda(code, name="evil"))
    marker.unlink()
    assert "Lambda (layer 'evil') holds Python code" in refused("keras", path)
    assert not marker.exists()


def test_a_trusted_lambda_layer_runs(tmp_path: Path, tensorflow_files: Path) -> None:
    """With trust = true the same file loads, and its code runs."""
    import keras
    import numpy as np

    path = keras_model(tmp_path, "net.keras", keras.layers.Lambda(lambda x: x * 2, name="double"))
    adapter = runtimes.load("keras")(Artifact(model=str(path), trust=True))
    heads = adapter.run({"image": np.ones((1, 4), np.float32)})
    assert heads["double"].tolist() == [[2, 2, 2, 2]]


def test_a_custom_layer(tmp_path: Path, tensorflow_files: Path) -> None:
    """A layer of another module is Python code somewhere else."""
    import keras

    class Mine(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    path = keras_model(tmp_path, "net.keras", Mine(name="mine"))
    (found,) = refused("keras", path)
    assert found.endswith("Mine (layer 'mine') is not Keras' own")


def test_a_trusted_custom_layer_is_loaded_from_the_suite(
    tmp_path: Path, tensorflow_files: Path
) -> None:
    """options.custom_objects names the function in the suite's folder that knows the class."""
    import numpy as np

    (tmp_path / "layers.py").write_text(
        "import keras\n\n\nclass Mine(keras.layers.Layer):\n"
        "    def call(self, x):\n        return x * 3\n\n\n"
        "def known():\n    return {'Mine': Mine}\n"
    )
    from parity.runtimes.shared.resolve import resolve

    layer = resolve("layers:Mine", str(tmp_path))(name="mine")
    path = keras_model(tmp_path, "net.keras", layer)
    artifact = Artifact(
        model=str(path),
        folder=str(tmp_path),
        trust=True,
        options={"custom_objects": "layers:known"},
    )
    heads = runtimes.load("keras")(artifact).run({"image": np.ones((1, 4), np.float32)})
    assert heads["mine"].tolist() == [[3, 3, 3, 3]]


@pytest.mark.parametrize(
    ("entry", "finding"),
    [
        (
            {"module": "os", "class_name": "function", "config": "system"},
            "os.function is not Keras' own",
        ),
        (
            {"module": "builtins", "class_name": "function", "config": "exec"},
            "the function exec is not a layer",
        ),
        (
            {"module": "builtins", "class_name": "function", "config": "exit"},
            "the function exit is not a layer",
        ),
        (
            {"module": "keras.utils", "class_name": "get_file", "config": {}},
            "keras.utils.get_file is not Keras' own",
        ),
        (
            {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"name": "x"}},
            "TFSMLayer (layer 'x') holds Python code",
        ),
        (
            {"class_name": "Custom>Net", "config": {"name": "y"}},
            "Custom>Net (layer 'y') is not Keras' own",
        ),
    ],
    ids=["import", "builtin", "of site", "download", "savedmodel", "registered"],
)
def test_other_ways_into_keras(
    entry: dict[str, Any], finding: str, tensorflow_files: Path, tmp_path: Path
) -> None:
    """References to other modules are found wherever they hide in the configuration."""

    def poison(data: bytes) -> bytes:
        config = json.loads(data)
        config["config"]["layers"][1]["config"]["activation"] = entry
        return json.dumps(config).encode()

    path = rewritten(
        tensorflow_files / "net.keras", tmp_path / "net.keras", {"config.json": poison}
    )
    assert refused("keras", path) == (finding,)


def test_a_training_configuration_is_no_finding(tensorflow_files: Path, tmp_path: Path) -> None:
    """A custom loss stays unread (compile = False), so it needs no trust."""

    def compiled(data: bytes) -> bytes:
        config = json.loads(data)
        loss = {"module": "train", "class_name": "function", "config": "ssd_loss"}
        config["compile_config"] = {"loss": loss}
        return json.dumps(config).encode()

    path = rewritten(
        tensorflow_files / "net.keras", tmp_path / "net.keras", {"config.json": compiled}
    )
    assert scan.findings(str(path)) == ()
    runtimes.load("keras")(Artifact(model=str(path))).close()


def test_two_members_of_one_name(tensorflow_files: Path, tmp_path: Path) -> None:
    """An archive with two config.json cannot be judged: readers differ about which one counts."""
    path = Path(shutil.copy(tensorflow_files / "net.keras", tmp_path / "net.keras"))
    with zipfile.ZipFile(path) as archive:
        data = archive.read("config.json")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", data)
    assert refused("keras", path) == ("two members are named config.json",)


# Pickles


def test_a_whole_module_pickle_as_weights(torch_files: Path) -> None:
    """A pickled module would import and build classes."""
    artifact = {"weights": str(torch_files / "whole.pth"), "folder": str(torch_files)}
    findings = refused("torch", "net:Net", **artifact)
    assert any(text.endswith(".net.Net") for text in findings)
    assert "the pickle calls torch.nn.modules.conv.Conv2d" in findings


def test_a_whole_module_pickle_as_the_model(torch_files: Path) -> None:
    """The same file as the model is refused in the same words."""
    assert "the pickle calls torch.nn.modules.conv.Conv2d" in refused(
        "torch", torch_files / "whole.pth"
    )


def test_a_trusted_whole_module_runs(torch_files: Path) -> None:
    """With trust = true the pickled module is the model."""
    import numpy as np

    artifact = Artifact(str(torch_files / "whole.pth"), folder=str(torch_files), trust=True)
    heads = runtimes.load("torch")(artifact).run({"image": np.zeros((1, 3, 8, 8), np.float32)})
    assert sorted(heads) == ["boxes", "scores"]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_checkpoint_with_a_payload(zipped: bool, torch_files: Path, tmp_path: Path) -> None:
    """A payload beside the weights is found in both file formats, and never runs."""
    import torch

    marker, path = tmp_path / "ran", tmp_path / "bad.pth"
    state = torch.load(torch_files / "net.pth", weights_only=True)
    content = {"state_dict": dict(state), "payload": Writes(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    findings = refused("torch", "net:Net", weights=str(path), folder=str(torch_files))
    assert findings == ("the pickle calls io.open",)
    assert not marker.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_plain_pickle(protocol: int, torch_files: Path, tmp_path: Path) -> None:
    """Every pickle protocol is read."""
    marker, path = tmp_path / "ran", tmp_path / "bad.pth"
    path.write_bytes(pickle.dumps({"a": Writes(marker)}, protocol))
    findings = refused("torch", "net:Net", weights=str(path), folder=str(torch_files))
    assert findings == ("the pickle calls io.open",)
    assert not marker.exists()


def test_a_name_from_the_memo(torch_files: Path, tmp_path: Path) -> None:
    """What is stored first and fetched in another order is the name that is called."""
    path = tmp_path / "bad.pth"
    body = b"\x8c\x06system\x94\x8c\x02os\x94h\x01h\x00\x93\x8c\x04true\x85R."
    path.write_bytes(b"\x80\x04" + body)
    findings = refused("torch", "net:Net", weights=str(path), folder=str(torch_files))
    assert findings == ("the pickle calls os.system",)


def test_a_name_made_at_run_time(torch_files: Path, tmp_path: Path) -> None:
    """A pickle that computes what it calls, here in rot13, cannot be judged."""
    path = tmp_path / "bad.pth"
    path.write_bytes(
        b"\x80\x04c_codecs\nencode\n(\x8c\x02bf\x8c\x05rot13tR\x8c\x06system\x93\x8c\x04true\x85R."
    )
    findings = refused("torch", "net:Net", weights=str(path), folder=str(torch_files))
    assert findings == ("the pickle calls something whose name it makes up while it loads",)


# TorchScript


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ('w = torch.from_file("/etc/passwd", False, 4)', "it calls from_file()"),
        ('w = torch . from_file ("/etc/passwd", False, 4)', "it calls from_file()"),
        ('w = ("/etc/passwd").from_file(False, 4)', "it calls from_file()"),
        ('torch.save(image, "/tmp/x")', "it calls save()"),
        ("w = ops.image.read_file(path)", "it calls image.read_file"),
        ("w = ops.prim.PythonOp(image)", "it calls prim.PythonOp"),
        ("w = __torch__.torch.classes.acme.Socket()", "it uses the native class"),
        ('w = getattr(torch, "from" + "_file")', "it calls getattr()"),
        ('w = getattr(torch, "from_file")("/etc/passwd", False, 4)', "it calls getattr()"),
        ('w = getattr(self, "__class__")', "it calls getattr()"),
        ('w = getattr(self, "1" + name)', "it calls getattr()"),
    ],
)
def test_torchscript_code(line: str, finding: str, torch_files: Path, tmp_path: Path) -> None:
    """Operations that leave the tensors are found in the program's text."""

    def poison(data: bytes) -> bytes:
        return data + f"\n    {line}\n".encode()

    path = rewritten(torch_files / "script.pt", tmp_path / "script.pt", {".py": poison})
    assert any(text.startswith(finding) for text in refused("torch", path))


@pytest.mark.parametrize("how", ["trace", "script"])
def test_a_script_of_a_sequential_has_no_findings(how: str, tmp_path: Path) -> None:
    """Its children are called "0", "1", ..., which TorchScript reads by getattr()."""
    torch = pytest.importorskip("torch")
    block = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.ReLU())
    net = torch.nn.Sequential(block, torch.nn.Conv2d(4, 4, 1)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = (
            torch.jit.script(net)
            if how == "script"
            else torch.jit.trace(net, torch.zeros(1, 3, 4, 4))
        )
        torch.jit.save(made, str(tmp_path / "net.pt"))
    with zipfile.ZipFile(tmp_path / "net.pt") as archive:
        assert any(b'getattr(self, "0")' in archive.read(name) for name in archive.namelist())
    assert scan.findings(str(tmp_path / "net.pt")) == ()


def test_a_real_script_that_reads_a_file(tmp_path: Path) -> None:
    """A compiled TorchScript program that reads a file is refused; trusted, it would read it."""
    torch = pytest.importorskip("torch")
    (tmp_path / "secret").write_bytes(b"abcd")
    (tmp_path / "reader.py").write_text(
        "import torch\n\n\nclass Reader(torch.nn.Module):\n"
        "    def forward(self, image: torch.Tensor):\n"
        f"        name = {str(tmp_path / 'secret')!r}\n"
        "        return torch.from_file(name, False, 4, dtype=torch.uint8)\n"
    )
    from parity.runtimes.shared.resolve import resolve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(resolve("reader:Reader", str(tmp_path))())
        torch.jit.save(script, str(tmp_path / "reader.pt"))
    assert refused("torch", tmp_path / "reader.pt") == ("it calls from_file()",)
    adapter = runtimes.load("torch")(Artifact(str(tmp_path / "reader.pt"), trust=True))
    assert bytes(adapter.run({"image": torch.zeros(1).numpy()})["0"]) == b"abcd"


# Exported programs


def program(torch_files: Path, target: Path, change: Any) -> Path:
    """A copy of program.pt2 whose graph document went through ``change``."""

    def apply(data: bytes) -> bytes:
        document = json.loads(data)
        change(document)
        return json.dumps(document).encode()

    return rewritten(torch_files / "program.pt2", target, {"models/model.json": apply})


@pytest.mark.parametrize(
    "target", ["torch.ops.aten.from_file.default", "torch.ops.image.read_file", "torch.hub.load"]
)
def test_a_program_that_calls_out(target: str, torch_files: Path, tmp_path: Path) -> None:
    """Only tensor operations may be called."""

    def change(document: Any) -> None:
        document["graph_module"]["graph"]["nodes"][0]["target"] = target

    path = program(torch_files, tmp_path / "bad.pt2", change)
    assert refused("torch", path) == (f"it calls {target}",)


def test_a_symbolic_size_that_is_code(torch_files: Path, tmp_path: Path) -> None:
    """torch.export.load evaluates symbolic sizes, so they are judged before it is called."""
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w')"

    def change(document: Any) -> None:
        text = json.dumps(document["graph_module"]["graph"])
        start = text.index('"expr_str": "') + len('"expr_str": ')
        end = text.index('"', start + 1) + 1
        document["graph_module"]["graph"] = json.loads(text[:start] + json.dumps(code) + text[end:])

    path = program(torch_files, tmp_path / "bad.pt2", change)
    assert refused("torch", path) == (f"a symbolic size is code: {code}"[:145],)
    assert not marker.exists()


def test_a_guard_that_is_code(torch_files: Path, tmp_path: Path) -> None:
    """Guards become Python code in torch, so they are judged too."""

    def change(document: Any) -> None:
        document["guards_code"] = ["__import__('os').system('true') == 0"]

    path = program(torch_files, tmp_path / "bad.pt2", change)
    assert refused("torch", path) == ("a guard is code: __import__('os').system('true') == 0",)


def test_a_pickle_inside_a_program(torch_files: Path, tmp_path: Path) -> None:
    """torch.export.load falls back to unpickling example inputs: a payload there is found."""
    import torch

    marker = tmp_path / "ran"
    buffer = io.BytesIO()
    torch.save(((Writes(marker),), {}), buffer)
    path = rewritten(
        torch_files / "program.pt2",
        tmp_path / "bad.pt2",
        {"sample_inputs/model.pt": lambda data: buffer.getvalue()},
    )
    (finding,) = refused("torch", path)
    assert finding.endswith("data/sample_inputs/model.pt: the pickle calls io.open")
    assert not marker.exists()


def test_native_code_inside_a_program(torch_files: Path, tmp_path: Path) -> None:
    """A compiled library in the archive is found."""
    path = Path(shutil.copy(torch_files / "program.pt2", tmp_path / "bad.pt2"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("program/data/aotinductor/model/x.so", b"\x7fELF")
    assert refused("torch", path) == ("it holds native code (program/data/aotinductor/model/x.so)",)


@pytest.mark.parametrize(
    "text",
    [
        "Symbol('s40', positive=True, integer=True)",
        "Mul(Integer(2), Symbol('s0', integer=True))",
        "FloorDiv(s0, 2) + 1",
        "L['image'].size()[0] <= 8",
        "2*s77",
        "Pow(Symbol('s0'), Integer(2))",
        "FloorDiv(Add(Symbol('s0', integer=True), Integer(-1)), Integer(32))**2",
        "Mul(Float('1.5', precision=53), ToFloat(Symbol('s0')))",
        "Pow(Symbol('s0'), Rational(1, 2))",
        "Eq(Mod(s0, 32), 0)",
        "TruncToInt(IntTrueDiv(Symbol('s0'), Integer(2)))",
    ],
)
def test_arithmetic_is_harmless(text: str) -> None:
    """What torch writes itself passes."""
    assert symbolic.harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "open('x')",
        "eval('1')",
        "s0.__class__",
        "(lambda: 1)()",
        "[x for x in ()]",
        "S('__import__(\"os\")')",
        "f'{s0}'",
        "L['a\"); import os #'].size()",
        "1 +",
        "(" * 500,
        "Matrix(1, 2, S('print'))",
        "S('exec.__self__')",
        "Max('print', 1)",
        "Symbol('a.b')",
        "'print' + s0",
        "9**9**9",
        "9**999",
        "Pow(Integer(9), Integer(999))",
        "9**(s0 - s0 + 64*64)",
        "((9**64)**64)**64",
        "1 << 10**9",
        "LShift(1, 1000)",
        "1" * 30,
    ],
)
def test_everything_else_is_not(text: str) -> None:
    """Calls, attributes, comprehensions, text that could be code and endless powers do not pass."""
    assert not symbolic.harmless(text)


# SavedModel


def saved(folder: Path, body: Any) -> Path:
    tf = tf_common.start(1)

    def serve(image: Any) -> Any:
        return {"heads": body(tf, image)}

    module = tf.Module()
    image = tf.TensorSpec([1, 4], tf.float32, name="image")
    module.serve = tf.function(serve, input_signature=[image], autograph=False)
    tf.saved_model.save(module, str(folder / "bad"), signatures={"serving_default": module.serve})
    return folder / "bad"


def reads(tf: Any, x: Any) -> Any:
    return x + tf.cast(tf.strings.length(tf.io.read_file("secret")), tf.float32)


def writes(tf: Any, x: Any) -> Any:
    with tf.control_dependencies([tf.io.write_file("ran", "text")]):
        return tf.identity(x)


def calls_python(tf: Any, x: Any) -> Any:
    return tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), [1, 4])


def prints(tf: Any, x: Any) -> Any:
    with tf.control_dependencies([tf.print(x, output_stream="file://ran")]):
        return tf.identity(x)


def restores(tf: Any, x: Any) -> Any:
    (value,) = tf.raw_ops.RestoreV2(
        prefix="/etc/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return x + tf.ensure_shape(value, [1, 4])


@pytest.mark.parametrize(
    ("body", "op"),
    [
        (reads, "ReadFile"),
        (writes, "WriteFile"),
        (calls_python, "PyFunc"),
        (prints, "PrintV2"),
        (restores, "RestoreV2"),
    ],
)
def test_a_savedmodel_that_reaches_out(
    body: Any, op: str, tmp_path: Path, tensorflow_files: Path
) -> None:
    """Files, Python, printing to files and stray checkpoints are found in graph and functions."""
    findings = refused("savedmodel", saved(tmp_path, body))
    assert any(f" runs {op} (" in text for text in findings)


@pytest.mark.parametrize("other", ["saved_model.pbtxt", "saved_model.cpb"])
def test_another_graph_beside_the_scanned_one(
    other: str, tensorflow_files: Path, tmp_path: Path
) -> None:
    """A second graph file, which a loader might prefer, cannot be scanned."""
    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    (tmp_path / "saved" / other).write_bytes(b"x")
    assert refused("savedmodel", tmp_path / "saved") == (f"{other} cannot be scanned",)


# ONNX


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd"])
def test_external_weights_outside_of_the_folder(
    location: str, onnx_files: Path, tmp_path: Path
) -> None:
    """An ONNX file reads no file outside of its own folder."""
    import onnx

    model = onnx.load(onnx_files / "external.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (tmp_path / "bad.onnx").write_bytes(model.SerializeToString())
    assert refused("onnxruntime", tmp_path / "bad.onnx") == (
        f"it reads weights from outside of its folder ({location})",
    )


def test_a_bomb_is_not_unpacked(
    tensorflow_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member is read up to a limit only; beyond it the file cannot be judged."""
    monkeypatch.setattr(zip_file.read, "__defaults__", (1000,))
    assert refused("keras", tensorflow_files / "net.keras") == (
        "it cannot be scanned: config.json is larger than 1000 bytes",
    )
