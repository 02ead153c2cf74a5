"""From a network's heads to detections: families, NMS, boxes of the original image."""

from __future__ import annotations

from parity.decode.by_family import FAMILIES, arranged, decode, in_image, roles, trimmed
from parity.decode.clues.evidence import Likelihood
from parity.decode.clues.looks import Look, looks, shown
from parity.decode.contract import Family
from parity.decode.function import decode_by_function
from parity.decode.heads.binding import BindingError, Role, bind
from parity.decode.heads.candidates import Candidates, DecodeError, Proposals
from parity.decode.heads.priors import grid, load_priors, read_priors
from parity.decode.heads.units import Pixels
from parity.decode.recognise.doubts import doubts
from parity.decode.recognise.likely import appearance, leading, likely
from parity.decode.recognise.probing import unread_by_function
from parity.decode.recognise.room import room_for_classes, room_message
from parity.decode.side import to_side
from parity.decode.unread import Unread, unread
from parity.nms import Kept, suppress

__all__ = [
    "FAMILIES",
    "BindingError",
    "Candidates",
    "DecodeError",
    "Family",
    "Kept",
    "Likelihood",
    "Look",
    "Pixels",
    "Proposals",
    "Role",
    "Unread",
    "appearance",
    "arranged",
    "bind",
    "decode",
    "decode_by_function",
    "doubts",
    "grid",
    "in_image",
    "leading",
    "likely",
    "load_priors",
    "looks",
    "read_priors",
    "roles",
    "room_for_classes",
    "room_message",
    "shown",
    "suppress",
    "to_side",
    "trimmed",
    "unread",
    "unread_by_function",
]
