"""From a network's heads to detections: families, NMS, boxes of the original image.

Begin with ``decoder.py``, which is what a runtime's heads go through, and ``contract.py``, which
says what a family is. ``settings.py`` is ``[decode]`` of the suite; ``by_family.py`` and
``function.py`` decode; ``side.py`` suppresses (the NMS itself is ``parity/nms.py``); ``unread.py``
and ``pixels.py`` watch over what nobody reads and over units. The rooms, each using those below:

- ``recognise/``: which family heads look like, asked only where something is to be said.
- ``families/``: one file a family, and their registry; ``guests.py`` finds those of other packages.
- ``clues/``: what heads look like, and what speaks for a family.
- ``heads/``: what several families' heads have in common, and their tables.

Nothing here knows suites or reports, or imports a framework; of runtimes it knows the contract.
"""

from __future__ import annotations

from parity.decode.by_family import (
    arranged,
    decode,
    in_image,
    named_files,
    roles,
    suppresses_inside,
    trimmed,
)
from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.looks import Look, looks, shown
from parity.decode.contract import Columns, Family, FamilyTable, Given, Suggested
from parity.decode.decoder import Declared, Decoder
from parity.decode.function import decode_by_function
from parity.decode.heads.binding import BindingError, Role, bind
from parity.decode.heads.candidates import Candidates, DecodeError, Proposals
from parity.decode.heads.priors import grid, load_priors, read_priors
from parity.decode.pixels import Pixels
from parity.decode.recognise.doubts import doubts
from parity.decode.recognise.likely import appearance, leading, likely
from parity.decode.recognise.probing import unread_by_function
from parity.decode.recognise.room import room_for_classes, room_message
from parity.decode.settings import Decode
from parity.decode.side import to_side
from parity.decode.unread import Unread, unread
from parity.nms import Kept, suppress

__all__ = [
    "BindingError",
    "Candidates",
    "Clue",
    "Columns",
    "Declared",
    "Decode",
    "DecodeError",
    "Decoder",
    "Family",
    "FamilyTable",
    "Given",
    "Kept",
    "Likelihood",
    "Look",
    "Pixels",
    "Proposals",
    "Role",
    "Seen",
    "Suggested",
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
    "named_files",
    "read_priors",
    "roles",
    "room_for_classes",
    "room_message",
    "shown",
    "suppress",
    "suppresses_inside",
    "to_side",
    "trimmed",
    "unread",
    "unread_by_function",
    "weigh",
]
