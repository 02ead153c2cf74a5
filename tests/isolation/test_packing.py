"""What travels between two interpreters comes out as it went in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.runtimes.contract import Artifact, Dataset, Graph, Op, Quantization, TensorSpec
from parity.worker import packing, shelf

QUANTIZATION = Quantization((0.1, 1 / 3), (0, -128), 3)
SPEC = TensorSpec("image", (1, None, 3), "int8", QUANTIZATION, "nms:1")
OP = Op(3, "conv", "CONV_2D", ("a", ""), ("b",), {"pads": (1, (2.5, "x")), "alpha": float("inf")})
VALUES = [
    None,
    True,
    -3,
    0.1,
    "größe\n\udc80",
    b"\x00\xff",
    [1, (2, [3])],
    {"a": {1: (2,)}, 5: None},
    QUANTIZATION,
    SPEC,
    Artifact("m.onnx", "w", "f", {"threads": 1}, True, 2.5, Dataset(("1.png",), ("bolt",), "l")),
    Graph("tflite", (OP,), ("a",), ("b",), {}, {"b": QUANTIZATION}, {3: "odd"}),
]


@pytest.fixture
def carry(tmp_path: Path) -> Any:
    """Packs, sends as JSON, unpacks."""
    writer = shelf.Writer([str(tmp_path)], "h")
    reader = shelf.Reader([str(tmp_path)], lambda name: writer.let_go([name]))
    return lambda value: packing.unpack(
        json.loads(json.dumps(packing.pack(value, writer.put))), reader.get
    )


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_data_is_what_it_was(carry: Any, value: Any) -> None:
    """Tuples stay tuples, keys numbers, and every field of the contract's data travels."""
    found = carry(value)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::2].transpose(2, 0, 1),
        np.array(3.5),
        np.zeros((0, 4), np.int64),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array([np.nan, -0.0, np.inf], ">f8"),
        np.array(["a", "größe"]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_tensors_are_what_they_were(carry: Any, array: np.ndarray) -> None:
    """Any numbers or text, of any order in memory, scalars and empty ones too."""
    found = carry(array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "float8_e4m3fn"])
def test_types_that_numpy_lacks_travel_by_name(carry: Any, name: str) -> None:
    """bfloat16 and the float8 types, as TensorFlow and ONNX have them."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([1.5, -2], getattr(ml_dtypes, name))
    assert carry(array).dtype == array.dtype
    assert carry(array).tolist() == array.tolist()


def test_a_file_is_a_plain_npy(tmp_path: Path) -> None:
    """Anybody can load it, without pickle."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    shelf.Writer([str(tmp_path)], "h").put(array)
    (path,) = tmp_path.glob("*.npy")
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), array)


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    """Neither written nor read."""
    writer = shelf.Writer([str(tmp_path)], "h")
    with pytest.raises(ValueError, match="expected numbers or text, found object"):
        writer.put(np.array([{}]))
    name, _, shape = writer.put(np.zeros(4))
    reader = shelf.Reader([str(tmp_path)], print)
    with pytest.raises(ValueError, match=r"found .*O8"):
        reader.get([name, "|O8", shape])
    with pytest.raises(ValueError, match=r"expected numbers or text, found \|V4"):
        writer.put(np.zeros(2, "V4"))
    with pytest.raises(ValueError, match="expected the name of a dtype, found 'finfo8'"):
        reader.get([name, "finfo8", shape])


def test_images_of_ever_larger_sizes_take_one_file(carry: Any, tmp_path: Path) -> None:
    """A file that was let go grows, as one for each size would fill the memory."""
    for size in range(1, 2000, 100):
        array = np.arange(size * 50, dtype=np.float32)
        assert np.array_equal(carry(array), array)
    assert [path.name for path in tmp_path.glob("*.npy")] == ["h0.npy"]


def test_a_file_that_is_still_read_is_left_alone(carry: Any, tmp_path: Path) -> None:
    """What somebody holds keeps its file, and a second tensor gets another."""
    held = carry(np.arange(10))
    more = carry(np.arange(10_000))
    assert (held.tolist(), more[-1]) == (list(range(10)), 9999)
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize("name", ["0/../../etc/passwd", "/etc/passwd", "0/h0", "7/h0.npy", 3])
def test_no_place_lies_outside_of_the_folders(tmp_path: Path, name: object) -> None:
    """A name that no writer gives opens nothing."""
    reader = shelf.Reader([str(tmp_path)], print)
    with pytest.raises((ValueError, IndexError)):
        reader.get([name, "<f4", [1]])


def test_a_full_folder_gives_way_to_the_next(tmp_path: Path, monkeypatch: Any) -> None:
    """Shared memory may be small; all of a file's room is taken before anything is written."""
    memory, disk = tmp_path / "full", tmp_path / "free"
    memory.mkdir()
    disk.mkdir()
    mapped = shelf._mapped

    def small(path: str, size: int, flags: int) -> Any:
        if path.startswith(str(memory)) and size > 1000:
            Path(path).touch()
            raise OSError(28, "No space left on device")
        return mapped(path, size, flags)

    monkeypatch.setattr(shelf, "_mapped", small)
    folders = [str(memory), str(disk)]
    writer = shelf.Writer(folders, "h")
    places = [writer.put(np.arange(3)), writer.put(np.arange(300))]
    assert [place[0] for place in places] == ["0/h0.npy", "1/h1.npy"]
    assert [path.name for path in memory.iterdir()] == ["h0.npy"]
    found = [shelf.Reader(folders, print).get(place) for place in places]
    assert [array.tolist() for array in found] == [list(range(3)), list(range(300))]


def test_a_file_that_cannot_grow_is_kept_as_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    """Where there is no room for more, another folder is taken."""
    (tmp_path / "full").mkdir()
    (tmp_path / "free").mkdir()
    folders = [str(tmp_path / "full"), str(tmp_path / "free")]
    writer = shelf.Writer(folders, "h")
    writer.let_go([writer.put(np.arange(3))[0]])
    mapped = shelf._mapped

    def small(path: str, size: int, flags: int) -> Any:
        if "full" in path:
            raise OSError(28, "No space left on device")
        return mapped(path, size, flags)

    monkeypatch.setattr(shelf, "_mapped", small)
    assert writer.put(np.arange(300))[0] == "1/h1.npy"
    assert writer.put(np.arange(2))[0] == "0/h0.npy"
