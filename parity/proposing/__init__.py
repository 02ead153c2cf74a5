"""From model files alone to a ``parity.toml`` that a person then corrects: ``parity init``.

What a file or one run showed is called seen, what is usual for such a detector assumed, and what
nobody but the user can know is a TODO. The three are never mixed.
"""

from __future__ import annotations

from parity.proposing.looking import Model, Refused, look
from parity.proposing.picture import synthetic
from parity.proposing.proposal import Asked, Proposal, propose

__all__ = ["Asked", "Model", "Proposal", "Refused", "look", "propose", "synthetic"]
