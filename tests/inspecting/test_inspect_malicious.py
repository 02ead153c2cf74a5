"""Files made to attack whoever looks: nothing runs, nothing is written, nothing is unescaped."""

from __future__ import annotations

import json
import os
import pickle
import resource
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import breaking as b
import pytest

from parity.formats.archive import faults
from parity.formats.pickles import machine
from parity.inspecting.attempt import attempt
from parity.inspecting.findings import to_data
from parity.inspecting.looking import inspect
from parity.inspecting.text import text
from parity.runtimes import scan


class Writes:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_runs_a_command(tmp_path: Path, protocol: int) -> None:
    """What it would call is listed, and is not called."""
    ran = tmp_path / "ran"
    (tmp_path / "net.pth").write_bytes(pickle.dumps(Writes(ran), protocol))
    found = inspect(tmp_path / "net.pth", attempt)
    assert found.code == (f"the pickle calls {os.system.__module__}.system",)
    assert "posix.system" in str(found.contents)
    assert not ran.exists()


def test_a_checkpoint_that_runs_a_command(models: Path, tmp_path: Path) -> None:
    """Inside of a torch archive, beside real tensors."""
    ran = tmp_path / "ran"
    evil = b.rezipped("net.pth", b.holding("data.pkl", pickle.dumps(Writes(ran), 2)))
    found = inspect(evil(models, tmp_path), attempt)
    assert found.code == ("the pickle calls posix.system",)
    assert [one.verdict for one in found.runtimes if one.kind == "torch"] == ["refused"]
    assert not ran.exists()


def test_a_name_that_is_made_while_it_loads(tmp_path: Path) -> None:
    """A pickle may compute what it imports; that alone is told."""
    code = b"\x80\x04\x8c\x02os)\x8c\x06system\x93."
    (tmp_path / "net.pth").write_bytes(code)
    found = inspect(tmp_path / "net.pth", None)
    assert found.code == ("the pickle calls something whose name it makes up while it loads",)


@pytest.mark.parametrize("name", ["lambda.h5", "lambda.keras"])
def test_a_lambda_layer(models: Path, name: str) -> None:
    """It is found before any version of Keras sees the file, and no runtime is tried."""

    def never(kind: str, path: Path) -> object:
        raise AssertionError("a file with code was opened")

    found = inspect(models / name, never)  # type: ignore[arg-type]
    assert found.code[0] == "Lambda (layer 'evil') holds Python code"
    (keras,) = [one for one in found.runtimes if one.kind == "keras"]
    assert keras.verdict in ("refused", "not-installed")


def test_a_lambda_that_hides_in_dense_attributes(tmp_path: Path) -> None:
    """Where attributes are many, HDF5 stores them in another form: it is read as well."""
    h5py = pytest.importorskip("h5py")
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda"}]}}
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        for index in range(40):
            file.attrs[f"other{index}"] = "x"
        file.attrs["model_config"] = json.dumps(config)
    found = inspect(tmp_path / "a.h5", None)
    assert found.code == ("Lambda holds Python code",)


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "assets/../../evil", "C:\\evil"])
@pytest.mark.parametrize("source", ["net.keras", "net.pth", "script.pt", "program.pt2"])
def test_members_that_name_a_path_outside(
    models: Path, tmp_path: Path, source: str, name: str
) -> None:
    """The archive is not read further, and nothing is unpacked."""
    evil = b.rezipped(source, lambda members: members.update({name: b"x"}))
    (tmp_path / "in").mkdir()
    path = evil(models, tmp_path / "in")
    found = inspect(path, attempt)
    assert found.faults == (
        f"its member {name} names a path outside of the archive: do not unpack or load it",
    )
    assert found.contents is None
    assert [one.name for one in tmp_path.iterdir()] == ["in"]
    assert scan.findings(str(path)) == (f"its member {name} names a path outside of the archive",)


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand bytes from one (of less here than a gigabyte): told from the archive's list."""
    monkeypatch.setattr(faults, "_BOMB", 2**26)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
        with archive.open("model.weights.h5", "w", force_zip64=True) as handle:
            for _ in range(4):
                handle.write(bytes(32 * 2**20))
    started, before = time.perf_counter(), _peak()
    found = inspect(path, attempt)
    assert found.faults[0].startswith("it is a zip bomb: its ")
    assert found.faults[0].endswith(" bytes unpack to 134217732: do not unpack or load it")
    assert time.perf_counter() - started < 5
    assert _peak() - before < 100 * 2**20


def test_a_bomb_below_the_limit_is_not_unpacked_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle of many megabytes of nothing, from some kilobytes (limits here are smaller)."""
    monkeypatch.setattr(machine, "_OPERATIONS", 100_000)
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", b"\x80\x02" + b"N" * (70 * 2**20) + b".")
    before = _peak()
    found = inspect(path, None)
    assert found.code == ("the pickle cannot be read: it has more than 100000 operations",)
    assert found.faults[0].startswith("it is cut off or damaged: the member net/data.pkl unpacks")
    assert _peak() - before < 200 * 2**20


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\x04r\xff\xff\xff\x7f.", id="a memo of two thousand million entries"),
        pytest.param(b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.", id="a text of a terabyte"),
        pytest.param(b"\x80\x04" + b"(" * 200_000 + b"t" * 200_000 + b".", id="deep nesting"),
        pytest.param(
            b"\x80\x04]\x94" + b"h\x00h\x00e" * 3 + b"(h\x00h\x00eh\x00a" * 1000 + b".",
            id="a list that holds itself",
        ),
    ],
)
def test_pickles_that_would_take_all_memory(tmp_path: Path, data: bytes) -> None:
    """Sizes in a pickle are claims; nothing is allocated for them."""
    (tmp_path / "net.pth").write_bytes(data)
    before = _peak()
    found = inspect(tmp_path / "net.pth", None)
    assert found.kind in ("pickle", "state-dict")
    text([found])
    assert _peak() - before < 200 * 2**20


@pytest.mark.parametrize("levels", [40, 100_000])
def test_a_configuration_of_bombs(models: Path, tmp_path: Path, levels: int) -> None:
    """Names within names, as the YAML bomb does it: JSON has no references, only depth."""
    config = b'{"class_name": "X", "config": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"
    evil = b.rezipped("net.keras", b.holding("config.json", config))
    started = time.perf_counter()
    found = inspect(evil(models, tmp_path), None)
    assert found.kind == "keras"
    if levels > 1000:
        assert found.faults[0].startswith("it is cut off or damaged: config.json is no JSON: ")
    assert time.perf_counter() - started < 5


def test_tables_that_repeat_each_other(tmp_path: Path) -> None:
    """A flatbuffer whose lists all point at one place would be read for ever."""
    count = 20_000
    head = struct.pack("<I4s", 40, b"TFL3") + bytes(8)
    # one vtable for every table: three fields, all at offset 4 of the table
    vtable = struct.pack("<8H", 14, 8, 4, 4, 4, 4, 4, 0)
    table = struct.pack("<iI", 40 - 16, 4)
    vector = struct.pack("<I", count) + b"".join(
        struct.pack("<I", (1 << 32) - 1 & (40 - (52 + 4 * i))) for i in range(count)
    )
    data = (head + vtable).ljust(40, b"\0") + table + vector
    (tmp_path / "a.tflite").write_bytes(data)
    started = time.perf_counter()
    assert inspect(tmp_path / "a.tflite", None).exit_code == 3
    assert time.perf_counter() - started < 30


MARKUP = '<img src=x onerror=alert(1)>\x1b[31m\x1b]0;owned\x07\r\u202e\n"quoted"'


def _onnx(names: str) -> b.Make:
    def change(model: Any) -> None:
        model.producer_name = names
        model.graph.name = names
        model.graph.input[0].name = names
        model.graph.node[0].input[0] = names
        model.graph.node[0].op_type = names

    return b.onnx("net.onnx", change)


def _tflite(names: str) -> b.Make:
    def change(model: Any) -> None:
        model.description = names.encode()
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].name = names.encode()
        model.signatureDefs = []

    return b.tflite("float.tflite", change)


def _pickle(names: str) -> b.Make:
    return b.raw("net.pth", pickle.dumps({names: 1, "x": os.system}, 2))


def _keras(names: str) -> b.Make:
    def change(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        config["config"]["name"] = names
        config["config"]["layers"][0]["config"]["name"] = names
        members["config.json"] = json.dumps(config).encode()

    return b.rezipped("net.keras", change)


@pytest.mark.parametrize("make", [_onnx, _tflite, _pickle, _keras])
def test_names_that_draw_on_the_terminal(models: Path, tmp_path: Path, make: Any) -> None:
    """Every control character, and what turns the reading direction, comes as its escape."""
    found = inspect(make(MARKUP)(models, tmp_path), None)
    shown = text([found])
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    document = json.dumps(to_data([found]))
    assert document.isascii()
    assert json.loads(document)["format"] == 1


def test_a_file_name_that_draws_on_the_terminal(tmp_path: Path) -> None:
    """As the names inside of a file."""
    path = tmp_path / "a\x1b[31m\nb.onnx"
    path.write_bytes(b"")
    shown = text([inspect(path, None)])
    assert "a\\x1b[31m\\nb.onnx: an empty file\n" in shown


def test_a_library_beside_the_file_is_not_imported(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of downloads may hold an onnxruntime.py; looking from there does not run it."""
    pytest.importorskip("onnxruntime")
    (tmp_path / "onnxruntime.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    path = b.named("net.onnx", "net.onnx")(models, tmp_path)
    monkeypatch.chdir(tmp_path)
    found = inspect(path, attempt)
    assert [one.verdict for one in found.runtimes if one.kind == "onnxruntime"] == ["loads"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "size", [2**28, pytest.param(3 * 2**30, marks=pytest.mark.slow)], ids=["256 MiB", "3 GiB"]
)
def test_a_large_file_costs_what_is_looked_at(tmp_path: Path, size: int) -> None:
    """Gigabytes (of which the disk holds none) are hashed in pieces and never held."""
    path = tmp_path / "large.safetensors"
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}})
    with path.open("wb") as handle:
        handle.write(struct.pack("<Q", len(header)) + header.encode())
        handle.truncate(8 + len(header) + size)
    before = _peak()
    found = inspect(path, None)
    assert found.contents is not None
    assert found.contents.parameters == size // 4
    assert _peak() - before < 50 * 2**20


def test_a_large_onnx_model_is_read_in_pages(models: Path, tmp_path: Path) -> None:
    """Its weights are skipped, not read."""
    import onnx

    model = onnx.load(str(models / "net.onnx"))
    model.graph.initializer[0].dims[:] = [12_000_000]
    model.graph.initializer[0].raw_data = bytes(48_000_000)
    onnx.save(model, str(tmp_path / "large.onnx"))
    del model
    found = inspect(tmp_path / "large.onnx", None).contents
    assert found is not None
    assert (found.parameters, found.inputs[0].name) == (12_000_000, "image")


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path) -> None:
    """A mapped file would end the process here."""
    from parity.formats.source import Paged, Unreadable

    path = tmp_path / "a"
    path.write_bytes(bytes(1 << 20))
    with path.open("rb") as handle:
        data = Paged(handle, 0, 1 << 20)
        assert data[0] == 0
        os.truncate(path, 10)
        with pytest.raises(Unreadable, match=r"^the file became shorter while it was read$"):
            data[1 << 19]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
