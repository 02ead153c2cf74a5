"""Pickles that are files of their own: those that torch wrote before 1.6, and anybody's."""

import os
from typing import Iterable, Iterator, List, Optional, Tuple

from ..content import Content
from ..contents import Contents
from ..model_file import ModelFile, Start
from ..pickles import calls
from ..pickles.machine import Followed, follow
from ..pickles.operations import Bounded
from .description import FOREIGN, described
from .weights import every

PLAIN_PICKLE = "a Python pickle that torch.save did not write"
_NUMBER = 0x1950A86A20F9469CFC6C  # with which torch's older form begins
_MAGIC = b"\x8a\x0a" + _NUMBER.to_bytes(10, "little")
_OBJECT = 3  # behind the magic number, the protocol and facts of the system
_PICKLES = 5  # the last of them names the storages, whose numbers follow


class Plain(ModelFile):
    """One pickle; torch's older form is five of them, then raw storages."""

    def __init__(self, start: Start) -> None:
        with open(start.path, "rb") as handle:
            bounded = Bounded(handle)
            self._pickles: List[Followed] = [follow(bounded)]
            self._torch = self._pickles[0].value == _NUMBER or start.head[2:14] == _MAGIC
            while self._torch and len(self._pickles) < _PICKLES and not self._pickles[-1].unread:
                self._pickles.append(follow(bounded))
            self._behind = bounded.at
        self._found = tuple(self._calls())
        super().__init__(start.path, self._content())

    @property
    def protocol(self) -> int:
        """The highest protocol that its pickles are written in."""
        return max(one.protocol for one in self._pickles)

    def _content(self) -> Content:
        if not self._torch:
            return Content("pickle", PLAIN_PICKLE)
        if self._found:
            return Content("pickle", "a pickled Python object", legacy=True)
        return Content("state-dict", "a torch state dict", legacy=True)

    def _calls(self) -> Iterator[str]:
        """Of the first pickle that calls anything: what follows it may be no pickle."""
        for one in self._pickles:
            found = list(calls.findings(one))
            if found:
                yield from found
                return

    def _scan(self) -> Iterable[str]:
        return self._found

    def _is_cut(self, findings: Tuple[str, ...]) -> bool:
        return all(map(calls.is_cut, findings))

    def _contents(self) -> Optional[Contents]:
        first = self._pickles[0].sound()
        if not self._torch or not isinstance(first.value, int):
            return described(first, FOREIGN, ())
        for one in self._pickles[: _OBJECT + 1]:
            found = one.sound()
        return described(found, "pickle", [*self._storages(found)])

    def _storages(self, found: Followed) -> Iterator[str]:
        """Whether the storages, which stand behind the pickles, are all there.

        Of each its count of numbers stands before the numbers, in eight bytes.
        """
        storages = dict(one.storage for one in every(found.value) if one.storage[0])
        if not storages:
            return
        self._pickles[-1].sound()
        needed = sum(8 + size for size in storages.values())
        held = os.path.getsize(self.path) - self._behind
        if held < needed:
            yield (
                f"its tensors take {needed} bytes and {held} are there: the file is cut off, copy "
                f"it again"
            )


def of_file(start: Start) -> Optional[ModelFile]:
    """A file that begins as pickles of protocol 2 and higher do."""
    begins = start.head[:1] == b"\x80" and start.head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    return Plain(start) if begins else None
