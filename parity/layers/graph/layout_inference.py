"""The layout of every tensor of a graph, from the graph alone and the shapes of one run."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from parity.layers.graph import layout as lay
from parity.layers.graph.layout import Layout
from parity.layers.graph.roles import SAME_PLACE, WEIGHTED, Role
from parity.layers.graph.semantics import channel_axis, permutation, turned
from parity.layers.graph.view import View
from parity.runtimes.contract import Op

_KEEPS_AXES = frozenset({Role.PAD, Role.POOL, Role.RESIZE, Role.SLICE, Role.REARRANGE, Role.REDUCE})
_ROUNDS = 4


def infer_layouts(view: View) -> dict[str, Layout]:
    """Tensor name → layout, for every data tensor whose layout follows from the graph.

    Convolutions and poolings say what they read and write; from there it flows on in both
    directions until nothing new is learned. Where two ops disagree about a tensor, the one that
    reads it decides, as it is the reading that computes.
    """
    found: dict[str, Layout] = {}
    for op in view.data_ops():
        found.update(_fixed(view, op))
    for _ in range(_ROUNDS):
        before = len(found)
        for op in view.data_ops():
            _forward(view, op, found)
        for op in reversed(view.data_ops()):
            _backward(view, op, found)
        if len(found) == before:
            break
    return found


def _fixed(view: View, op: Op) -> dict[str, Layout]:
    axis = channel_axis(view.graph, op)
    if axis is None and view.roles[op.index] is Role.DENSE:
        axis = _summed(view, op)
        if axis is not None and (rows := _rows(view, op)):
            return rows
    if axis is None:
        return {}
    names = [*view.data_inputs(op)[:1], *op.outputs[:1]]
    shapes = [(name, view.shapes.get(name)) for name in names]
    return {name: lay.windowed(shape, axis) for name, shape in shapes if shape and len(shape) > 2}


def _rows(view: View, op: Op) -> dict[str, Layout]:
    """Of a dense layer that reads the positions of a sequence as rows of two axes: what it reads.

    Told by the reshape before it that only joins batch and positions, or the one behind it that
    takes them apart again. (ONNX Runtime writes dense layers so.)
    """
    (name,) = view.data_inputs(op)
    shape = view.shapes.get(name, ())
    maker, readers = view.producers.get(name), view.consumers.get(op.outputs[0], ())
    before = view.data_inputs(maker)[0] if maker is not None and _is_reshape(view, maker) else ""
    for other in (before, *(one.outputs[0] for one in readers if _is_reshape(view, one))):
        apart = view.shapes.get(other, ())
        kept = shape if other == before else view.shapes.get(op.outputs[0], ())
        if len(kept) == 2 < len(apart) and apart[-1] == kept[-1] and prod(apart[1:-1]) > 1:
            whole = lay.windowed((*apart[:-1], shape[-1]), -1)
            rows = lay.reshaped(whole, shape)
            known = {name: rows} if rows is not None else {}
            return {**known, before: whole} if other == before else known
    return {}


def _is_reshape(view: View, op: Op) -> bool:
    return view.roles[op.index] is Role.RESHAPE and bool(view.data_inputs(op))


def _summed(view: View, op: Op) -> int | None:
    """-1: a dense layer sums over the last axis of what it reads, so channels lie there.

    None where it is no layer with a weight behind its operand.
    """
    weight, inputs = view.weight(op), view.data_inputs(op)
    layer = weight is not None and weight[0] > 0 and len(inputs) == 1
    return -1 if layer and not turned(view.graph, op) else None


def _forward(view: View, op: Op, found: dict[str, Layout]) -> None:
    for name in op.outputs:
        shape = view.shapes.get(name)
        if not name or shape is None or name in found:
            continue
        layout = _after(view, op, shape, found)
        if layout is not None and layout.shape == shape:
            found[name] = layout


def _after(view: View, op: Op, shape: lay.Shape, found: dict[str, Layout]) -> Layout | None:
    role = view.roles[op.index]
    known = [found[name] for name in view.data_inputs(op) if name in found]
    if role is Role.DENSE and len(shape) == 2 and not _reads_rows(view, op, known):
        return Layout(tuple(((one, size),) if size > 1 else () for one, size in _flat(shape)))
    if not known:
        return None
    first = known[0]
    if role in SAME_PLACE:
        return next((one for one in known if one.shape == shape), None)
    if role is Role.TRANSPOSE:
        order = permutation(view.graph, op, len(first.axes))
        return None if order is None else lay.permuted(first, order)
    if role is Role.DENSE:
        alike = _alike_in_batches([found.get(name) for name in view.data_inputs(op)])
        return lay.with_last(first, shape[-1]) if alike else None
    if role is Role.RESHAPE or (len(first.axes) != len(shape) and role not in _KEEPS_AXES):
        return lay.reshaped(first, shape)
    return _axes_kept(role, first, shape)


def _reads_rows(view: View, op: Op, known: Sequence[Layout]) -> bool:
    """Whether a dense layer reads two axes of which the first is known to be no channels."""
    first = known[0].axes if known else ()
    rows = len(first) == 2 and all(letter[0] != lay.CHANNEL for letter, _ in first[0])
    return rows and _summed(view, op) is not None


def _alike_in_batches(operands: Sequence[Layout | None]) -> bool:
    """Whether a product of two tensors multiplies like with like: batches, and heads of attention.

    Where it does not, as behind a transpose that is missing, what comes out has no layout; nor has
    it where only the second one's is known.
    """
    if len(operands) < 2:
        return True
    first, second = operands[:2]
    if first is None or second is None:
        return first is not None
    pairs = zip(first.axes[-3::-1], second.axes[-3::-1], strict=False)
    return all(one == other or not one or not other for one, other in pairs)


def _flat(shape: lay.Shape) -> tuple[tuple[str, int], tuple[str, int]]:
    return (lay.BATCH, shape[0]), (lay.CHANNEL, shape[1])


def _axes_kept(role: Role, first: Layout, shape: lay.Shape) -> Layout | None:
    if len(first.axes) == len(shape):
        if role in _KEEPS_AXES or role in (Role.CONCAT, Role.BLOCKS):
            return lay.resized(first, shape)
        return first if first.shape == shape else None
    return lay.reduced(first, shape) if len(first.axes) > len(shape) else None


def _backward(view: View, op: Op, found: dict[str, Layout]) -> None:
    role = view.roles[op.index]
    output = found.get(op.outputs[0]) if op.outputs else None
    if output is None or role in WEIGHTED:
        return
    for name in view.data_inputs(op):
        shape = view.shapes.get(name)
        if name in found or shape is None:
            continue
        layout = _before(view, op, output, shape)
        if layout is not None and layout.shape == shape:
            found[name] = layout


def _before(view: View, op: Op, output: Layout, shape: lay.Shape) -> Layout | None:
    role = view.roles[op.index]
    if role is Role.TRANSPOSE:
        order = permutation(view.graph, op, len(output.axes))
        if order is None:
            return None
        inverse = sorted(range(len(order)), key=order.__getitem__)
        return lay.permuted(output, inverse)
    if role is Role.RESHAPE:
        return lay.reshaped(output, shape)
    if len(output.axes) == len(shape):
        if role in _KEEPS_AXES or role is Role.CONCAT:
            return lay.resized(output, shape)
        if role in SAME_PLACE:
            return output if output.shape == shape else None
    return None
