"""A subject that runs some ops of two formats in numpy: to test what is above runtimes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from parity.layers.numbers.grids import Grid
from parity.runtimes.contract import Graph, Op
from parity.tensors import Array


def windows(x: Array, kernel: tuple[int, int], stride: int) -> Array:
    """(N, H, W, C) → (N, h, w, C, kh, kw)."""
    view = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    return view[:, ::stride, ::stride]


def conv_nhwc(
    x: Array, weight: Array, bias: Array, stride: int, pads: int, depthwise: bool
) -> Array:
    """``weight`` (out, kh, kw, in), or (1, kh, kw, channels) for a depthwise one."""
    x = np.pad(x, ((0, 0), (pads, pads), (pads, pads), (0, 0)))
    seen = windows(x, weight.shape[1:3], stride)
    if depthwise:
        return np.einsum("nhwckl,klc->nhwc", seen, weight[0], optimize=True) + bias
    return np.einsum("nhwckl,oklc->nhwo", seen, weight, optimize=True) + bias


def run_op(graph_format: str, op: Op, args: list[Array]) -> Array:
    """What the op makes of its arguments."""
    given = op.attributes
    simple = {
        "relu": lambda: np.maximum(args[0], 0),
        "relu6": lambda: np.clip(args[0], 0, 6),
        "clip": lambda: np.clip(args[0], args[1], args[2]),
        "sigmoid": lambda: 1 / (1 + np.exp(-args[0])),
        "logistic": lambda: 1 / (1 + np.exp(-args[0])),
        "add": lambda: args[0] + args[1],
        "mul": lambda: args[0] * args[1],
        "identity": lambda: args[0],
        "transpose": lambda: args[0].transpose(given["perm"]),
        "reshape": lambda: args[0].reshape(given["shape"]),
        "concat": lambda: np.concatenate(args, axis=given["axis"]),
        "concatenation": lambda: np.concatenate(args, axis=given["axis"]),
        "matmul": lambda: args[0] @ args[1],
        "pad": lambda: np.pad(args[0], given["pads"]),
        "nan": lambda: np.where(args[0] == args[0].max(), np.nan, args[0]),
        "shape": lambda: np.array(args[0].shape),
    }
    kind = op.kind.lower()
    if kind in simple:
        return np.asarray(simple[kind]())
    stride, pads = given.get("stride", 1), given.get("pad", 0)
    if graph_format == "onnx" and kind == "conv":
        deep = given.get("group", 1) > 1
        weight = args[1].transpose((1, 2, 3, 0) if deep else (0, 2, 3, 1))
        made = conv_nhwc(args[0].transpose(0, 2, 3, 1), weight, args[2], stride, pads, deep)
        return made.transpose(0, 3, 1, 2)
    if kind in ("conv_2d", "depthwise_conv_2d"):
        return conv_nhwc(args[0], args[1], args[2], stride, pads, kind.startswith("depth"))
    raise ValueError(f"no kernel for {op.kind}")


class NumpySubject:
    """Runs its graph as it is; ``uncut`` op kinds refuse to run alone."""

    grids: Mapping[str, Grid] = {}
    steady = False

    def __init__(self, graph: Graph, uncut: tuple[str, ...] = ()) -> None:
        self.graph = graph
        self.uncut = uncut
        self.replays = 0

    def trace(self, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        values: dict[str, Array] = {**self.graph.constants, **feeds}
        for op in self.graph.ops:
            made = run_op(self.graph.format, op, [values[name] for name in op.inputs])
            values[op.outputs[0]] = made
            yield op.outputs[0], made

    def clean(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        values = dict(self.trace(feeds))
        return {name: values[name] for name in self.graph.outputs}

    def replay(self, feeds: Mapping[int, Mapping[str, Array]]) -> dict[int, dict[str, Array] | str]:
        self.replays += 1
        answers: dict[int, dict[str, Array] | str] = {}
        for index, given in feeds.items():
            op = self.graph.ops[index]
            if op.kind in self.uncut:
                answers[index] = f"{op.kind} cannot run alone"
                continue
            values = {**self.graph.constants, **given}
            args = [values[name] for name in op.inputs]
            answers[index] = {op.outputs[0]: run_op(self.graph.format, op, args)}
        return answers

    def close(self) -> None:
        pass


class Net:
    """Builds a graph op by op; names are given by the builder so that they can lie."""

    def __init__(self, graph_format: str, prefix: str = "t") -> None:
        self.format, self.prefix = graph_format, prefix
        self.ops: list[Op] = []
        self.constants: dict[str, Array] = {}

    def constant(self, value: Any) -> str:
        name = f"{self.prefix}_c{len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype=np.float32)
        return name

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"{self.prefix}_{len(self.ops)}"
        index = len(self.ops)
        self.ops.append(Op(index, f"{output}_op", kind, inputs, (output,), attributes))
        return output

    def conv(self, x: str, weight: Array, bias: Array | None = None, **attributes: Any) -> str:
        """``weight`` (out, in, kh, kw), or (channels, 1, kh, kw) with group = channels."""
        bias = np.zeros(len(weight)) if bias is None else bias
        deep = attributes.get("group", 1) > 1
        if self.format == "onnx":
            return self.op("Conv", x, self.constant(weight), self.constant(bias), **attributes)
        order = (1, 2, 3, 0) if deep else (0, 2, 3, 1)
        kind = "DEPTHWISE_CONV_2D" if deep else "CONV_2D"
        attributes.pop("group", None)
        stored = self.constant(weight.transpose(order))
        return self.op(kind, x, stored, self.constant(bias), **attributes)

    def relu(self, x: str) -> str:
        return self.op("Relu" if self.format == "onnx" else "RELU", x)

    def add(self, x: str, y: str) -> str:
        return self.op("Add" if self.format == "onnx" else "ADD", x, y)

    def concat(self, *xs: str, axis: int) -> str:
        return self.op("Concat" if self.format == "onnx" else "CONCATENATION", *xs, axis=axis)

    def transpose(self, x: str, *perm: int) -> str:
        return self.op("Transpose" if self.format == "onnx" else "TRANSPOSE", x, perm=perm)

    def reshape(self, x: str, *shape: int) -> str:
        return self.op("Reshape" if self.format == "onnx" else "RESHAPE", x, shape=shape)

    def graph(self, *outputs: str, inputs: tuple[str, ...] = ("image",)) -> Graph:
        return Graph(self.format, tuple(self.ops), inputs, outputs, dict(self.constants))


def damaged(graph: Graph, constant: str, value: Array) -> Graph:
    """The graph with one constant replaced."""
    return replace(graph, constants={**graph.constants, constant: value})
