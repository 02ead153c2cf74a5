"""What a pickle makes, as inert data."""

from dataclasses import dataclass, field
from typing import Any, Dict, List

MADE_UP = "(made at load time)"
"""In the place of a module or a name that is no text of the pickle."""
EXTENSIONS = "copyreg"
"""In the place of the module of what the extension registry imports by a number."""


@dataclass(frozen=True)
class Name:
    """Something that the pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What a call would have returned: the callee, its arguments, what was put into it later."""

    by: Any
    arguments: Any
    state: Any = None
    items: Dict[Any, Any] = field(default_factory=dict)
    entries: List[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Stored:
    """A reference to data outside of the pickle (torch: its storages)."""

    key: Any


def worded(value: Any) -> str:
    """A name, a text or a number; of anything else its type.

    Written out, what is shared inside of it would be repeated without end.
    """
    plain = value is None or isinstance(value, (str, int, float, Name))
    return str(value) if plain else type(value).__name__
