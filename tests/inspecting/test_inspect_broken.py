"""Broken and mismatched files: each is called by what it is, with the cause and the remedy."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import breaking as b
import model_files
import numpy as np
import pytest
import spoiled_models

from parity.files import digest
from parity.inspecting.attempt import attempt
from parity.inspecting.looking import inspect

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
AGAIN = "; copy or export it again"


def _fault(id: str, make: b.Make, kind: str, sentence: str, code: int = 3) -> object:
    return pytest.param(make, kind, sentence, code, id=id)


FAULTS = [
    _fault("empty", b.raw("a.onnx", b""), "empty", "it is empty: copy or export it again"),
    _fault(
        "lfs",
        b.raw("a.onnx", LFS),
        "lfs",
        "this is a pointer, the model was not downloaded: run git lfs pull",
    ),
    _fault(
        "html",
        b.raw("a.onnx", b"<!DOCTYPE html><html>404"),
        "html",
        "a web page was saved in the place of the file: download it again",
    ),
    _fault("text", b.raw("a.onnx", b"hello\n"), "text", "it is text, not a model"),
    _fault("npz", b.arrays("a.onnx"), "npz", "it holds arrays, not a model"),
    _fault(
        "noise",
        b.raw("a.tflite", b"\x00\x01\x02\xff\xfe" * 9),
        "unknown",
        "it is no model of a known format: name another file, or export the model again",
    ),
    _fault(
        "gzip",
        b.raw("a.pt", b"\x1f\x8b\x08\x00\x00"),
        "packed",
        "it is packed: unpack it and name what is inside",
    ),
    _fault(
        "tar",
        b.raw("a.pt", b"a" + bytes(256) + b"ustar\x0000" + bytes(300)),
        "packed",
        "it is packed: unpack it and name what is inside",
    ),
    _fault(
        "picture",
        b.raw("a.onnx", b"\x89PNG\r\n\x1a\n\0\0"),
        "picture",
        "it is a picture, not a model: name the model's file",
    ),
    _fault(
        "zip of something",
        b.raw("a.pt", b.zipped(a=b"1")),
        "zip",
        "no model is recognised in it: unpack it and name what is inside",
    ),
    _fault(
        "zipped SavedModel",
        b.raw("a.zip", b.zipped(**{"saved/saved_model.pb": b""})),
        "zip",
        "no model is recognised in it: unpack it and name what is inside",
    ),
    _fault(
        "saved_model.pb alone",
        b.named("saved/saved_model.pb", "saved_model.pb"),
        "unknown",
        "it is one file of a SavedModel: name the folder that it lies in",
    ),
    *(
        _fault(
            f"{name} cut to {share:.0%}",
            b.cut(name, share),
            "truncated",
            "it is cut off or damaged: copy or export it again",
        )
        for name, share in (
            ("net.onnx", 0.5),
            ("net.onnx", 0.9),
            ("net.h5", 0.5),
            ("net.h5", 0.99),
            ("net.weights.h5", 0.5),
            ("net.keras", 0.5),
            ("net.keras", 0.99),
            ("net.pth", 0.5),
            ("script.pt", 0.5),
            ("frozen.pb", 0.5),
        )
    ),
    _fault(
        "program.pt2 cut within an archive that it holds",
        b.cut("program.pt2", 0.9),
        "truncated",
        "it is cut off, or something stands behind its end: copy or export it again",
    ),
    _fault(
        "legacy.pth cut in its pickle",
        b.cut("legacy.pth", 0.2),
        "pickle",
        "it is cut off or damaged: the pickle cannot be followed: "
        "pickle exhausted before seeing STOP" + AGAIN,
    ),
    _fault(
        "float.tflite cut",
        b.cut("float.tflite"),
        "tflite",
        "it is cut off or damaged: an offset points to byte ",
    ),
    _fault(
        "float.tflite without its last bytes",
        b.edited("float.tflite", lambda data: data[:-4]),
        "tflite",
        "it is cut off or damaged: ",
    ),
    _fault(
        "net.safetensors cut",
        b.edited("net.safetensors", lambda data: data[:-8]),
        "safetensors",
        "its tensors take 24 bytes and 16 are there: the file is cut off, copy it again",
    ),
    _fault(
        "safetensors of another size than its shape",
        b.raw(
            "w.safetensors",
            model_files.safetensors({"w": np.ones(6, np.float32)}, shape=[7]),
        ),
        "safetensors",
        "its tensor w has another size than its shape says: save it again",
    ),
    _fault(
        "safetensors whose header is no JSON",
        b.edited("net.safetensors", lambda data: data.replace(b'"format"', b'"format ')),
        "safetensors",
        "it is cut off or damaged: its header is no JSON: Expecting ':' delimiter",
    ),
    _fault(
        "ONNX without opsets",
        b.onnx("net.onnx", lambda model: model.ClearField("opset_import")),
        "onnx",
        "it imports no opset: export it again",
    ),
    _fault(
        "external data missing",
        b.external(lambda path: path.unlink()),
        "onnx",
        "its weights are expected in weights.bin beside it, where nothing is: copy that file too, "
        "or save the model in one file",
    ),
    _fault(
        "external data not downloaded",
        b.external(lambda path: path.write_bytes(LFS)),
        "onnx",
        "its weights are expected in weights.bin beside it, which is a Git LFS pointer: the "
        "weights were not downloaded, run git lfs pull",
    ),
    _fault(
        "external data cut",
        b.external(b.shortened),
        "onnx",
        "its weights reach to byte 432 of weights.bin, which has 216 bytes: the file is cut off or "
        "belongs to another model",
    ),
    _fault(
        "external data outside",
        b.external(lambda path: None, "../aaaa.bin"),
        "onnx",
        "its weights are expected in ../aaaa.bin, outside of its folder, which no runtime reads: "
        "save it again with all data beside it",
    ),
    _fault(
        "external data at the root",
        b.external(lambda path: None, "/etc/passwd"),
        "onnx",
        "its weights are expected in /etc/passwd, outside of its folder, which no runtime reads: "
        "save it again with all data beside it",
    ),
    _fault(
        "Keras archive without weights",
        b.rezipped("net.keras", b.without("model.weights.h5")),
        "keras",
        "its member model.weights.h5 is missing: save the model again",
    ),
    _fault(
        "Keras archive whose weights are damaged",
        b.rezipped("net.keras", b.holding("model.weights.h5", b"\x89HDF no more")),
        "keras",
        "it is cut off or damaged: it does not begin with the HDF5 signature" + AGAIN,
    ),
    _fault(
        "Keras archive whose configuration is no JSON",
        b.rezipped("net.keras", b.holding("config.json", b"{'a': 1}")),
        "keras",
        "it is cut off or damaged: config.json is no JSON: Expecting property name",
    ),
    _fault(
        "Keras archive without a class",
        b.rezipped("net.keras", b.holding("config.json", b"{}")),
        "keras",
        "it is cut off or damaged: its configuration names no class" + AGAIN,
    ),
    _fault(
        "HDF5 whose configuration is no JSON",
        b.replaced("net.h5", b'{"module": "keras', b'["module": "keras'),
        "hdf5",
        "it is cut off or damaged: model_config is no JSON: ",
    ),
    _fault(
        "HDF5 with other sizes of its addresses",
        b.edited("net.h5", lambda data: data[:13] + b"\x04" + data[14:]),
        "hdf5",
        "it is cut off or damaged: its addresses and lengths take 4 and 8 bytes; read are 8 and 8"
        + AGAIN,
    ),
    _fault(
        "state dict without its data",
        b.rezipped("net.pth", b.without("data/0")),
        "state-dict",
        "the data of 1 of its tensors is missing from the archive (0): copy or save it again",
    ),
    _fault(
        "state dict with other bytes in its data",
        spoiled_models.flipped("net.pth"),
        "state-dict",
        "its member net/data/0 is damaged, as its checksum says: copy it again",
    ),
    _fault(
        "state dict without numbers",
        spoiled_models.state(spoiled_models.without_numbers),
        "state-dict",
        "7 of its tensors have no numbers, they are on torch's meta device: save the state_dict() "
        "of the network with its weights",
    ),
    _fault(
        "legacy.pth cut in its data",
        b.edited("legacy.pth", lambda data: data[:-2]),
        "state-dict",
        "its tensors take 576 bytes and 574 are there: the file is cut off, copy it again",
    ),
    _fault(
        "exported program without a weight",
        b.rezipped("program.pt2", b.without("weight_0")),
        "pt2",
        "1 of its weights are missing from the archive: export it again",
    ),
    _fault(
        "exported program without a model",
        b.rezipped("program.pt2", b.without("model.json")),
        "pt2",
        "it is cut off or damaged: its models/*.json is missing" + AGAIN,
    ),
    _fault(
        "TorchScript whose pickle is damaged",
        b.rezipped("script.pt", b.holding("data.pkl", b"\x80\x02c")),
        "torchscript",
        "it is cut off or damaged: the pickle cannot be followed: ",
    ),
    _fault(
        "TFLite with a tensor that does not exist",
        b.tflite("float.tflite", lambda model: setattr(model.subgraphs[0], "inputs", [999])),
        "tflite",
        "it is cut off or damaged: an operator names a tensor that does not exist (of 23)" + AGAIN,
    ),
    _fault(
        "TFLite without a subgraph",
        b.tflite("float.tflite", lambda model: model.subgraphs.clear()),
        "tflite",
        "it is cut off or damaged: the model has no subgraph" + AGAIN,
    ),
    _fault(
        "SavedModel without its index",
        b.saved(lambda folder: (folder / "variables" / "variables.index").unlink()),
        "savedmodel",
        "its variables/variables.index is missing: copy the whole folder",
    ),
    _fault(
        "SavedModel without its variables",
        b.saved(lambda folder: shutil.rmtree(folder / "variables")),
        "savedmodel",
        "its folder variables is missing: copy the whole folder",
    ),
    _fault(
        "SavedModel without its data",
        b.saved(lambda folder: (folder / "variables/variables.data-00000-of-00001").unlink()),
        "savedmodel",
        "its variables.data-00000-of-00001 is missing: copy the whole folder",
    ),
    _fault(
        "SavedModel whose data were not downloaded",
        b.saved(
            lambda folder: (folder / "variables/variables.data-00000-of-00001").write_bytes(LFS)
        ),
        "savedmodel",
        "its variables.data-00000-of-00001 is a Git LFS pointer, it was not downloaded: run git "
        "lfs pull",
    ),
    _fault(
        "SavedModel whose data are cut",
        b.saved(lambda folder: b.shortened(folder / "variables/variables.data-00000-of-00001")),
        "savedmodel",
        "its variables.data-00000-of-00001 has ",
    ),
    _fault(
        "SavedModel whose index is cut",
        b.saved(lambda folder: b.shortened(folder / "variables" / "variables.index")),
        "savedmodel",
        "its variables cannot be read: variables.index is truncated or damaged; copy the whole "
        "folder again",
    ),
    _fault(
        "SavedModel whose graph is cut",
        b.saved(lambda folder: b.shortened(folder / "saved_model.pb")),
        "savedmodel",
        "it is cut off or damaged: a protobuf message at byte 0 is cut off" + AGAIN,
    ),
    _fault(
        "SavedModel whose graph is empty",
        b.saved(lambda folder: (folder / "saved_model.pb").write_bytes(b"")),
        "savedmodel",
        "it is cut off or damaged: its saved_model.pb is empty" + AGAIN,
    ),
]


@pytest.mark.parametrize(("make", "kind", "sentence", "code"), FAULTS)
def test_a_broken_file(
    models: Path, tmp_path: Path, make: b.Make, kind: str, sentence: str, code: int
) -> None:
    """Its kind, the cause, what to do, and the exit code for a file that is wrong."""
    found = inspect(make(models, tmp_path), None)
    assert (found.kind, found.exit_code) == (kind, code)
    assert len(found.faults) == 1
    if sentence.endswith(("again", "file", "model", "folder", "pull", "inside", "format", "it")):
        assert found.faults[0] == sentence
    assert found.faults[0].startswith(sentence)
    assert all(view.verdict != "loads" for view in found.runtimes)


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        ("float.tflite", "a.onnx", "named .onnx, is a TFLite flatbuffer: rename it to a.tflite"),
        ("net.onnx", "a.tflite", "named .tflite, is an ONNX model: rename it to a.onnx"),
        ("net.h5", "a.keras", "named .keras, is an HDF5 file: rename it to a.h5"),
        ("net.keras", "a.h5", "named .h5, is a Keras model archive: rename it to a.keras"),
        (
            "net.pth",
            "a.onnx",
            "named .onnx, is a zip archive that holds a torch state dict: rename it to a.pth",
        ),
        (
            "script.pt",
            "a.pt2",
            "named .pt2, is a zip archive that holds a TorchScript program: rename it to a.pt",
        ),
        (
            "program.pt2",
            "a.pt",
            "named .pt, is a zip archive that holds a torch exported program: rename it to a.pt2",
        ),
        ("net.onnx", "a.pb", "named .pb, is an ONNX model: rename it to a.onnx"),
        ("float.tflite", "a_int8.tflite", "named int8, holds 12 float32 tensors and 11 int32"),
        ("range.tflite", "a-int8.tflite", "named int8, holds 2 float32 tensors and 1 int8"),
        ("full.tflite", "a.fp32.tflite", "named float32, holds 14 int32 tensors, 10 int8 and 3 "),
        ("float.tflite", "a_fp16.tflite", "named float16, holds 12 float32 tensors and 11 int32"),
        ("net.onnx", "a_int8.onnx", "named int8, holds 1 float32 tensor"),
        ("qdq_int8.onnx", "a_fp16.onnx", "named float16, holds 2 float32 tensors and 1 int8"),
    ],
)
def test_a_file_that_is_named_otherwise(
    models: Path, tmp_path: Path, source: str, name: str, sentence: str
) -> None:
    """It is called by its real kind and precision, and is no broken file."""
    found = inspect(b.named(source, name)(models, tmp_path), None)
    assert found.notes[0].startswith(sentence)
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("full.tflite", "a_int8.tflite"),
        ("float16.tflite", "a_fp16.tflite"),
        ("float.tflite", "a_fp32.tflite"),
        ("range.tflite", "a_dynamic.tflite"),
        ("qdq_int8.onnx", "a_int8.onnx"),
        ("qoperator.onnx", "a_int8.onnx"),
        ("float.tflite", "mint8ure.tflite"),
        ("net.pth", "a.pt"),
    ],
)
def test_a_file_that_is_named_rightly(models: Path, tmp_path: Path, source: str, name: str) -> None:
    """No alarm where name and content agree."""
    found = inspect(b.named(source, name)(models, tmp_path), None)
    assert not [note for note in found.notes if note.startswith("named")]


@pytest.mark.parametrize(
    ("make", "runtime", "sentence"),
    [
        (
            b.onnx("net.onnx", lambda model: setattr(model, "ir_version", 99)),
            "onnxruntime",
            "IR version 99 is too new: Fail: [ONNXRuntimeError] : 1 : FAIL : Load model",
        ),
        (
            b.onnx("net.onnx", lambda model: setattr(model.opset_import[0], "version", 99)),
            "onnxruntime",
            "Opset 99 is under development",
        ),
        (b.named("custom.onnx", "custom.onnx"), "onnxruntime", "com.example"),
        (
            b.onnx("net.onnx", lambda model: setattr(model.graph.node[0], "op_type", "Convv")),
            "onnxruntime",
            "Convv",
        ),
        (
            b.tflite("float.tflite", lambda model: setattr(model.operatorCodes[0], "version", 99)),
            "tflite",
            "version '99'",
        ),
        (b.named("flex.tflite", "flex.tflite"), "tflite", "FlexCholesky"),
        (
            spoiled_models.op("Softsign", element=11),
            "onnxruntime",
            "it has no kernel of the op Softsign for these types: NotImplemented: ",
        ),
    ],
)
def test_what_a_runtime_says_of_a_file_that_it_refuses(
    models: Path, tmp_path: Path, make: b.Make, runtime: str, sentence: str
) -> None:
    """Too new, unknown operators, missing delegates: its own reason, and exit code 3."""
    pytest.importorskip({"onnxruntime": "onnxruntime", "tflite": "ai_edge_litert"}[runtime])
    found = inspect(make(models, tmp_path), attempt)
    (view,) = [one for one in found.runtimes if one.kind == runtime]
    assert view.verdict == "fails"
    assert sentence in view.reason
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("net.onnx", {"onnxruntime", "onnx-reference"}), ("full.tflite", {"tflite"})],
)
def test_a_sound_file_loads(models: Path, name: str, kinds: set[str]) -> None:
    """The runtimes of its kind open it, and the others say what they open."""
    for library in {"net.onnx": ("onnxruntime", "onnx"), "full.tflite": ("ai_edge_litert",)}[name]:
        pytest.importorskip(library)
    found = inspect(models / name, attempt)
    verdicts = {one.kind: one.verdict for one in found.runtimes}
    assert {kind for kind, verdict in verdicts.items() if verdict == "loads"} == kinds
    assert {verdicts[kind] for kind in verdicts if kind not in kinds} == {"other-kind"}
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("name", "runtime", "sentence"),
    [
        ("net.pth", "torch", "it holds weights alone; the code that builds the network must"),
        ("net.weights.h5", "keras", "it holds weights alone; the code that builds the network"),
        ("script.pt", "torch", "it is a program: only a suite that names it should load it"),
        ("program.pt2", "torch", "it is a program: only a suite that names it should load it"),
        ("saved", "savedmodel", "it is a program: only a suite that names it should load it"),
    ],
)
def test_what_is_not_tried(models: Path, name: str, runtime: str, sentence: str) -> None:
    """Weights alone cannot be opened, and programs are not run for a look."""

    def never(kind: str, path: Path) -> object:
        raise AssertionError(f"{kind} was tried on {path}")

    found = inspect(models / name, never)  # type: ignore[arg-type]
    (view,) = [one for one in found.runtimes if one.kind == runtime]
    assert view.verdict == "not-tried"
    assert view.reason.startswith(sentence)


def test_a_path_with_nothing_there(tmp_path: Path) -> None:
    """The command is wrong, not the file."""
    found = inspect(tmp_path / "none.onnx", None)
    assert (found.kind, found.exit_code) == ("missing", 2)
    assert found.faults == ("nothing is there: correct the path",)


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    """As a path with nothing there."""
    (tmp_path / "link.onnx").symlink_to(tmp_path / "gone.onnx")
    assert inspect(tmp_path / "link.onnx", None).kind == "missing"


def test_a_folder_that_holds_a_savedmodel(models: Path, tmp_path: Path) -> None:
    """As TensorFlow Serving numbers them: the folder inside is what to name."""
    found = inspect(spoiled_models.inside("net", "1")(models, tmp_path), None)
    assert found.phrase == "a directory whose folder 1 is a SavedModel"
    assert found.faults == ("it is no SavedModel and holds one: name the folder in it that is",)


def test_a_link_to_itself(tmp_path: Path) -> None:
    """The link is told, not its absence."""
    (tmp_path / "a.onnx").symlink_to("a.onnx")
    found = inspect(tmp_path / "a.onnx", None)
    assert found.faults == ("it is a link to a.onnx, which leads back to it: correct the link",)


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
def test_a_checkpoint_of_tensorflow(models: Path, name: str) -> None:
    """Weights alone, by the index or by the data beside it."""
    found = inspect(models / "saved" / "variables" / name, None)
    assert found.kind == "checkpoint"
    assert found.contents is not None
    assert found.contents.form == "TensorFlow checkpoint"
    assert found.contents.notes == (
        "it holds weights but no network: restore it into the network that it was saved from and "
        "save that as a SavedModel or a .keras file",
    )
    assert found.exit_code == 0


def test_plain_data_of_torch_save(tmp_path: Path) -> None:
    """A list is no state dict, and holds no weights."""
    import torch

    torch.save([1, 2], tmp_path / "list.pth")
    found = inspect(tmp_path / "list.pth", None)
    assert found.phrase == "a zip archive that holds plain data, written by torch.save"
    (view,) = [one for one in found.runtimes if one.kind == "torch"]
    assert (view.verdict, view.reason) == (
        "not-tried", "it holds neither a network nor weights by name"
    )  # fmt: skip


def test_a_pickle_of_another_program(tmp_path: Path) -> None:
    """torch.load reads it in no way, so trust is no advice; its types are told as unknown."""
    import pickle

    import torch

    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"w": torch.zeros(2), "b": torch.zeros(3)}))
    found = inspect(tmp_path / "net.pkl", None)
    assert found.contents is not None
    assert found.contents.facts["dtypes"] == {"of a type that is not said": 2}
    (view,) = [one for one in found.runtimes if one.kind == "torch"]
    assert (view.verdict, view.reason) == (
        "not-tried", "torch.load reads no pickle that torch.save did not write"
    )  # fmt: skip


def test_checksums_of_large_archives_are_left_out(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compare them takes minutes; that it was not done is said."""
    monkeypatch.setattr("parity.formats.archive.zip_file._CHECKED", 100)
    found = inspect(models / "net.pth", None)
    assert "the checksums of its 0 MiB were not compared: it is large" in found.notes


def test_weights_in_nodes_are_counted(models: Path, tmp_path: Path) -> None:
    """Some exporters write them as constants; a lone number is none."""

    def change(model: Any) -> None:
        import onnx

        (weight,) = model.graph.initializer
        name, weight.name = weight.name, ""
        node = onnx.helper.make_node("Constant", [], [name], value=weight)
        one = onnx.numpy_helper.from_array(np.array(1.0, np.float32))
        alone = onnx.helper.make_node("Constant", [], ["one"], value=one)
        nodes = [node, alone, *model.graph.node]
        del model.graph.initializer[:], model.graph.node[:]
        model.graph.node.extend(nodes)

    plain = inspect(models / "net.onnx", None).contents
    found = inspect(b.onnx("net.onnx", change)(models, tmp_path), None).contents
    assert plain is not None
    assert found is not None
    assert (found.parameters, found.facts["weights"]) == (plain.parameters, {"float32": 1})


def test_what_is_damaged_is_not_called_code(models: Path, tmp_path: Path) -> None:
    """The fault says it; that it cannot be scanned is no second thing."""
    found = inspect(b.cut("float.tflite")(models, tmp_path), None)
    assert (len(found.faults), found.code) == (1, ())


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    """Its files are to be named."""
    found = inspect(tmp_path, None)
    assert (found.kind, found.exit_code) == ("directory", 2)
    assert found.faults == ("it is a folder and no SavedModel: name the files in it",)


def test_a_pipe_has_no_digest_to_wait_for(tmp_path: Path) -> None:
    """A check of a model that is a pipe would else never end."""
    os.mkfifo(tmp_path / "net.onnx")
    assert digest(tmp_path / "net.onnx") == (hashlib.sha256().hexdigest(), 0)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Reading it would never end."""
    os.mkfifo(tmp_path / "pipe.onnx")
    found = inspect(tmp_path / "pipe.onnx", None)
    assert (found.kind, found.exit_code) == ("unreadable", 2)
    assert found.faults == ("it is a pipe, a socket or a device, not a file",)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own word for it."""
    path = tmp_path / "secret.onnx"
    path.write_bytes(b"\x08\x07")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: refuse in its place

        def refuse(*_: object) -> object:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("parity.inspecting.looking.opened", refuse)
    found = inspect(path, None)
    assert (found.kind, found.exit_code) == ("unreadable", 2)
    assert found.faults == ("it cannot be read: Permission denied",)


def test_a_file_that_changes_while_it_is_read(models: Path, tmp_path: Path) -> None:
    """Nothing is said of it: hash and content would be of two files."""
    path = tmp_path / "net.onnx"
    path.write_bytes((models / "net.onnx").read_bytes())

    def meanwhile(kind: str, looked: Path) -> object:
        from parity.inspecting.attempt import Attempted

        looked.write_bytes(looked.read_bytes() + b"\0")
        return Attempted(True)

    found = inspect(path, meanwhile)  # type: ignore[arg-type]
    assert found.exit_code == 3
    assert found.contents is None
    assert found.faults == (
        "it changed while it was read, so nothing that is said of it holds: run again",
    )


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "it crashes the runtime (SIGSEGV)"),
        ("print('no room'); raise SystemExit(7)", "the runtime ended with exit code 7: no room"),
        ("import time; time.sleep(60)", "it did not open within 2 s"),
    ],
)
def test_a_runtime_that_dies_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    """A crash and a hang of the other process are reasons, and nothing worse."""
    (tmp_path / "stand_in.py").write_text(program)
    monkeypatch.setattr("parity.inspecting.attempt.__name__", "stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = attempt("onnxruntime", tmp_path / "a.onnx", 2)
    assert (found.loads, found.reason) == (False, reason)
