"""What ``torch.save`` writes: a zip archive with a pickle and the numbers beside it."""

import io
from typing import Dict, Iterable, Iterator, Optional, Tuple

from ..archive.zip_file import LIMIT, Archive, ArchiveFile
from ..content import Content
from ..contents import Contents
from ..model_file import ModelFile
from ..pickles import calls
from ..pickles.machine import Followed, follow
from ..pickles.operations import Bounded
from ..source import Unreadable
from . import stored
from .description import described


class Checkpoint(ArchiveFile):
    """A state dict, a checkpoint that holds one, or a pickled module."""

    def __init__(self, archive: Archive) -> None:
        # what is wrong with the archive is a finding of its own; a bomb is not unpacked here
        self._pickles = {} if archive.faults else pickles(archive)
        self._found = tuple(findings(self._pickles))
        content = Content("state-dict", "a zip archive that holds a torch state dict")
        if self._found:
            content = Content("pickle", "a zip archive that holds a pickled Python object")
        super().__init__(archive, content)

    @property
    def protocol(self) -> int:
        """The highest protocol that its pickles are written in."""
        return max((one.protocol for _, one in self._pickles.values()), default=0)

    def _calls(self) -> Iterable[str]:
        return self._found

    def _is_cut(self, findings: Tuple[str, ...]) -> bool:
        return all(map(calls.is_cut, findings))

    def _contents(self) -> Optional[Contents]:
        name = stored.member(self.archive, "data.pkl")
        size, found = self._pickles[name]
        if size > stored.PICKLE:
            raise Unreadable(f"the member {name} unpacks to more than {stored.PICKLE} bytes")
        found = found.sound()
        return described(found, "zip", [*stored.storages(self.archive, found.value)])


def of_archive(archive: Archive) -> Optional[ModelFile]:
    """An archive with a ``data.pkl`` that is nothing more."""
    return Checkpoint(archive) if "data.pkl" in archive.tails else None


def pickles(archive: Archive) -> Dict[str, Tuple[int, Followed]]:
    """Every ``data.pkl`` by its name, followed, with its bytes; those that are read of them."""
    found = {}
    for name in archive.names:
        low = name.lower()  # torch finds a member whatever its case
        if low == "data.pkl" or low.endswith("/data.pkl"):
            with archive.zip.open(name) as handle:
                data = handle.read(LIMIT + 1)  # at once: operations are read byte by byte
            found[name] = len(data), follow(Bounded(io.BytesIO(data)))
    return found


def findings(followed: Dict[str, Tuple[int, Followed]]) -> Iterator[str]:
    """What these pickles would call beyond data."""
    for _, one in followed.values():
        yield from calls.findings(one)
