"""What another program has found, as data."""

from typing import Any, Optional, Union

from ..contract import Descriptor

CATEGORIES = "'labels' (by the names in detector.labels) or the id of the first class"


def categories(value: Any) -> Optional[Union[int, str]]:
    """The rule for ``categories``."""
    if value is None or value == "labels":
        return None if value is None else "labels"
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(CATEGORIES)
    return value


DESCRIPTOR = Descriptor(
    kind="recorded",
    adapter=".adapter:Recorded",
    options={"categories": categories, "complete": (False, True)},
    whole_folders=True,
    runs=False,
    ends_itself=True,
)
