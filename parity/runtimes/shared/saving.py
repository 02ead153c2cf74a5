"""Which version of its library saved a file, and which has opened it."""

import platform
from typing import NamedTuple


class Versions(NamedTuple):
    """What saved a file and what has tried to open it: two versions of one library.

    ``place`` says where that ran ("TensorFlow 2.4.4, Python 3.8.18"); ``instead`` is one more thing
    to do, beside another version on either side, or "".
    """

    library: str
    saved: str
    opened: str
    place: str
    instead: str = ""

    def differ(self) -> bool:
        """Whether they are other releases: what only fixes defects changes no format."""
        return bool(self.saved) and _release(self.saved) != _release(self.opened)


def this_python() -> str:
    """This interpreter, for a place."""
    return "Python " + platform.python_version()


def _release(version: str) -> str:
    return ".".join(version.split(".")[:2])
