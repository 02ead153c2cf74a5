"""What a pass does not say, as data: files that are one file, outputs that nobody judged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SameFile:
    """A runtime whose file is another runtime's, byte for byte.

    ``of``: the other runtime. ``reference``: whether that is the reference. ``path`` and
    ``of_path`` are the files, relative to the suite. ``alone``: the settings in which the two
    differ, such as "options", which then were all that was compared.
    """

    of: str
    reference: bool
    path: str
    of_path: str
    alone: tuple[str, ...] = ()

    def sentence(self) -> str:
        """For the notes of a runtime."""
        owner = "the reference's own file" if self.reference else f"the file of {self.of}"
        found = f"{self.path} is {owner}"
        if self.path != self.of_path:
            found = f"{self.path} is byte for byte {self.of_path}, {owner}"
        return f"{found}: {self._compared()}"

    def short(self, runtime: str) -> str:
        """For the verdict's line."""
        owner = "the reference's own file" if self.reference else f"the file of {self.of}"
        under = f" under other {' and '.join(self.alone)}" if self.alone else ""
        return f"{runtime} is {owner}{under}"

    def _compared(self) -> str:
        if self.alone:
            return f"all that differs is {' and '.join(self.alone)}"
        if self.reference:
            return "nothing was compared but the runtime with itself"
        return "one candidate was judged twice"
