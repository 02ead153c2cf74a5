"""Which classes and functions a pickle would call, read from its opcodes; nothing is unpickled."""

import collections
import io
import pickle
import pickletools
import re
import zipfile
from typing import IO, Any, Deque, List, NamedTuple, Optional, Tuple

from . import refusals
from .contract import AdapterError

LIMIT = 256 * 2**20  # bytes of one zip member that are ever read
_OPCODES = 2_000_000  # of one pickle; the largest of real networks have some hundred thousand

_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_DATA = re.compile(
    r"collections (OrderedDict|Counter)"
    r"|torch\._utils _rebuild_\w+"
    r"|torch\._tensor _rebuild_from_type_v2"
    r"|torch\.nn\.parameter (Parameter|Buffer)"
    r"|torch\.storage (UntypedStorage|TypedStorage)"
    r"|torch\.serialization _get_layout"
    r"|torch (\w+Storage|Size|Tensor|device|dtype|layout|strided|bool|complex\d+|qu?int\d\w*"
    r"|u?int\d+|bfloat16|float\w+|bits\w+|per_(tensor|channel)_(affine|symmetric)"
    r"|per_channel_affine_float_qparams)"
    r"|torch(\.cuda)?(\.sparse)? \w+(Storage|Tensor)"
    r"|_codecs encode"
    r"|(builtins|__builtin__) (set|dict|list|tuple|int|float|bytes|bytearray|complex|slice)"
)
_TEXT = ("SHORT_BINUNICODE", "BINUNICODE", "UNICODE", "BINUNICODE8")
_PASSIVE = ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "FRAME", "PROTO")


class Stream(NamedTuple):
    """A pickle stream: whether torch wrote it, and what in it is more than data."""

    torch: bool
    findings: Tuple[str, ...]


class Bounded:
    """A file of which all reads together take no more than ``LIMIT`` bytes; claims count."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._left = LIMIT

    def read(self, count: int) -> bytes:
        self._take(count)
        return self._handle.read(count)

    def readline(self) -> bytes:
        line = self._handle.readline(1 << 20)
        self._take(len(line))
        return line

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError(f"it is larger than {LIMIT} bytes")


def check_protocol(path: str, expected: str) -> None:
    """Raise ``version`` for a pickle of a protocol that this Python does not know."""
    with open(path, "rb") as handle:
        head = handle.read(3)
    protocol = head[1] if head[:1] == b"\x80" and len(head) == 3 else 0
    # what follows is a frame, or the number with which torch's older files begin
    if protocol <= pickle.HIGHEST_PROTOCOL or head[2:] not in (b"\x95", b"\x8a"):
        return
    raise AdapterError(
        "version",
        path=path,
        expected=expected,
        reason=f"unsupported pickle protocol: {protocol}",
        **refusals.pickle_version(protocol),
    )


def stream_findings(stream: IO[bytes]) -> Stream:
    """Scan a file that is a pickle; torch's older format is five of them, then raw storages."""
    handle = Bounded(stream)
    found: List[str] = []
    first: List[Any] = []
    torch = False
    for index in range(5):
        findings = pickle_findings(handle, first if index == 0 else None)
        found += findings
        torch = torch or _TORCH_MAGIC in first
        if not torch or findings:
            break
    return Stream(torch, _unique(found))


def archive_findings(archive: zipfile.ZipFile) -> Tuple[str, ...]:
    """Scan every ``data.pkl`` of a torch zip archive."""
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()  # torch finds a member whatever its case
        if low == "data.pkl" or low.endswith("/data.pkl"):
            with archive.open(name) as handle:
                data = handle.read(LIMIT + 1)  # at once: genops reads byte by byte
            found += pickle_findings(Bounded(io.BytesIO(data)))
    return _unique(found)


def pickle_findings(
    handle: Any, values: Optional[List[Any]] = None, allowed: Any = _DATA
) -> List[str]:
    """Everything in one pickle that is not plain tensors, numbers, text and containers."""
    found: List[str] = []
    texts: Deque[Optional[str]] = collections.deque(maxlen=2)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(handle)):
            if count > _OPCODES:
                raise ValueError(f"it has more than {_OPCODES} operations")
            if values is not None and argument is not None:
                values.append(argument)
            name = opcode.name
            if name in ("GLOBAL", "INST"):
                _judge(str(argument), found, allowed)
            elif name == "STACK_GLOBAL":
                pair = [text for text in texts if text is not None]
                _judge(" ".join(pair) if len(pair) == 2 else "", found, allowed)
            elif name in ("EXT1", "EXT2", "EXT4"):
                found.append("the pickle uses the extension registry")
            if name in _TEXT:
                texts.append(argument)
            elif name not in _PASSIVE:
                texts.append(None)
    except Exception as error:  # genops raises what it likes on bytes that are no pickle
        found.append(f"the pickle cannot be read: {str(error)[:120]}")
    return found


def _judge(name: str, found: List[str], allowed: Any) -> None:
    if not name:
        found.append("the pickle calls something whose name it makes up while it loads")
    elif not allowed.fullmatch(name):
        found.append("the pickle calls {}".format(name.replace(" ", ".")))


def _unique(found: List[str]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(found))
