"""A Python function as a runtime, as data."""

from typing import Any, Mapping, Tuple

from ..contract import Descriptor, TensorSpec
from ..shared.options import text_or_none, threads


def specs(value: Any) -> Tuple[TensorSpec, ...]:
    """The rule for ``inputs`` and ``outputs``."""
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise ValueError("a table of name = shape")
    found = []
    for name, item in value.items():
        table = item if isinstance(item, Mapping) else {"shape": item}
        shape = table.get("shape")
        sizes = None if shape is None else tuple(None if n in (None, -1) else int(n) for n in shape)
        found.append(TensorSpec(str(name), sizes, str(table.get("dtype", "float32"))))
    return tuple(found)


DESCRIPTOR = Descriptor(
    kind="fake",
    adapter=".adapter:Fake",
    options={
        "inputs": specs,
        "outputs": specs,
        "library": text_or_none,
        "version": text_or_none,
        "threads": threads,
    },
    hidden=True,
)
