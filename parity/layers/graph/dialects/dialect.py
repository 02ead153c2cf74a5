"""The questions that every format of graphs answers about its ops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parity.layers.graph.roles import Role
from parity.runtimes.contract import Graph, Op

_WINDOWED = frozenset({Role.CONV, Role.DEPTHWISE, Role.DECONV, Role.POOL, Role.NORM, Role.RESIZE})
_CHANNELS_FIRST = ("CHANNELS_FIRST", "NCHW", "NCW", "NCDHW")


def by_type(table: Mapping[Role, str]) -> dict[str, Role]:
    """Op type → role, of the op types that a table lists by role."""
    return {op_type: role for role, listed in table.items() for op_type in listed.split()}


@dataclass(frozen=True)
class Integers:
    """The op types of a format that have to do with quantisation.

    ``rounding`` store real numbers in integers; ``converting`` do that or read them back, and
    nothing else. ``per_channel`` have weights that a good int8 model quantises with a scale for
    each output channel, ``as_stored`` weights that keep the scales that they have, and those of
    ``dynamic`` take the scale of their operand from its values as they run.
    """

    rounding: frozenset[str] = frozenset()
    converting: frozenset[str] = frozenset()
    per_channel: frozenset[str] = frozenset()
    as_stored: frozenset[str] = frozenset()
    dynamic: frozenset[str] = frozenset()


class Dialect:
    """What the ops of one format mean.

    The answers here are those of TensorFlow: channels last unless ``data_format`` says otherwise,
    and weights whose last two axes are input and output channels.
    """

    roles: Mapping[str, Role] = {}
    """By op type; what is not listed has no known role."""

    any_layout: frozenset[Role] = frozenset()
    """Of the roles whose ops slide a window or normalise channels, those that take any layout."""

    turning: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Attributes by which a dense op transposes its first and its second operand."""

    integers = Integers()

    def op_type(self, kind: str) -> str:
        """An op's own word, without namespace and overload."""
        return kind

    def role(self, graph: Graph, op: Op) -> Role:
        """The role of one op."""
        return self.roles.get(self.op_type(op.kind), Role.OTHER)

    def operands(self, op: Op) -> tuple[str, ...]:
        """An op's inputs without scales and zero points, where it has those among them."""
        return op.inputs

    def starts_at_zero(self, graph: Graph, op: Op) -> bool:
        """Whether an op stores integers of which the least stands for zero."""
        return False

    def channel_axis(self, graph: Graph, op: Op) -> int | None:
        """1 or -1: where this op's semantics put the channels; None where it takes any layout."""
        role = self.role(graph, op)
        if role not in _WINDOWED or role in self.any_layout:
            return None
        return 1 if self.channels_first(op) else -1

    def channels_first(self, op: Op) -> bool:
        """Whether an op that slides a window has its channels before the positions."""
        return str(op.attributes.get("data_format") or "").upper() in _CHANNELS_FIRST

    def output_axes(self, role: Role, ndim: int) -> tuple[int, ...]:
        """The axes of a convolution's weight that count output channels, major first."""
        if role is Role.DEPTHWISE:
            return (ndim - 2, ndim - 1)
        return (ndim - 2,) if role is Role.DECONV else (ndim - 1,)

    def input_axis(self, role: Role, ndim: int) -> int:
        """The axis of a convolution's weight that counts input channels; not of depthwise ones."""
        return ndim - 1 if role is Role.DECONV else ndim - 2

    def dense_axis(self, op: Op, position: int, ndim: int) -> int:
        """The axis of the outputs in the weight of a dense op, which is its input ``position``."""
        if position == 0:
            return ndim - 2  # the weight on the left: its rows are the outputs
        return ndim - 2 if self.turned(op, 1) else ndim - 1

    def turned(self, op: Op, position: int) -> bool:
        """Whether a dense op multiplies its first (0) or second (1) operand transposed."""
        return any(truth(op.attributes.get(name)) for name in self.turning[position])

    def permutation(self, graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
        """Output axis → input axis of a transpose; None where the op does not say it."""
        for name in ("perm", "dims", "axes"):
            listed = op.attributes.get(name)
            if isinstance(listed, (tuple, list)):
                return tuple(int(axis) % ndim for axis in listed)
        if len(op.inputs) > 1 and op.inputs[1] in graph.constants:
            return tuple(int(axis) for axis in graph.constants[op.inputs[1]].ravel())
        return None


class ChannelsFirst(Dialect):
    """What ONNX and PyTorch have in common: channels first, weights (output, input, positions)."""

    def role(self, graph: Graph, op: Op) -> Role:
        """A convolution with one input channel a group is a depthwise one."""
        found = super().role(graph, op)
        if found is not Role.CONV or groups(op) == 1:
            return found
        for name in self.operands(op)[1:2]:
            weight = graph.constants.get(name)
            if weight is not None and weight.ndim >= 3 and weight.shape[1] == 1:
                return Role.DEPTHWISE
        return Role.CONV

    def channels_first(self, op: Op) -> bool:
        """Always."""
        return True

    def output_axes(self, role: Role, ndim: int) -> tuple[int, ...]:
        """First; second in a transposed convolution."""
        return (1,) if role is Role.DECONV else (0,)

    def input_axis(self, role: Role, ndim: int) -> int:
        """Second; first in a transposed convolution."""
        return 0 if role is Role.DECONV else 1


def groups(op: Op) -> int:
    """The op's number of groups; 1 where it has no such attribute."""
    value = op.attributes.get("group", op.attributes.get("groups", 1))
    return int(value) if isinstance(value, (int, float)) and value else 1


def truth(value: object) -> bool:
    """An attribute as a truth value: some formats keep it as text."""
    return bool(value) and value not in ("False", "false", "0")
