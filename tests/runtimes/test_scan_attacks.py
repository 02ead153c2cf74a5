"""Files that were made to get past the scanners: what was tried, and the words that refuse it."""

from __future__ import annotations

import io
import json
import pickle
import re
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_scan import Writes, refused, rewritten, saved

import parity.runtimes as runtimes
from parity.formats.archive import faults
from parity.formats.keras import configuration as keras_configuration
from parity.formats.tensorflow.operations import reaches_outside
from parity.formats.torch import script_calls, symbolic
from parity.runtimes import (
    content,
    scan,
)
from parity.runtimes.contract import Artifact

# Archives


def two_tables(benign: bytes, evil: bytes) -> bytes:
    """An archive of which Python sees one half, and whoever asks its end sees the other.

    The end says that the table of contents is the second archive's, which lies behind it as its
    comment; Python takes the one that lies just before it.
    """
    at = benign.rindex(b"PK\5\6")
    count, size, start = struct.unpack_from("<HII", benign, at + 10)
    other = struct.unpack_from("<I", evil, evil.rindex(b"PK\5\6") + 16)[0]
    evil = evil[: evil.rindex(b"PK\5\6")]
    base = start + size + 22
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, base + other, len(evil))
    table = shifted(benign[start:at], base + other - start)
    return benign[:start] + table + end + evil[:other] + shifted(evil[other:], base)


def shifted(table: bytes, by: int) -> bytes:
    """A table of contents whose members lie so much further behind."""
    found, at = bytearray(table), 0
    while at < len(table):
        lengths = struct.unpack_from("<HHH", table, at + 28)
        (offset,) = struct.unpack_from("<I", table, at + 42)
        struct.pack_into("<I", found, at + 42, offset + by)
        at += 46 + sum(lengths)
    return bytes(found)


def plain(source: Path) -> bytes:
    """An archive written again without the fields of 64 bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w") as new:
        for item in old.infolist():
            new.writestr(item.filename, old.read(item))
    return buffer.getvalue()


def test_an_archive_with_two_tables_of_contents(torch_files: Path, tmp_path: Path) -> None:
    """Python reads the harmless half, torch the other."""
    import torch

    data = plain(torch_files / "script.pt")
    evil = rewritten(
        torch_files / "script.pt",
        tmp_path / "evil.pt",
        {".py": lambda code: code.replace(b"return", b"evil()\n    return")},
    )
    path = tmp_path / "script.pt"
    path.write_bytes(two_tables(data, plain(evil)))
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        assert not any(b"evil()" in archive.read(name) for name in names)
    reader = torch._C.PyTorchFileReader(str(path))
    assert any(b"evil()" in reader.get_record(name.split("/", 1)[1]) for name in names)
    assert refused("torch", path) == (faults.NO_END,)


@pytest.mark.parametrize("field", [10, 12, 16, 20], ids=["count", "size", "start", "comment"])
def test_an_end_that_says_otherwise(field: int, torch_files: Path, tmp_path: Path) -> None:
    """What the end of an archive says is compared with what is there, or it does not open."""
    data = bytearray(plain(torch_files / "script.pt"))
    at = data.rindex(b"PK\5\6") + field
    data[at] ^= 1
    path = tmp_path / "script.pt"
    path.write_bytes(bytes(data))
    if field == 10:  # how many there are is counted by Python, and is no way to hide one
        assert scan.findings(str(path)) == ()
        return
    with pytest.raises(runtimes.AdapterError) as caught:
        runtimes.load("torch")(Artifact(str(path)))
    assert caught.value.code in ("untrusted", "damaged")


# Exported programs


def config(folder: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """A copy of program.pt2 whose list of weights went through ``change``."""

    def apply(data: bytes) -> bytes:
        document = json.loads(data)
        change(next(iter(document["config"].values())))
        return json.dumps(document).encode()

    return rewritten(folder / "program.pt2", target, {"_weights_config.json": apply})


@pytest.mark.parametrize("value", [True, 1, "no", [0]])
def test_a_weight_that_is_a_pickle(value: Any, torch_files: Path, tmp_path: Path) -> None:
    """Torch unpickles it with whatever is true, and not only with "true"."""
    path = config(torch_files, tmp_path / "bad.pt2", lambda entry: entry.update(use_pickle=value))
    assert refused("torch", path) == ("a weight is stored as a pickle",)


def upper_case(marker: Path) -> bytes:
    """Torch finds DATA.PKL too."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/DATA.PKL", pickle.dumps(Writes(marker), 2))
        archive.writestr("archive/version", "3")
    return buffer.getvalue()


def tar(marker: Path) -> bytes:
    """Torch's oldest form; the first name in it reads as a pickle of nothing."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("\udc80\x02N.", "storages", "tensors", "pickle"):
            data = pickle.dumps(Writes(marker), 2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def pickle_that_looks_zipped(marker: Path) -> bytes:
    """A pickle whose first operation reads "PK" and a line, with an archive behind it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
    return b"PK\n0" + pickle.dumps(Writes(marker), 2) + buffer.getvalue()


def script(marker: Path) -> bytes:
    """torch.load passes it on to torch.jit.load."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/constants.pkl", pickle.dumps((), 2))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (upper_case, "the pickle calls io.open"),
        (tar, "it is no archive of tensors"),
        (pickle_that_looks_zipped, "it is no archive of tensors"),
        (script, "it is no archive of tensors"),
    ],
)
def test_example_inputs_in_another_form(
    make: Callable[[Path], bytes], finding: str, torch_files: Path, tmp_path: Path
) -> None:
    """torch.export.load unpickles whatever else they are, so they must be what it writes."""
    marker = tmp_path / "ran"
    path = rewritten(
        torch_files / "program.pt2",
        tmp_path / "bad.pt2",
        {"sample_inputs/model.pt": lambda data: make(marker)},
    )
    found = refused("torch", path)
    assert found[0].endswith(f"data/sample_inputs/model.pt: {finding}")
    assert not marker.exists()


def sized(folder: Path, target: Path, expression: str) -> Path:
    """A copy of program.pt2 with this text in the place of every symbolic size."""

    def apply(data: bytes) -> bytes:
        size = b'"expr_str": ' + json.dumps(expression).encode()
        changed, count = re.subn(rb'"expr_str": "[^"]*"', lambda _: size, data)
        assert count
        return changed

    return rewritten(folder / "program.pt2", target, {"models/model.json": apply})


@pytest.mark.parametrize(
    "expression",
    [
        "Matrix(1, 2, S('print'))",  # sympy would call print(0, 0) and print(0, 1)
        "Matrix(1, 2, S('exec.__self__'))",
        "S('print')",
        "Max('print(1)', 1)",  # a text that is an argument is read as an expression again
        "Function('x')(1)",
        "Symbol('a').size",
        "Symbol('a.b')",
        "Symbol(print)",
        "Lambda(s0, s0)(1)",
        "factorial(9)",
        "exec",
        "L",
        "L[exec]",
        "s0.size()",
        "s0[0]",
        "math.factorial(9)",
        "torch.load",
        "torch.hub.sym_max(1)",
        "Max(*s0)",
        "Max(1, **s0)",
        "Symbol('x', integer=S('print'))",
        "s0**Integer(2, x=S('print'))",
        "s0**Float('1.5', precision=S('print'))",
        "s0**Rational(1, S('print'))",
        "s0 << int(1, base=S('print'))",
        "L['x'].size(S('print'))[0]",
        "L[S('print')]",
        "s0 in (1, 2)",
    ],
)
def test_symbolic_sizes_that_call_or_name_anything(
    expression: str, torch_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the functions that torch writes, of numbers and symbols."""
    path = sized(torch_files, tmp_path / "bad.pt2", expression)
    assert refused("torch", path) == (f"a symbolic size is code: {expression}",)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "9^9^9",  # sympy reads it as a power
        "9**(s0 - s0 + 99999)",
        "Pow(Integer(9), Pow(Integer(9), Integer(9)))",
        "PowByNatural(9, Mul(9999, 9999))",
        "((((9**16)**16)**16)**16)**16",
        "Pow(Pow(s0, Integer(5)), Integer(5))",
        "1 << 99999999999",
        "LShift(1, 99999999999)",
        "RoundDecimal(5, -99999999999)",
        "floor(1e9999999)",
        "floor(Float('1e9999999'))",
        "floor(1/1e-9999999)",
        "Float('0.1', precision=999999999)",
        "Float('0.1', 999999999)",
        "123456789012345678901",
        "Integer(0xffffffffffffffffffffffffffff)",
        "exp(99999999999)",
        "+".join(["s0"] * 9999),
    ],
)  # fmt: skip
def test_symbolic_sizes_that_never_end(expression: str) -> None:
    """A power of powers has more digits than there is time: one call that nobody can stop."""
    assert not symbolic.harmless(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "Add(FloorDiv(Add(Symbol('s0', positive=True, integer=True), Integer(-1)), Integer(2)), "
        "Integer(1))",
        "Max(Integer(1), TruncToInt(Mul(Float('1.5', precision=53), ToFloat(Symbol('s53')))))",
        "GreaterThan(Symbol('u0', integer=True), Integer(0))",
        "Pow(Pow(Symbol('s0'), Integer(2)), Rational(1, 2))",
        "Pow(Integer(2), Integer(-1))",
        "1 + min(5, L['x'].size()[2] // 3) != 1",
        "math.trunc(torch.sym_float(L['x'].size()[2]) ** 0.5) == 8",
        "math.trunc(1.5*torch.sym_float(1 + (((-1) + L['x'].size()[2]) // 2))) >= 2",
        "L['images'][0]['a.b'].stride()[1] == L['n'] and not (L['x'].storage_offset() > 1e-05)",
        "Eq(s0, 9223372036854775807)",
        "s0 <= int_oo",
    ],
)
def test_symbolic_sizes_that_torch_writes(expression: str) -> None:
    """Sizes and guards of real programs with sizes that change."""
    assert symbolic.harmless(expression)


def test_a_program_of_many_sizes_needs_no_trust(tmp_path: Path) -> None:
    """Every size and guard that torch writes for an ordinary network is in the list."""
    import torch

    class Net(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            y = torch.nn.functional.interpolate(x, scale_factor=1.5)
            padded = torch.nn.functional.pad(x, (0, x.shape[3] % 7, 0, (-x.shape[2]) % 8))
            best = torch.topk(x.flatten(1), min(100, x.shape[2] * x.shape[3]))[0]
            empty = x.new_zeros(max(x.shape[2], x.shape[3]), x.shape[2] // 3 + 1)
            return y, padded, best, torch.nonzero(x > 0.5).repeat(2, 1), empty

    auto = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    exported = torch.export.export(Net(), (torch.rand(1, 3, 32, 48),), dynamic_shapes=(auto,))
    torch.export.save(exported, str(tmp_path / "net.pt2"))
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        (model,) = (name for name in archive.namelist() if name.endswith("models/model.json"))
        document = json.loads(archive.read(model))
    assert any("min(" in guard for guard in document["guards_code"])
    assert scan.findings(str(tmp_path / "net.pt2")) == ()


# TorchScript

FOREIGN = "net/code/a.py is not as torch writes it, so it cannot be scanned"


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ('w = (torch.from_file)("/etc/passwd", False, 4)', "it calls from_file()"),
        ('w = ((torch).from_file)("/etc/passwd", False, 4)', "it calls from_file()"),
        ('w = torch.from_file # x\n("/etc/passwd")', "it calls from_file()"),
        ('w = torch. # x\n from_file("/etc/passwd")', FOREIGN),
        ('w = torch.\\\nfrom_file("/etc/passwd")', FOREIGN),
        ("w = torch.jit.load('x')", FOREIGN),
        ('w = (getattr)(torch, "from_file")("/etc/passwd")',
         "it calls getattr() with a name made at run time"),
        ('w = (ops).image.read_file("x")', "it calls image.read_file"),
        ('o = ops\n    w = o.image.read_file("x")', "it calls ops under another name"),
        ("t = torch\n    w = t.classes.acme.Socket()", "it calls torch under another name"),
        ("c = torch.classes", "it uses the native class torch.classes"),
    ],
)  # fmt: skip
def test_torchscript_that_is_written_otherwise(line: str, finding: str) -> None:
    """Brackets, comments, other names and continued lines do not hide a call."""
    assert finding in scanned(f"def forward(self, x):\n    {line}\n    return x\n")


def scanned(code: str) -> list[str]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/code/a.py", code)
    with zipfile.ZipFile(buffer) as archive:
        return script_calls.findings(archive)


def test_torchscript_whose_code_is_anywhere(torch_files: Path, tmp_path: Path) -> None:
    """The form of torch 1.0 names the files of its code itself."""
    path = Path(shutil.copy(torch_files / "script.pt", tmp_path / "script.pt"))
    with zipfile.ZipFile(path, "a") as archive:
        root = archive.namelist()[0].split("/")[0]
        archive.writestr(f"{root}/model.json", "{}")
        archive.writestr(f"{root}/code/hidden.txt", 'torch.save(x, "y")')
    assert refused("torch", path) == ("it is of torch 1.0, whose programs cannot be scanned",)


def test_torchscript_with_text_of_all_sorts() -> None:
    """Signs in texts are no code."""
    text = r'"it\'s # \"here\" \\ $ ?"'
    assert (
        scanned(f"class A(Module):\n  ops : Tensor\n  def forward(self):\n    return {text}\n")
        == []
    )


# Keras


@pytest.mark.parametrize(
    ("entry", "finding"),
    [
        (
            {"module": "keras", "class_name": "layers.Lambda", "config": {"name": "x"}},
            "Lambda (layer 'x') holds Python code",
        ),
        (
            {"module": "keras.src", "class_name": "layers.TFSMLayer", "config": {}},
            "TFSMLayer holds Python code",
        ),
        (
            {"module": "keras", "class_name": "function", "config": "models.load_model"},
            "the function models.load_model is not a layer",
        ),
        (
            {"module": "keras.layers", "class_name": "function", "config": "TFSMLayer"},
            "the function TFSMLayer is not a layer",
        ),
        (
            {"module": "keras", "class_name": "utils.get_file", "config": {}},
            "keras.utils.get_file is not Keras' own",
        ),
        (
            {"module": "keras.layers", "class_name": "StringLookup",
             "config": {"vocabulary": "/etc/passwd"}},
            "StringLookup reads the file /etc/passwd",
        ),
        (
            {"class_name": "ClassMethod", "config": {"name": "z", "cls_symbol": "io.gfile.GFile"}},
            "ClassMethod (layer 'z') holds Python code",
        ),
        (
            {"module": "keras.models", "class_name": "load_model", "config": {}},
            "the function load_model is not a layer",
        ),
        (
            {"module": "keras.src.models.model", "class_name": "model_from_json", "config": {}},
            "the function model_from_json is not a layer",
        ),
        (
            {"class_name": "__typespec__", "module": "keras.models", "spec_name": "load_model",
             "registered_name": None, "config": ["evil.keras"]},
            "the type keras.models.load_model is not a layer",
        ),
        (
            {"class_name": "__typespec__", "module": "keras.layers", "spec_name": "TFSMLayer",
             "registered_name": None, "config": ["/folder"]},
            "the type keras.layers.TFSMLayer is not a layer",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "inside", ["sub-model", "TimeDistributed", "Bidirectional", "build_config"]
)
def test_ways_into_keras_however_deep(
    entry: dict[str, Any], finding: str, inside: str, tensorflow_files: Path, tmp_path: Path
) -> None:
    """In a model in a model, in wrappers, in what a layer is built with."""
    layer: dict[str, Any] = {
        "sub-model": {"class_name": "Sequential", "config": {"layers": [entry]}},
        "build_config": {"class_name": "Dense", "config": {}, "build_config": {"x": [entry]}},
    }.get(inside, {"class_name": inside, "config": {"layer": entry}})

    def poison(data: bytes) -> bytes:
        config = json.loads(data)
        config["config"]["layers"].append({"module": "keras.layers", **layer})
        return json.dumps(config).encode()

    path = rewritten(
        tensorflow_files / "net.keras", tmp_path / "net.keras", {"config.json": poison}
    )
    assert refused("keras", path) == (finding,)


def test_what_keras_itself_would_not_build() -> None:
    """Later versions of Keras refuse these functions; earlier ones would call them."""
    from keras.src.saving.serialization_lib import NON_MODELING_APIS

    for one in sorted(NON_MODELING_APIS):
        module, _, name = one.rpartition(".")
        assert list(
            keras_configuration.findings({"module": module, "class_name": name, "config": {}})
        ), one


def planted(file: Any, how: str) -> None:
    """Something of the HDF5 file lies in another one."""
    import h5py

    if how == "link":
        file["planted"] = h5py.ExternalLink("/etc/other.h5", "/x")
    elif how == "storage":
        file.create_dataset("planted", (4,), "uint8", external=[("/etc/passwd", 0, 4)])
    else:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("/etc/other.h5", "x", shape=(4,))
        file.create_virtual_dataset("planted", layout)


ELSEWHERE = {
    "link": "its /planted is a link into the file /etc/other.h5",
    "storage": "its /planted is stored in the file /etc/passwd",
    "view": "its /planted is a view of other files",
}


@pytest.mark.parametrize("how", ELSEWHERE)
def test_hdf5_weights_in_other_files(how: str, tensorflow_files: Path, tmp_path: Path) -> None:
    """Whoever sends the file would have others of this machine read as weights."""
    import h5py

    path = Path(shutil.copy(tensorflow_files / "net.h5", tmp_path / "net.h5"))
    with h5py.File(path, "r+") as file:
        planted(file, how)
    assert refused("keras", path) == (ELSEWHERE[how],)


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("how", ELSEWHERE)
def test_archived_weights_in_other_files(
    how: str, packed: int, tensorflow_files: Path, tmp_path: Path
) -> None:
    """The HDF5 file inside of a .keras archive is looked at where it lies."""
    import h5py

    with zipfile.ZipFile(tensorflow_files / "net.keras") as old:
        weights = io.BytesIO(old.read("model.weights.h5"))
        with h5py.File(weights, "r+") as file:
            planted(file, how)
        with zipfile.ZipFile(tmp_path / "net.keras", "w", packed) as new:
            for name in old.namelist():
                evil = name == "model.weights.h5"
                new.writestr(name, weights.getvalue() if evil else old.read(name))
    assert refused("keras", tmp_path / "net.keras") == (f"model.weights.h5: {ELSEWHERE[how]}",)


def hdf5_then_archive(folder: Path) -> bytes:
    """Read from its start it is HDF5, from its end a zip archive."""
    return (folder / "net.h5").read_bytes() + (folder / "net.keras").read_bytes()


def archive_around_hdf5(folder: Path) -> bytes:
    """HDF5 may start at 2048 (its format specification, II.A); a zip archive holds it there."""
    import h5py

    with h5py.File(folder / "net.h5") as old:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", userblock_size=2048) as new:
            for name in old:
                old.copy(name, new)
    inside = buffer.getvalue()[2048:]
    buffer = io.BytesIO()
    with zipfile.ZipFile(folder / "net.keras") as old, zipfile.ZipFile(buffer, "w") as new:
        headers = 30 + len("padding") + 30 + len("assets/x")
        new.writestr("padding", bytes(2048 - headers))
        new.writestr("assets/x", inside)
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return buffer.getvalue()


def is_hdf5(path: str) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


@pytest.mark.parametrize(
    ("made", "name", "scanned", "opened"),
    [
        (hdf5_then_archive, "net.keras", "hdf5", zipfile.is_zipfile),
        (archive_around_hdf5, "net.weights.h5", "keras", is_hdf5),
        (archive_around_hdf5, "net.h5", "keras", is_hdf5),
    ],
)
def test_weights_that_are_two_files_at_once(
    made: Callable[[Path], bytes], name: str, scanned: str,
    opened: Callable[[str], bool],
    tensorflow_files: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """Keras opens what the name says, so that must be what was scanned."""
    path = tmp_path / name
    path.write_bytes(made(tensorflow_files))
    assert opened(str(path))
    (tmp_path / "factory_of_two.py").write_text("def build():\n    raise AssertionError\n")
    for artifact in (
        Artifact("factory_of_two:build", weights=str(path), folder=str(tmp_path)),
        Artifact(str(path)),
    ):
        with pytest.raises(runtimes.AdapterError) as caught:
            runtimes.load("keras")(artifact)
        assert (caught.value.code, caught.value.facts["found"]) == (
            "other-format",
            content.recognise(str(path)).phrase,
        )
        assert content.recognise(str(path)).kind == scanned


# SavedModel


def with_node(source: Path, target: Path, op: str) -> Path:
    """A SavedModel with one more operation in its graph, as its first node."""
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(source, target)
    model = saved_model_pb2.SavedModel.FromString((target / "saved_model.pb").read_bytes())
    model.meta_graphs[0].graph_def.node.add(name="planted", op=op)
    (target / "saved_model.pb").write_bytes(model.SerializeToString())
    return target


@pytest.mark.parametrize(
    "op",
    ["CSVDataset", "ExperimentalCSVDataset", "CSVDatasetV2", "DatasetFromGraph",
     "DatasetToTFRecord",
     "ExperimentalDatasetToTFRecord", "DistributedSave", "ListSnapshotChunksDataset", "RecordInput",
     "CalibrationStatisticsSaver", "EagerPyFunc", "TFRecordDatasetV2", "SerializeTRTResource",
     "DTensorRestoreV2", "Skipgram", "FixedUnigramCandidateSampler", "Abort", "XlaCustomCallV2"],
)  # fmt: skip
def test_operations_that_reach_outside(op: str, tensorflow_files: Path, tmp_path: Path) -> None:
    """All that read or write files, end the process, or run what is named by text."""
    path = with_node(tensorflow_files / "saved", tmp_path / "saved", op)
    assert refused("savedmodel", path) == (f"the graph runs {op} (planted)",)


@pytest.mark.parametrize(
    "op",
    ["SleepOp", "SleepIdentityOp", "SleepDataset", "Recv", "_HostRecv", "XlaRecv",
     "BarrierTakeMany", "MutexLock", "QueueDequeueUpToV2", "ReaderReadV2", "MapUnstageNoKey",
     "OrderedMapPeek", "CollectiveReduceV2", "SparseAccumulatorTakeGradient", "CopyHost"],
)  # fmt: skip
def test_operations_that_wait(op: str, tensorflow_files: Path, tmp_path: Path) -> None:
    """All that wait for somebody else, who in a served model never comes."""
    path = with_node(tensorflow_files / "saved", tmp_path / "saved", op)
    assert refused("savedmodel", path) == (f"the graph runs {op} (planted)",)


def test_a_savedmodel_that_would_end_the_process(tmp_path: Path) -> None:
    """Whoever ran it would leave with status 0: all would seem to have passed."""

    def ends(tf: Any, x: Any) -> Any:
        with tf.control_dependencies([tf.raw_ops.Abort(exit_without_error=True)]):
            return tf.identity(x)

    (finding,) = refused("savedmodel", saved(tmp_path / "saved", ends))
    assert re.fullmatch(r"function \w+ runs Abort \(Abort\)", finding)


def test_every_operation_that_takes_a_file() -> None:
    """By the names of what it takes; these two make a name of a name, and open nothing."""
    from tensorflow.core.framework import op_def_pb2, types_pb2
    from tensorflow.python.client import pywrap_tf_session

    operations = op_def_pb2.OpList.FromString(
        pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    )
    assert len(operations.op) > 1000
    taking = {
        op.name
        for op in operations.op
        for one in (*op.input_arg, *op.attr)
        if one.type in (types_pb2.DT_STRING, "string", "list(string)")
        and re.search(r"file|path|dir(_|$|ectory)|vocab|address|basename", one.name)
    }
    assert {op for op in taking if not reaches_outside(op)} == {
        "ShardedFilename",
        "ShardedFilespec",
    }


def test_a_function_that_is_called_otherwise_than_it_says(
    tensorflow_files: Path, tmp_path: Path
) -> None:
    """A name that stands twice is the last one: no way to pass for the function that restores."""
    from tensorflow.core.framework import function_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    path = tmp_path / "saved" / "saved_model.pb"
    first, last = function_pb2.FunctionDef(), function_pb2.FunctionDef()
    first.signature.name = "__inference__traced_restore_1"
    first.signature.input_arg.add(name="file_prefix")
    last.signature.name = "evil"
    last.node_def.add(name="reads", op="RestoreV2")
    function = first.SerializeToString() + last.SerializeToString()
    model = saved_model_pb2.SavedModel()
    model.meta_graphs.add().graph_def.library.function.add().MergeFromString(function)
    assert model.meta_graphs[0].graph_def.library.function[0].signature.name == "evil"

    def field(number: int, data: bytes) -> bytes:
        assert len(data) < 1 << 14
        return bytes([number << 3 | 2, len(data) & 127 | 128, len(data) >> 7]) + data

    # as it was made, not as protobuf would write it again
    path.write_bytes(path.read_bytes() + field(2, field(2, field(2, field(1, function)))))
    assert refused("savedmodel", tmp_path / "saved") == ("function evil runs RestoreV2 (reads)",)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd"])
def test_an_asset_outside(name: str, tensorflow_files: Path, tmp_path: Path) -> None:
    """TensorFlow joins the name with the folder of assets, whatever it is."""
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    path = tmp_path / "saved" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    model.meta_graphs[0].asset_file_def.add(filename=name)
    path.write_bytes(model.SerializeToString())
    assert refused("savedmodel", tmp_path / "saved") == (
        f"its asset {name} names a path outside of its folder",
    )


def test_variables_that_are_a_link(tensorflow_files: Path, tmp_path: Path) -> None:
    """An archive that is unpacked can leave links to any file of this machine."""
    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    data = tmp_path / "saved" / "variables" / "variables.data-00000-of-00001"
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    assert refused("savedmodel", tmp_path / "saved") == (
        "its variables/variables.data-00000-of-00001 is a link to outside of its folder",
    )


# ONNX


def external(location: str) -> Any:
    """A tensor that lies in another file."""
    from onnx import TensorProto

    tensor = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def hidden(where: str, tensor: Any) -> Any:
    """A model that holds the tensor at one of the places where ONNX allows one."""
    from onnx import GraphProto, ModelProto, NodeProto, SparseTensorProto, helper

    constant = NodeProto(op_type="Constant", output=["c"])
    constant.attribute.add(name="value", type=4).t.CopyFrom(tensor)
    model = ModelProto(ir_version=8)
    model.opset_import.add(version=17)
    model.graph.name = "net"
    if where == "constant":
        model.graph.node.append(constant)
    elif where == "sparse":
        model.graph.sparse_initializer.append(SparseTensorProto(values=tensor))
    elif where == "branch":
        branch = GraphProto(name="then", node=[constant])
        model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch))
    elif where == "function":
        model.functions.add(name="f", domain="d", node=[constant])
    else:
        model.training_info.add().algorithm.initializer.append(tensor)
    return model


@pytest.mark.parametrize("where", ["constant", "sparse", "branch", "function", "training"])
@pytest.mark.parametrize("location", ["../secret", "/etc/passwd"])
def test_weights_outside_wherever_they_are_named(
    where: str, location: str, onnx_files: Path, tmp_path: Path
) -> None:
    """Not only among the initializers of the graph itself."""
    (tmp_path / "net.onnx").write_bytes(hidden(where, external(location)).SerializeToString())
    assert refused("onnxruntime", tmp_path / "net.onnx") == (
        f"it reads weights from outside of its folder ({location})",
    )


def test_weights_in_a_link(onnx_files: Path, tmp_path: Path) -> None:
    """A link beside the model leads outside as a path does."""
    shutil.copy(onnx_files / "external.onnx", tmp_path / "net.onnx")
    (tmp_path / "weights.bin").symlink_to("/etc/passwd")
    assert refused("onnxruntime", tmp_path / "net.onnx") == (
        "it reads weights from outside of its folder (weights.bin)",
    )


def test_weights_at_an_address(onnx_files: Path, tmp_path: Path) -> None:
    """ONNX Runtime's own mark for a tensor in memory has no place in a file."""
    import onnx

    tensor = external("*/_ORT_MEM_ADDR_/*")
    tensor.external_data.add(key="offset", value="4096")
    model = onnx.load(onnx_files / "net.onnx")
    model.graph.initializer.append(tensor)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert refused("onnxruntime", tmp_path / "net.onnx") == (
        "it reads weights from an address in the memory of whoever loads it",
    )


# TFLite


def test_tensorflow_operations_inside_of_tflite(tensorflow_files: Path, tmp_path: Path) -> None:
    """TensorFlow's interpreter would run them; LiteRT has none, and says so."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf((tensorflow_files / "int8.tflite").read_bytes(), 0)
    for code in ("FlexWriteFile", "FlexEagerPyFunc", "FlexAbort", "FlexCholesky", "Mine"):
        added = schema.OperatorCodeT()
        added.customCode, added.builtinCode, added.deprecatedBuiltinCode = code, 32, 32
        model.operatorCodes.append(added)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "net.tflite"
    path.write_bytes(bytes(builder.Output()))
    assert refused("tflite", path, options={"interpreter": "tensorflow"}) == (
        "it runs TensorFlow's Abort",
        "it runs TensorFlow's EagerPyFunc",
        "it runs TensorFlow's WriteFile",
    )
