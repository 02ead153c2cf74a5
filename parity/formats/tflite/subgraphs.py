"""A TFLite subgraph, as much of it as is counted."""

from dataclasses import dataclass
from typing import NamedTuple, Tuple

from ..contents import Tensor


@dataclass(frozen=True)
class Code:
    """An operator's type: its name, its version, whether it is custom (Flex ops are)."""

    name: str
    version: int
    custom: bool

    @property
    def label(self) -> str:
        """``CONV_2D v3``, as it is counted."""
        return f"{self.name} v{self.version}"


@dataclass(frozen=True)
class Stored:
    """A tensor, the buffer it lies in, whether that holds data, and its number of scales."""

    tensor: Tensor
    buffer: int
    constant: bool
    scales: int


@dataclass(frozen=True)
class Part:
    """A subgraph. ``names`` are its operators' types, "" for a custom one."""

    class Op(NamedTuple):
        """An operator: index of its type, and of its tensors (-1: left out)."""

        code: int
        inputs: Tuple[int, ...]
        outputs: Tuple[int, ...]

    tensors: Tuple[Stored, ...]
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    ops: Tuple[Op, ...]
    names: Tuple[str, ...]
