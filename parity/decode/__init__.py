"""From a network's heads to detections: families, NMS, boxes of the original image."""

from __future__ import annotations

from parity.decode.binding import BindingError, Role, bind
from parity.decode.candidates import Candidates, DecodeError, Proposals
from parity.decode.families import FAMILIES, arranged, decode, in_image, roles, trimmed
from parity.decode.family import Family
from parity.decode.function import decode_by_function
from parity.decode.nms import Kept, suppress
from parity.decode.priors import grid, load_priors, read_priors
from parity.decode.side import to_side

__all__ = [
    "FAMILIES",
    "BindingError",
    "Candidates",
    "DecodeError",
    "Family",
    "Kept",
    "Proposals",
    "Role",
    "arranged",
    "bind",
    "decode",
    "decode_by_function",
    "grid",
    "in_image",
    "load_priors",
    "read_priors",
    "roles",
    "suppress",
    "to_side",
    "trimmed",
]
