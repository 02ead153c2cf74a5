"""Which classes and functions a pickle would call, and which of them are no more than data."""

import re
from typing import Iterator

from .machine import Followed
from .values import EXTENSIONS, MADE_UP, Name

_DATA = re.compile(
    r"collections (OrderedDict|Counter)"
    r"|torch\._utils _rebuild_\w+"
    r"|torch\._tensor _rebuild_from_type_v2"
    r"|torch\.nn\.parameter (Parameter|Buffer)"
    r"|torch\.storage (UntypedStorage|TypedStorage)"
    r"|torch\.serialization _get_layout"
    r"|torch (\w+Storage|Size|Tensor|device|dtype|layout|strided|bool|complex\d+|qu?int\d\w*"
    r"|u?int\d+|bfloat16|float\w+|bits\w+|per_(tensor|channel)_(affine|symmetric)"
    r"|per_channel_affine_float_qparams)"
    r"|torch(\.cuda)?(\.sparse)? \w+(Storage|Tensor)"
    r"|_codecs encode"
    r"|(builtins|__builtin__) (set|dict|list|tuple|int|float|bytes|bytearray|complex|slice)",
    re.ASCII,
)
_CUT = re.compile(
    r"(?:[\w./]+: )?the pickle cannot be read: "
    r"(?:pickle exhausted|expected \d+ bytes|not enough data|no newline found|unexpected)"
)


def is_data(name: Name) -> bool:
    """Whether what is imported makes plain tensors, numbers, text or containers, and no more."""
    return bool(_DATA.fullmatch(f"{name.module} {name.name}"))


def findings(found: Followed) -> Iterator[str]:
    """Everything in one pickle that is more than data, in its order."""
    for name in found.names:
        if name.module == EXTENSIONS:
            yield "the pickle uses the extension registry"
        elif MADE_UP in (name.module, name.name):
            yield "the pickle calls something whose name it makes up while it loads"
        elif not is_data(name):
            yield f"the pickle calls {name}"
    if found.unread:
        yield f"the pickle cannot be read: {found.unread}"


def is_cut(finding: str) -> bool:
    """Whether a finding says no more than that a pickle ends too early."""
    return bool(_CUT.match(finding))
