"""What the formats of torch that are archives store: pickles, short texts, and the numbers."""

import io
from typing import Any, Iterator

from ..archive.zip_file import Archive
from ..pickles.machine import Followed, follow
from ..pickles.operations import Bounded
from ..shapes import listed
from ..source import Unreadable, unpacked
from .weights import every

PICKLE = 64 * 2**20  # bytes of a pickle that is described


def member(archive: Archive, tail: str) -> str:
    """The name of the shortest member that ends so. Raises Unreadable where there is none."""
    names = [name for name in archive.names if name == tail or name.endswith("/" + tail)]
    if not names:
        raise Unreadable(f"its member {tail} is missing")
    return min(names, key=len)


def pickled(archive: Archive, name: str) -> Followed:
    """The pickle of one member, which is sound. Raises Unreadable."""
    return follow(Bounded(io.BytesIO(unpacked(archive.zip, name, PICKLE)))).sound()


def short(archive: Archive, tail: str) -> str:
    """A text of one line; "" where there is none."""
    names = [name for name in archive.names if name.endswith("/" + tail)]
    if not names:
        return ""
    return unpacked(archive.zip, names[0], 1 << 16).decode("utf-8", "replace").strip()


def storages(archive: Archive, value: Any) -> Iterator[str]:
    """Whether each storage that a tensor names lies in the archive."""
    held = {name.rsplit("/", 1)[-1] for name in archive.names if "/data/" in "/" + name}
    wanted = {str(one.identity[0]) for one in every(value)}
    missing = sorted(one for one in wanted - held if one)
    if missing:
        yield (
            f"the data of {len(missing)} of its tensors is missing from the archive "
            f"({listed(missing)}): copy or save it again"
        )
