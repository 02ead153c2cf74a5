"""ONNX files in integers by ONNX Runtime's own tool, which compute the same on every processor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

# Weights of 7 bits. Kernels for processors without VNNI add two products of an activation and a
# weight in 16 bits, where 2 · 255 · 127 does not fit: with weights of 8 bits, the same file is
# healthy on one processor and whole steps off on another. 2 · 255 · 64 fits.
SEVEN_BITS = {"reduce_range": True}


def static(model: Any, target: Path, images: Iterable[NDArray[Any]], **options: Any) -> Path:
    """The model with ranges that these images have; ``options`` are those of the tool."""
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.feeds = iter([{"image": one} for one in images])

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            return next(self.feeds, None)

    plain = target.with_name(f"{target.stem}_float.onnx")
    onnx.save(model, plain)
    quantization.quantize_static(str(plain), str(target), Reader(), **SEVEN_BITS, **options)
    return target


def dynamic(model: Any, target: Path, per_channel: bool = False) -> Path:
    """The model with activations whose scales are computed as it runs."""
    import onnx
    from onnxruntime import quantization

    plain = target.with_name(f"{target.stem}_float.onnx")
    onnx.save(model, plain)
    quantization.quantize_dynamic(str(plain), str(target), per_channel=per_channel, **SEVEN_BITS)
    return target
