"""A program as a runtime, as data."""

import re
from typing import Any, List

from ..contract import Descriptor

PLACES = ("input", "output", "weights", "folder")
PLACE = re.compile(r"\{(\w+)\}")
ARGUMENTS = (
    "a list of texts with {input} and {output} in them, and {weights} and {folder} where needed"
)


def arguments(value: Any) -> List[str]:
    """The rule for ``arguments``."""
    given = ["{input}", "{output}"] if value is None else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
        raise ValueError(ARGUMENTS)
    places = {place for one in given for place in PLACE.findall(one)}
    if not {"input", "output"} <= places or not places <= set(PLACES):
        raise ValueError(ARGUMENTS)
    return list(given)


DESCRIPTOR = Descriptor(
    kind="command",
    adapter=".adapter:Command",
    options={
        "arguments": arguments,
        "dtype": ("float32", "uint8"),
        "output": ("npz", "folder"),
    },
    ends_itself=True,
    own_environment=False,
)
