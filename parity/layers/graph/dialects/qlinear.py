"""ONNX ops that compute in integers: which inputs are operands, which are scales and zero points.

Sources: QLinearConv and QLinearMatMul of the ONNX operator specification; the others of the
com.microsoft domain, from ONNX Runtime's list of contributed operators.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scaled:
    """Input slots of a QLinear op. ``inputs`` are (operand, scale, zero point) each, the weight
    second where there is one; ``output`` is (scale, zero point); ``bias`` and ``plain`` operands
    have neither, -1 and () where there are none. ``floats`` is the float op of the same meaning.
    A slot of -1 is none: ConvInteger and MatMulInteger leave scales to the ops around them, and
    DynamicQuantizeMatMul takes the scale of its operand from the values. The bias of what makes
    floats (``output`` is (-1, -1)) is of floats too.
    """

    floats: str
    inputs: tuple[tuple[int, int, int], ...]
    output: tuple[int, int]
    bias: int = -1
    plain: tuple[int, ...] = ()

    @property
    def operands(self) -> tuple[int, ...]:
        """The slots that the float op reads, in its order."""
        bias = (self.bias,) if self.bias >= 0 else ()
        return (*self.plain, *(slots[0] for slots in self.inputs), *bias)


_ONE = ((0, 1, 2),)
_TWO = ((0, 1, 2), (3, 4, 5))
_OPS = {
    "QLinearConv": Scaled("Conv", _TWO, (6, 7), bias=8),
    "QLinearMatMul": Scaled("MatMul", _TWO, (6, 7)),
    "QGemm": Scaled("Gemm", _TWO, (7, 8), bias=6),
    "ConvInteger": Scaled("Conv", ((0, -1, 2), (1, -1, 3)), (-1, -1)),
    "MatMulInteger": Scaled("MatMul", ((0, -1, 2), (1, -1, 3)), (-1, -1)),
    "DynamicQuantizeMatMul": Scaled("MatMul", ((0, -1, -1), (1, 2, 3)), (-1, -1), bias=4),
    "MatMulIntegerToFloat": Scaled("MatMul", ((0, 2, 4), (1, 3, 5)), (-1, -1), bias=6),
    "QLinearAdd": Scaled("Add", _TWO, (6, 7)),
    "QLinearMul": Scaled("Mul", _TWO, (6, 7)),
    "QLinearWhere": Scaled("Where", ((1, 2, 3), (4, 5, 6)), (7, 8), plain=(0,)),
    "QLinearLeakyRelu": Scaled("LeakyRelu", _ONE, (3, 4)),
    "QLinearSigmoid": Scaled("Sigmoid", _ONE, (3, 4)),
    "QLinearSoftmax": Scaled("Softmax", _ONE, (3, 4)),
    "QLinearAveragePool": Scaled("AveragePool", _ONE, (3, 4)),
    "QLinearGlobalAveragePool": Scaled("GlobalAveragePool", _ONE, (3, 4)),
    "QLinearReduceMean": Scaled("ReduceMean", _ONE, (3, 4)),
}


def operands(kind: str, inputs: int) -> Scaled | None:
    """The slots of an op of so many inputs; None where it is no QLinear op."""
    if kind == "QLinearConcat":
        listed = tuple((slot, slot + 1, slot + 2) for slot in range(2, inputs - 2, 3))
        return Scaled("Concat", listed, (0, 1))
    return _OPS.get(kind)


def zero_point(kind: str, inputs: int) -> int | None:
    """The slot of the zero point of what an op makes; None where it makes no integers."""
    if kind == "QuantizeLinear":
        return 2
    found = operands(kind, inputs)
    return None if found is None or found.output[1] < 0 else found.output[1]
