"""What a file must be for torch to load it: opened and followed once, before torch sees it."""

import pickle
import re
from typing import NamedTuple, Tuple

from ...formats import Content, ModelFile, opened
from ...formats.torch.checkpoint import Checkpoint
from ...formats.torch.plain import PLAIN_PICKLE, Plain
from .. import content, scan
from ..contract import AdapterError, Artifact
from . import refusals

_REBUILT = re.compile(
    r"calls (torch\._utils\._rebuild\w+|torch\.storage\._load_from_bytes|numpy\.(dtype|ndarray)"
    r"|numpy\._?core\.(multiarray\.(_reconstruct|scalar)|numeric\._frombuffer))$"
)


class Examined(NamedTuple):
    """What a file is, and the protocol of its pickle; 0 where it is no pickle."""

    content: Content
    protocol: int


def examined(artifact: Artifact, path: str, kinds: Tuple[str, ...], expected: str) -> Examined:
    """A file of one of these kinds, of which nothing runs but what is trusted.

    As ``content.expect`` and ``scan.guard``; a pickled object is refused as untrusted, not as
    another kind.
    """
    with opened(path) as file:
        found = file.content
        if found.kind == "unknown":
            _check_protocol(path, expected)
        if found.phrase == PLAIN_PICKLE:  # torch.load reads none, trusted or not
            foreign = tuple(one for one in file.findings() if not _REBUILT.search(one))
            if foreign and not artifact.trust:  # nobody is told to load that by himself
                raise AdapterError("untrusted", path=path, findings=foreign)
            kinds = ()
        elif found.kind == "pickle":
            scan.guard_file(file, artifact.trust)
        content.expected_of(found, path, kinds, expected)
        scan.guard_file(file, artifact.trust)
        return Examined(found, _protocol(file))


def _protocol(file: ModelFile) -> int:
    return file.protocol if isinstance(file, (Checkpoint, Plain)) else 0


def _check_protocol(path: str, expected: str) -> None:
    """Raise ``version`` for a pickle of a protocol that this Python does not know."""
    with open(path, "rb") as handle:
        head = handle.read(3)
    protocol = head[1] if head[:1] == b"\x80" and len(head) == 3 else 0
    # what follows is a frame, or the number with which torch's older files begin
    if protocol <= pickle.HIGHEST_PROTOCOL or head[2:] not in (b"\x95", b"\x8a"):
        return
    raise AdapterError(
        "version",
        path=path,
        expected=expected,
        reason=f"unsupported pickle protocol: {protocol}",
        **refusals.pickle_version(protocol),
    )
