"""What is fed, held against the inputs that are declared."""

from typing import Optional, Sequence

from ..contract import IMAGE_ID, AdapterError, Feeds, TensorSpec


def check_feeds(specs: Sequence[TensorSpec], feeds: Feeds) -> None:
    """Raise ``bad-input`` where the fed arrays are not exactly the declared inputs."""
    names = [spec.name for spec in specs]
    if sorted(feeds) != sorted(names):
        why = f"the inputs are {quoted(names)}; fed were {quoted(sorted(feeds))}"
        raise AdapterError("bad-input", reason=why)
    for spec in specs:
        array = feeds[spec.name]
        dtype = IMAGE_ID if array.dtype.kind == "U" else str(array.dtype)
        if spec.dtype and dtype != spec.dtype:
            why = f"input {spec.name!r} is {spec.dtype}; fed was {dtype}"
            raise AdapterError("bad-input", reason=why)
        if spec.shape is not None and not fits(array.shape, spec.shape):
            declared, fed = shape_text(spec.shape), shape_text(array.shape)
            why = f"input {spec.name!r} has shape {declared}; fed was {fed}"
            raise AdapterError("bad-input", reason=why)


def shape_text(shape: Sequence[Optional[int]]) -> str:
    """A shape for a message; a dynamic dimension is a question mark."""
    return "({})".format(", ".join("?" if size is None else str(size) for size in shape))


def fits(shape: Sequence[int], declared: Sequence[Optional[int]]) -> bool:
    """Whether an array's shape is one that was declared; None is any size."""
    return len(shape) == len(declared) and all(
        want is None or size == want for size, want in zip(shape, declared)
    )


def quoted(names: Sequence[str]) -> str:
    """Names for a message."""
    return ", ".join(repr(name) for name in names) or "none"
