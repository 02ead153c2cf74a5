"""Which classes and functions a pickle would call, and which of them are no more than data."""

import io
import re
import zipfile
from typing import IO, Iterator, List, NamedTuple, Tuple

from .machine import Followed, follow
from .operations import LIMIT, Bounded
from .values import EXTENSIONS, MADE_UP, Name

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
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
    r"|(builtins|__builtin__) (set|dict|list|tuple|int|float|bytes|bytearray|complex|slice)",
    re.ASCII,
)


class Stream(NamedTuple):
    """A pickle stream: whether torch wrote it, and what in it is more than data."""

    torch: bool
    findings: Tuple[str, ...]


def is_data(name: Name) -> bool:
    """Whether what is imported makes plain tensors, numbers, text or containers, and no more."""
    return bool(_DATA.fullmatch(f"{name.module} {name.name}"))


def findings(found: Followed) -> Iterator[str]:
    """Everything in one pickle that is more than data, in its order."""
    for name in found.names:
        if name.module == EXTENSIONS:
            yield "the pickle uses the extension registry"
        elif MADE_UP in (name.module, name.name):
            yield "the pickle calls something whose name it makes up while it loads"
        elif not is_data(name):
            yield f"the pickle calls {name}"
    if found.unread:
        yield f"the pickle cannot be read: {found.unread}"


def stream_findings(stream: IO[bytes]) -> Stream:
    """Scan a file that is a pickle; torch's older format is five of them, then raw storages."""
    handle = Bounded(stream)
    first = follow(handle)
    found = list(findings(first))
    torch = first.value == TORCH_MAGIC
    for _ in range(4 if torch else 0):
        if found:
            break
        found += findings(follow(handle))
    return Stream(torch, tuple(dict.fromkeys(found)))


def archive_findings(archive: zipfile.ZipFile) -> Tuple[str, ...]:
    """Scan every ``data.pkl`` of a torch zip archive."""
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()  # torch finds a member whatever its case
        if low == "data.pkl" or low.endswith("/data.pkl"):
            with archive.open(name) as handle:
                data = handle.read(LIMIT + 1)  # at once: operations are read byte by byte
            found += findings(follow(Bounded(io.BytesIO(data))))
    return tuple(dict.fromkeys(found))
