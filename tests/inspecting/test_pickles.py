"""Pickles are followed as CPython's unpicklers follow them, or refused."""

from __future__ import annotations

import collections
import contextlib
import io
import pickle
import random
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spoiled_archives

from parity.formats.pickles import calls
from parity.formats.pickles.machine import Followed, follow
from parity.formats.pickles.operations import Bounded
from parity.formats.source import Unreadable
from parity.inspecting.looking import inspect
from parity.inspecting.text import text

_SPLIT = "an operation is not whole in its frame, so readers disagree about what it is"


def followed(data: bytes) -> Followed:
    """What the machine makes of one pickle."""
    return follow(Bounded(io.BytesIO(data)))


def frame(inside: bytes) -> bytes:
    """A frame around these operations."""
    return b"\x95" + struct.pack("<Q", len(inside)) + inside


class Inert:
    """What stands for everything that a pickle imports here: it takes any call and any content."""

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    extend = add = __setstate__ = append

    def __setitem__(self, *_: Any) -> None:
        pass

    __call__ = __setitem__

    def __hash__(self) -> int:
        return 1


def asked(kind: Any, data: bytes) -> tuple[list[tuple[str, str]], bool]:
    """What CPython's unpickler of this kind would import, and whether it came to the end."""

    class Watching(kind):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> type[Inert]:
            seen.append((module, name))
            return Inert

        def persistent_load(self, _: Any) -> Inert:
            return Inert()

    seen: list[tuple[str, str]] = []
    whole = False
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        Watching(io.BytesIO(data)).load()
        whole = True
    return seen, whole


UNPICKLERS = [
    pytest.param(pickle.Unpickler, id="in C"),
    pytest.param(pickle._Unpickler, id="in Python"),  # type: ignore[attr-defined]
]


def test_a_name_across_the_end_of_its_frame_is_refused() -> None:
    """CPython imports another name there than the bytes in their order say, which is harmless."""
    first, rest = b"ctorch._utils\n_rebuild_", b"_import_dotted_name\n0N."
    data = b"\x80\x04" + frame(first) + rest
    assert asked(pickle.Unpickler, data)[0] == [("torch._utils", "_import_dotted_name")]
    assert followed(data).unread == _SPLIT
    assert list(calls.findings(followed(data))) == [f"the pickle cannot be read: {_SPLIT}"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(b"]\x94(K\x01" + frame(b"K\x02e.")), id="a frame in a frame"),
        pytest.param(frame(b"N.N."), id="an end before the frame's"),
        pytest.param(b"\x95" + struct.pack("<Q", 2**50) + b"N.", id="a frame behind the end"),
        pytest.param(frame(b"X\x04\0\0\0ab") + b"cd.", id="a text across the end"),
    ],
)
def test_frames_that_no_pickler_writes_are_refused(data: bytes) -> None:
    """Operations lie whole in frames that follow each other, the last of which ends with STOP."""
    assert followed(b"\x80\x04" + data).unread == _SPLIT


@pytest.mark.parametrize("protocol", range(6))
def test_what_python_pickles_is_followed(protocol: int) -> None:
    """Many frames, large texts outside of them, memoised names and shared objects."""
    shared = collections.OrderedDict(a=1)
    value = [shared, shared, {"text": "x" * 200_000, "bytes": b"y" * 200_000}, list(range(70_000))]
    found = followed(pickle.dumps(value, protocol))
    assert (found.unread, found.unsound) == ("", "")
    assert [str(one) for one in found.names if not calls.is_data(one)] == []
    assert "collections.OrderedDict" in {str(one) for one in found.names}
    assert found.value[0] is found.value[1]
    assert found.value[3] == value[3]


def test_a_name_with_escapes_is_read_as_it_stands() -> None:
    """The unpickler takes a backslash for itself; undone, the name would pass for another."""
    data = b"ctorch._utils\n_rebuild_\\x74ensor\n."
    assert asked(pickle.Unpickler, data)[0] == [("torch._utils", "_rebuild_\\x74ensor")]
    assert list(calls.findings(followed(data))) == [
        "the pickle calls torch._utils._rebuild_\\x74ensor"
    ]


def test_names_after_operations_that_make_no_value_are_kept() -> None:
    """A machine that cannot go on still says what would be imported, or that it is made up."""
    found = followed(b"\x80\x040cos\nsystem\n\x8c\x02os\x8c\x05popen\x93.")
    assert found.unsound
    assert list(calls.findings(found)) == [
        "the pickle calls os.system",
        "the pickle calls something whose name it makes up while it loads",
    ]


def pickles(count: int, seed: int) -> Iterator[bytes]:
    """Pickles of all protocols, with operations dropped, doubled and planted, frames moved."""
    rng = random.Random(seed)
    shared = {"a": [1, 2.5, None, True], "b": ("x", b"y", {3, 4}), "c": frozenset([1])}
    values = [
        [shared, shared, collections.OrderedDict(z=shared)],
        [Ellipsis, int, complex(1, 2), range(3), bytearray(b"abc")],
        {"torch": 1, "FloatStorage": 2, "k": collections.Counter("aab")},
    ]
    seeds = [pickle.dumps(value, protocol) for value in values for protocol in range(6)]
    for _ in range(count):
        data = rng.choice(seeds)
        for _ in range(rng.randint(0, 3)):
            with contextlib.suppress(Exception):
                data = spoiled_archives.pickled(data, rng, "/x")
        if b"\x95" in data and rng.random() < 0.4:
            at = data.index(b"\x95") + 1
            size = max(0, int.from_bytes(data[at : at + 8], "little") - rng.randint(0, 40))
            data = data[:at] + struct.pack("<Q", size) + data[at + 8 :]
        if max(map(data.count, (b"(" * 100, b"r\xff\xff\xff", b"j\xff\xff\xff"))) == 0:
            yield data  # the others take CPython's memory, or its C stack


@pytest.mark.parametrize("kind", UNPICKLERS)
def test_no_unpickler_imports_what_the_machine_does_not_see(kind: Any) -> None:
    """Of thousands of spoiled pickles; and what an unpickler reads to its end is refused rarely."""
    whole = refused = 0
    for data in pickles(1500, seed=7):
        found = followed(data)
        seen, ended = asked(kind, data)
        known = {(one.module, one.name) for one in found.names}
        assert found.unread or set(seen) <= known, data
        whole += ended
        refused += ended and bool(found.unread) and found.unread != _SPLIT
    assert whole > 300
    assert refused <= whole // 20


@pytest.mark.parametrize("data", [b"\x80\x02.", b"\x80\x020N.", b"\x80\x02(K\x01u."])
def test_operations_that_make_no_value_are_told(data: bytes) -> None:
    """An unpickler fails there too; nothing is imported, so that alone is no finding."""
    assert not asked(pickle.Unpickler, data)[1]
    found = followed(data)
    assert (found.unread, list(calls.findings(found))) == ("", [])
    with pytest.raises(Unreadable, match="the pickle cannot be followed"):
        found.sound()


def test_a_pickled_number_is_a_whole_file(tmp_path: Path) -> None:
    """Of nobody's older form: only torch's begins with torch's own number."""
    (tmp_path / "n.pth").write_bytes(pickle.dumps(5, 2))
    found = inspect(tmp_path / "n.pth", None)
    assert (found.phrase, found.faults) == ("a Python pickle that torch.save did not write", ())


def test_an_older_file_of_torch_that_ends_behind_its_number_is_damaged(tmp_path: Path) -> None:
    """The number says that more must follow."""
    (tmp_path / "n.pth").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2))
    found = inspect(tmp_path / "n.pth", None)
    assert found.faults == (
        "it is cut off or damaged: the pickle cannot be followed: pickle exhausted before seeing "
        "STOP; copy or export it again",
    )


def nested(last: bytes) -> bytes:
    """Pairs of one and the same pair, sixty times: two to the sixtieth when written out."""
    return b"N" + b"2\x86" * 60 + last


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"ca.b\nC\n" + nested(b"\x85") + b"R.", id="an argument"),
        pytest.param(nested(b")R."), id="what is called"),
        pytest.param(
            b"}(X\x19\0\0\0pytorch-lightning_version" + nested(b"u."), id="a trainer's version"
        ),
        pytest.param(
            b"}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"
            b"FloatStorage\n" + nested(b"") + b"X\x03\0\0\0cpuK\x01tQK\0K\x01\x85K\x01\x85tRu.",
            id="a storage's key",
        ),
    ],
)
def test_what_is_shared_is_never_written_out(tmp_path: Path, data: bytes) -> None:
    """A pickle of some hundred bytes would take all memory."""
    path = tmp_path / "n.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("n/data.pkl", b"\x80\x02" + data)
    found = inspect(path, None)
    assert found.contents is not None
    assert "cannot be followed" not in "".join(found.faults)
    assert len(text([found])) < 5000
