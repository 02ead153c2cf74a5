"""ONNX files saved with their channels in one processor's blocks, put back into NCHW.

ONNX Runtime's level "all" turns convolutions, poolings and resizings into ops of the domain
com.microsoft.nchwc. Their tensors say (N, C, H, W) and hold (N, C / b, H, W, b), channels filled up
with zeros to a multiple of the block b, and so do their weights; nothing in the file tells b. Here
the same network is written in ops that every op of the comparison knows. Its single ops, run at the
deployment's own level, are blocked again by ONNX Runtime: the kernels stay those that are deployed.
Sources: the schemas of the domain and the filter layouts OIHWBo and OIHWBiBo of ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.tensors import Array

DOMAIN = "com.microsoft.nchwc"
_FUSED = "com.microsoft"
_PLAIN = ("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool")
_KNOWN = ("Conv", "ReorderInput", "ReorderOutput", "Upsample", *_PLAIN)
_DEFAULTS = {"ceil_mode": 0, "storage_order": 0, "count_include_pad": 0}


def is_blocked(model: Any) -> bool:
    """Whether an ``onnx.ModelProto`` holds ops with their channels in blocks."""
    return any(node.domain == DOMAIN for node in model.graph.node)


def probe() -> bytes:
    """A model that shows how many channels a runtime has in a block.

    Its output "blocked" is its input "plain", (1, 4, 1, 1) of float32, filled up to one block.
    """
    from onnx import TensorProto, helper

    node = helper.make_node("ReorderInput", ["plain"], ["blocked"], domain=DOMAIN)
    plain = helper.make_tensor_value_info("plain", TensorProto.FLOAT, [1, 4, 1, 1])
    blocked = helper.make_tensor_value_info("blocked", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "probe", [plain], [blocked])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def unblocked(model: Any, block: int) -> Any:
    """A copy of a model without blocks.

    Raises ``ValueError`` where an op is not known, or weights are no multiple of the block: such a
    file was saved for another processor.
    """
    return _Unblocking(model, block).run()


class _Unblocking:
    """One model on its way back."""

    def __init__(self, model: Any, block: int) -> None:
        self._model = type(model)()
        self._model.CopyFrom(model)
        self._nodes = list(self._model.graph.node)
        self._block = block
        self._stored = {one.name: one for one in self._model.graph.initializer}
        self._weights = {node.input[1]: self._weight(node) for node in self._convs()}
        self._biases = {node.input[2]: self._array(node.input[2]) for node in self._convs()
                        if _given(node, 2)}  # fmt: skip

    def run(self) -> Any:
        from onnx import numpy_helper

        for node in self._nodes:
            if node.domain == DOMAIN and node.op_type not in _KNOWN:
                raise ValueError(f"{node.op_type} of {DOMAIN} is not known")
        channels = _Channels(self._nodes, self._weights, self._biases, self._block)
        self._trim(channels)
        for name, array in {**self._weights, **self._biases}.items():
            self._stored[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
        made = [one for node in self._nodes for one in self._unblocked(node, channels)]
        del self._model.graph.node[:]
        self._model.graph.node.extend(made)
        del self._model.graph.value_info[:]  # sizes with filled up channels
        return self._model

    def _convs(self) -> Iterator[Any]:
        return (node for node in self._nodes if node.domain == DOMAIN and node.op_type == "Conv")

    def _array(self, name: str) -> Array:
        from onnx import numpy_helper

        if name not in self._stored:
            raise ValueError(f"the weight {name} is computed")
        return np.asarray(numpy_helper.to_array(self._stored[name]))

    def _weight(self, node: Any) -> Array:
        """A weight as (O, I, H, W): its output channels lie in blocks, and its input channels where
        there is a whole block of them."""
        held, b = self._array(node.input[1]), self._block
        made, read, *kernel = held.shape
        if len(kernel) != 2 or made % b or (read >= b and read % b):
            raise ValueError(f"the weight {held.shape} is not in blocks of {b} channels")
        if read < b:
            parts = held.reshape(made // b, read, *kernel, b).transpose(0, 4, 1, 2, 3)
        else:
            parts = held.reshape(made // b, read // b, *kernel, b, b).transpose(0, 5, 1, 4, 2, 3)
        return parts.reshape(held.shape)

    def _trim(self, channels: _Channels) -> None:
        """Take out the channels with which blocks were filled up."""
        sizes = {}
        for node in self._convs():
            made, read = self._weights[node.input[1]].shape[:2]
            made -= channels.filled(node.output[0])
            read -= channels.filled(node.input[0]) if _groups(node) == 1 else 0
            sizes[node.input[1]] = made, read
            if _given(node, 2):
                sizes[node.input[2]] = made, 0
        for name, (made, read) in sizes.items():
            if name in self._weights:
                self._weights[name] = self._weights[name][:made, :read]
            else:
                self._biases[name] = self._biases[name][:made]

    def _unblocked(self, node: Any, channels: _Channels) -> Iterator[Any]:
        if node.domain != DOMAIN:
            yield node
        elif node.op_type == "ReorderOutput" and channels.cuts(node):
            yield from self._cut(node)
        elif node.op_type.startswith("Reorder"):
            yield _reordered(node)
        elif node.op_type == "Upsample":
            yield from self._resized(node)
        else:
            activated = any(one.name == "activation" and one.s for one in node.attribute)
            fused = node.op_type == "Conv" and (activated or _given(node, 3))
            node.op_type = "FusedConv" if fused else node.op_type
            node.domain = _FUSED if fused else ""
            kept = [one for one in node.attribute if not _default(one)]
            del node.attribute[:]
            node.attribute.extend(kept)
            yield node

    def _cut(self, node: Any) -> Iterator[Any]:
        """The first channels alone, and then what a ReorderOutput does with them."""
        from onnx import helper, numpy_helper

        name, places = f"{node.output[0]}_kept", f"{node.output[0]}_places"
        kept = numpy_helper.from_array(np.arange(_channels_left(node)), places)
        self._model.graph.initializer.append(kept)
        yield helper.make_node("Gather", [node.input[0], places], [name], f"{name}_op", axis=1)
        node.input[0] = name
        yield _reordered(node)

    def _resized(self, node: Any) -> Iterator[Any]:
        from onnx import helper, numpy_helper

        version = max(one.version for one in self._model.opset_import if one.domain == "")
        given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        scales = np.asarray(given["scales"], np.float32)
        name = f"{node.output[0]}_scales"
        self._model.graph.initializer.append(numpy_helper.from_array(scales, name))
        mode = given.get("mode", b"nearest").decode()
        way = given.get("coordinate_transformation_mode", b"asymmetric").decode()
        if version < 11:
            inputs, kind, more = [node.input[0], name], "Upsample" if version < 10 else "Resize", {}
        else:
            more = {"coordinate_transformation_mode": way}
            more |= {"nearest_mode": "floor"} if mode == "nearest" else {}
            empty = f"{node.output[0]}_roi"
            if version < 13:
                none = numpy_helper.from_array(np.zeros(0, np.float32), empty)
                self._model.graph.initializer.append(none)
            inputs, kind = [node.input[0], empty if version < 13 else "", name], "Resize"
        yield helper.make_node(kind, inputs, list(node.output), node.name, mode=mode, **more)


class _Channels:
    """How many channels of each tensor only fill up its last block.

    They are those of which every weight that makes or reads them, and every bias, is zero, and no
    more than ReorderOutput leaves out, which knows it. Tensors of one op, and of ops that share a
    weight, have them together.
    """

    def __init__(
        self,
        nodes: list[Any],
        weights: Mapping[str, Array],
        biases: Mapping[str, Array],
        block: int,
    ) -> None:
        self._weights, self._biases, self._size = weights, biases, block
        self._parent: dict[str, str] = {}
        self._limits: list[tuple[str, int]] = []
        self._made: dict[str, int] = {}
        leaving: list[Any] = []
        blocked: set[str] = set()
        for node in nodes:
            if node.domain == DOMAIN and node.op_type == "Conv":
                self._conv(node)
            elif node.op_type == "ReorderOutput":
                leaving.append(node)
            elif node.op_type == "Concat" and blocked.intersection(node.input):
                self._limits += [(name, 0) for name in (*node.input, *node.output)]
            elif node.op_type != "ReorderInput" and blocked.intersection(node.input):
                for name in node.input:
                    self._join(name, node.output[0])
            own = node.domain == DOMAIN and node.op_type != "ReorderOutput"
            if own or (blocked.intersection(node.input) and node.op_type != "ReorderOutput"):
                blocked.update(node.output)
        made = {self._root(name): size for name, size in self._made.items()}
        for node in leaving:
            size = made.get(self._root(node.input[0]))
            self._limits.append((node.input[0], 0 if size is None else size - _channels_left(node)))
        self._filled: dict[str, int] = {}
        for name, most in self._limits:
            root = self._root(name)
            self._filled[root] = min(self._filled.get(root, most), most)
        self._more = {node.output[0] for node in leaving if self._keeps_more(made, node)}

    def _keeps_more(self, made: Mapping[str, int], node: Any) -> bool:
        size = made.get(self._root(node.input[0]))
        return size is not None and size - self.filled(node.input[0]) > _channels_left(node)

    def cuts(self, node: Any) -> bool:
        """Whether a ReorderOutput leaves out channels that are not only filled up."""
        return node.output[0] in self._more

    def filled(self, name: str) -> int:
        """The number of such channels at the end of a tensor."""
        return self._filled.get(self._root(name), 0)

    def _conv(self, node: Any) -> None:
        made, read, name = node.output[0], node.input[0], node.input[1]
        weight = self._weights[name]
        bias = self._biases[node.input[2]] if _given(node, 2) else None
        self._made[made] = len(weight)
        self._limits.append((made, _zeros(weight, bias, self._size)))
        self._join(f"{name} makes", made)
        if _groups(node) > 1:
            self._join(read, made)
        else:
            self._limits.append((read, _zeros(weight.swapaxes(0, 1), None, self._size)))
            self._join(f"{name} reads", read)
        if _given(node, 3):
            self._join(node.input[3], made)

    def _join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self._parent[first] = second

    def _root(self, name: str) -> str:
        while name in self._parent:
            name = self._parent[name]
        return name


def _zeros(weight: Array, bias: Array | None, block: int) -> int:
    """How many rows at the end of a weight are zero, less than a block."""
    used = np.abs(weight).reshape(len(weight), -1).max(axis=1, initial=0) > 0
    if bias is not None:
        used |= bias != 0
    places = np.flatnonzero(used)
    unused = len(weight) - 1 - int(places[-1]) if places.size else 0
    return unused if unused < block else 0


def _reordered(node: Any) -> Any:
    """Between the two layouts: nothing, or a transpose where the other one is NHWC."""
    from onnx import helper

    if not any(one.name == "channels_last" and one.i for one in node.attribute):
        return helper.make_node("Identity", list(node.input), list(node.output), node.name)
    order = [0, 3, 1, 2] if node.op_type == "ReorderInput" else [0, 2, 3, 1]
    return helper.make_node("Transpose", list(node.input), list(node.output), node.name, perm=order)


def _channels_left(node: Any) -> int:
    """How many channels a ReorderOutput leaves."""
    return int(next(one.i for one in node.attribute if one.name == "channels"))


def _given(node: Any, slot: int) -> bool:
    return len(node.input) > slot and bool(node.input[slot])


def _groups(node: Any) -> int:
    return next((one.i for one in node.attribute if one.name == "group"), 1)


def _default(attribute: Any) -> bool:
    """Attributes that say nothing, and that older versions of an op do not have."""
    if attribute.name == "activation":
        return not attribute.s
    return attribute.name in _DEFAULTS and attribute.i == _DEFAULTS[attribute.name]
