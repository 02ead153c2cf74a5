"""Files that were made to get past the scanners: what was tried, and the words that refuse it."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_scan import Writes, refused, rewritten

import parity.runtimes as runtimes
from parity.runtimes import scan, scan_archive, scan_torchscript
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
    assert refused("torch", path) == (scan_archive.NO_END,)


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
        return scan_torchscript.findings(archive)


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
            {"module": "keras.layers", "class_name": "__typespec__", "spec_name": "TFSMLayer",
             "config": ["/x"]},
            "TFSMLayer holds Python code",
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
