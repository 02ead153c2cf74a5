"""HDF5 read without its library: every healthy layout as the library reads it, damage refused.

Of the planted faults all but the name behind its heap made HDF5's library crash or run without end.
"""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity.formats.hdf5.file import File
from parity.formats.hdf5.space import checksum
from parity.formats.source import Unreadable
from parity.inspecting.looking import inspect
from parity.runtimes import scan
from parity.runtimes.contract import AdapterError

h5py = pytest.importorskip("h5py")
LIBVERS = ("earliest", "v108", "v110", "latest")
MANY = 40  # links or attributes, for which the newer form takes heaps


def written(libver: str, fill: Callable[[Any], None], **settings: Any) -> bytes:
    """An HDF5 file of one of the library's formats."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver, **settings) as file:
        fill(file)
    return buffer.getvalue()


def layers(file: Any, count: int = 3) -> None:
    """Groups and datasets as Keras names them, a text as it stores its own."""
    file.attrs["keras_version"] = "3.0.0"
    for index in range(count):
        file.create_dataset(f"layers/layer{index}/vars/0", data=[1.0, 2.0, index])


def many(file: Any) -> None:
    layers(file, MANY)
    for index in range(MANY):
        file.attrs[f"note{index}"] = "x" * index


def varied(file: Any) -> None:
    """Chunks, filters, types and dataspaces that Keras writes rarely or never."""
    layers(file)
    file["soft"] = h5py.SoftLink("/layers/layer0")
    for name, most in (("fixed", (20, 20)), ("one", (None, 20)), ("two", (None, None))):
        for packed in (None, "gzip", "lzf"):
            file.create_dataset(
                f"{name}/{packed}", (20, 20), "i4", maxshape=most, chunks=(5, 7),
                compression=packed, shuffle=packed is not None, fletcher32=packed is not None,
            )[:] = 3  # fmt: skip
    file.create_dataset("texts", data=["a", "bb"] * 20, chunks=(3,), dtype=h5py.string_dtype())
    file.create_dataset("empty", data=h5py.Empty("f4"))
    inner = [("a", "f4", (2, 3)), ("long name of a member", "S3"), ("n", [("x", "?"), ("y", "c8")])]
    file["type"] = h5py.enum_dtype({"A": 1, "B" * 12: 2}, "i2")
    for name, kind in {"compound": inner, "ragged": h5py.vlen_dtype("i4"), "ref": h5py.ref_dtype,
                       "shared": file["type"]}.items():  # fmt: skip
        file.create_dataset(name, (3,), kind)
    file["compound"].attrs["pair"] = [b"abc", b"de"]


def shapes(data: bytes) -> dict[str, Any]:
    """Every dataset by its path, read here."""
    file = File(data)
    return {path: one.shape for path, one in file.walk(file.root) if one.shape is not None}


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("fill", [layers, many, varied])
@pytest.mark.parametrize("libver", LIBVERS)
def test_every_form_is_read_as_the_library_reads_it(
    libver: str, fill: Callable[[Any], None], ordered: bool
) -> None:
    """Old groups and dense ones, each index of chunks, each class of types."""
    data = written(libver, fill, track_order=ordered)
    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(data)) as file:
        attributes = dict(file.attrs)
        file.visititems(
            lambda name, one: (
                found.update({f"/{name}": one.shape or (0,)})
                if isinstance(one, h5py.Dataset)
                else None
            )
        )
    assert shapes(data) == found
    opened = File(data)
    assert opened.node(opened.root).attributes == attributes


@pytest.mark.parametrize("size", [3, 5_000, 70_000])
def test_attributes_of_any_size(size: int) -> None:
    """Small ones lie in the heap, large ones outside of it."""
    import numpy as np

    def fill(file: Any) -> None:
        many(file)
        file.attrs["large"] = np.bytes_(b"q" * size)

    opened = File(written("latest", fill))
    assert opened.node(opened.root).attributes["large"] == "q" * size


def test_the_checksum_is_jenkins_lookup3() -> None:
    """The value that its author gives for his example."""
    assert checksum(b"") == 0xDEADBEEF
    assert checksum(b"Four score and seven years ago") == 0x17770551


def test_a_soft_link_is_no_damage(tmp_path: Path) -> None:
    """A name that stands for another place in the same file leads nowhere else."""
    (tmp_path / "a.h5").write_bytes(written("earliest", varied))
    found = inspect(tmp_path / "a.h5", None)
    assert (found.faults, found.code) == ((), ())
    scan.guard_weights(str(tmp_path / "a.h5"), trust=False)


@pytest.mark.parametrize("planted", [False, True])
def test_an_external_link_among_many(planted: bool, tmp_path: Path) -> None:
    """A group whose links lie in a heap is searched by ``inspect`` and by the guard alike."""

    def fill(file: Any) -> None:
        many(file)
        if planted:
            file["layers/evil"] = h5py.ExternalLink("/etc/other.h5", "/x")

    path = tmp_path / "a.h5"
    path.write_bytes(written("latest", fill))
    expected = ("its /layers/evil is a link into the file /etc/other.h5",) if planted else ()
    assert inspect(path, None).code == expected
    assert scan.findings(str(path)) == expected


@pytest.mark.parametrize(
    ("layer", "expected"), [("Lambda", ("Lambda holds Python code",)), ("Dense", ())]
)
def test_a_configuration_among_many_attributes(
    layer: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    """Attributes that lie in a heap are read: neither hidden code nor a false alarm."""
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": layer}]}}

    def fill(file: Any) -> None:
        many(file)
        file.attrs["model_config"] = json.dumps(config)

    path = tmp_path / "a.h5"
    path.write_bytes(written("latest", fill))
    assert inspect(path, None).code == expected
    assert scan.findings(str(path)) == expected


def _at(data: bytes, signature: bytes, offset: int, value: int, width: int = 8) -> bytes:
    at = data.index(signature) + offset
    return data[:at] + value.to_bytes(width, "little") + data[at + width :]


def _circle_of_trees(data: bytes) -> bytes:
    """A node of a group's tree whose level is 1 and whose child it is itself."""
    at = data.index(b"TREE")
    return _at(_at(data, b"TREE", 5, 1, 1), b"TREE", 32, at)


def _circle_of_free_parts(data: bytes) -> bytes:
    """A part of a local heap is the next of itself."""
    segment = struct.unpack_from("<Q", data, data.index(b"HEAP") + 24)[0]
    data = _at(data, b"HEAP", 16, 8)
    return data[: segment + 8] + struct.pack("<QQ", 8, 16) + data[segment + 24 :]


def _name_behind_its_heap(data: bytes) -> bytes:
    return _at(data, b"SNOD", 8, 1 << 20)


def _texts_of_no_size(data: bytes) -> bytes:
    """A free part of a global heap that takes no room is followed for ever."""
    return _at(_at(data, b"GCOL", 16, 0, 2), b"GCOL", 24, 0)


def _more_records_than_there_are(data: bytes) -> bytes:
    """A table of so many entries is set up before the first of them is read."""
    at = data.index(b"BTHD")
    data = _at(data, b"BTHD", 26, 1 << 63)
    return data[: at + 34] + checksum(data[at : at + 34]).to_bytes(4, "little") + data[at + 38 :]


def _text_of_an_unknown_kind(data: bytes) -> bytes:
    """Of variable length are sequences (0) and texts (1); a fifth kind is freed as what it is not.

    The type of the only attribute: class 9 in version 1, a text of UTF-8.
    """
    return data.replace(b"\x19\x01\x01\x00\x10\x00\x00\x00", b"\x19\x04\x01\x00\x10\x00\x00\x00")


@pytest.mark.parametrize(
    ("libver", "fill", "spoil", "reason"),
    [
        ("earliest", layers, _circle_of_trees, "leads to byte"),
        ("earliest", layers, _circle_of_free_parts, "the free parts of the heap"),
        ("earliest", layers, _name_behind_its_heap, "a name lies behind the end of the heap"),
        ("earliest", layers, _texts_of_no_size, "the heap at byte"),
        ("latest", many, _more_records_than_there_are, "holds not as many records as it says"),
        ("earliest", layers, _text_of_an_unknown_kind, "the datatype at byte"),
    ],
)
def test_damage_is_found_before_any_library_opens_the_file(
    libver: str, fill: Callable[[Any], None], spoil: Callable[[bytes], bytes], reason: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The healthy file passes, the spoiled one is damaged, and h5py sees neither."""
    healthy = written(libver, fill)
    spoiled = spoil(healthy)
    assert spoiled != healthy
    (tmp_path / "good.h5").write_bytes(healthy)
    (tmp_path / "bad.h5").write_bytes(spoiled)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("HDF5's library was asked")

    monkeypatch.setattr(h5py, "File", never)
    for guard in (scan.guard, scan.guard_weights):
        guard(str(tmp_path / "good.h5"), trust=False)
        with pytest.raises(AdapterError) as caught:
            guard(str(tmp_path / "bad.h5"), trust=False)
        assert caught.value.code == "damaged"
        assert reason in caught.value.facts["reason"]
    with pytest.raises(Unreadable, match=reason):
        shapes(spoiled)


@pytest.mark.parametrize("libver", LIBVERS)
def test_no_byte_of_the_metadata_makes_it_loop_or_fail_otherwise(libver: str) -> None:
    """Any byte set to any extreme: an answer, or Unreadable."""
    data = written(libver, layers)
    for at in range(0, len(data), 37):
        for value in (0, 1, 255):
            spoiled = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                shapes(spoiled)
            except Unreadable:
                continue
