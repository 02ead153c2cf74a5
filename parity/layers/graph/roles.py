"""What ops do to the tensor that flows through them: one word each in all formats."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an op does to the tensor that flows through it."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    DECONV = "transposed conv"
    DENSE = "dense"
    PAD = "pad"
    TRANSPOSE = "transpose"
    RESHAPE = "reshape"
    QUANTISE = "quantise"
    IDENTITY = "identity"
    BLOCKS = "blocks"
    REARRANGE = "rearrange"
    ACTIVATION = "activation"
    ELEMENTWISE = "elementwise"
    NORM = "norm"
    POOL = "pool"
    RESIZE = "resize"
    CONCAT = "concat"
    SLICE = "slice"
    REDUCE = "reduce"
    SOFTMAX = "softmax"
    SHAPE = "shape"
    OTHER = "other"


WEIGHTED = frozenset({Role.CONV, Role.DEPTHWISE, Role.DECONV, Role.DENSE})
"""Ops with a weight that can be recognised on the other side."""

LOOK_THROUGH = frozenset(
    {Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.QUANTISE, Role.IDENTITY, Role.BLOCKS}
)
"""Ops that move, frame or store values but do not compute new ones."""

SAME_PLACE = frozenset(
    {Role.ACTIVATION, Role.ELEMENTWISE, Role.NORM, Role.SOFTMAX, Role.QUANTISE, Role.IDENTITY}
)
"""Ops whose output lies as their input does, position by position."""
