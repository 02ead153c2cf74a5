"""PyTorch's operators and tensors as data: arguments by name, memory, numbers."""

import functools
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from ..contract import Quantization
from ..shared.tracing import plain


class Ref(NamedTuple):
    """A tensor's place in the arguments of a step, by its name."""

    name: str


class Argument(NamedTuple):
    """One argument of an operator's schema."""

    name: str
    default: Any
    is_tensor: bool
    is_written: bool


@dataclass(frozen=True)
class Kept:
    """How a tensor was stored when the module made it: an operator may depend on it."""

    dtype: Any
    shape: Tuple[int, ...]
    stride: Tuple[int, ...]
    quantized: Optional[Quantization]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same structure with ``change`` applied to its tensors and refs."""
    if isinstance(value, Ref) or _is_tensor(value):
        return change(value)
    if isinstance(value, (list, tuple)):
        items = [mapped(item, change) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "is_quantized")


def tensors_in(value: Any) -> List[Any]:
    """The tensors (or the refs that stand for them) in a structure, in order."""
    found: List[Any] = []
    mapped(value, found.append)
    return found


def filler(tensors: Mapping[str, Any]) -> Callable[[Ref], Any]:
    return lambda ref: tensors[ref.name]


def written_by(function: Any, args: Any, kwargs: Any) -> Iterator[Any]:
    """The arguments that the operator writes into."""
    for argument, value in arguments_of(function, args, kwargs):
        if argument.is_written:
            yield from tensors_in(value)


def arguments_of(function: Any, args: Any, kwargs: Any) -> Iterator[Tuple[Argument, Any]]:
    """Every argument of the operator's schema with its value in this call."""
    for place, argument in enumerate(_schema(function)):
        if place < len(args):
            yield argument, args[place]
        else:
            yield argument, kwargs.get(argument.name, argument.default)


@functools.lru_cache(maxsize=None)
def _schema(function: Any) -> Tuple[Argument, ...]:
    return tuple(
        Argument(
            one.name,
            one.default_value,
            "Tensor" in str(one.type),
            one.alias_info is not None and one.alias_info.is_write,
        )
        for one in function._schema.arguments
    )


@functools.lru_cache(maxsize=None)
def makes_tensors(function: Any) -> bool:
    """Whether the operator returns tensors, and not only numbers."""
    return any("Tensor" in str(one.type) for one in function._schema.returns)


def bound(function: Any, args: Any, kwargs: Any) -> Tuple[Tuple[str, ...], Dict[str, Any]]:
    """Tensor inputs in the schema's order, and every other argument under the schema's name."""
    inputs: List[str] = []
    attributes: Dict[str, Any] = {}
    for argument, value in arguments_of(function, args, kwargs):
        refs = tensors_in(value)
        if refs:
            inputs += [one.name for one in refs]
        elif value is None and argument.is_tensor:
            inputs.append("")
        else:
            attributes[argument.name] = plain(value, _text)
    while inputs and not inputs[-1]:
        inputs.pop()
    return tuple(inputs), attributes


def _text(value: Any) -> str:
    """A type or a device as torch writes it; of other things the class: some print an address."""
    text = str(value)
    return text if text.startswith(("torch.", "cpu")) else type(value).__name__


def short_name(function: Any) -> str:
    """The name "conv2d" of "aten.conv2d.default"."""
    return str(function).split(".")[1].strip("_")


def memory_of(tensor: Any) -> int:
    """Where the tensor's memory starts; another number where that is not to be had."""
    try:
        storage = getattr(tensor, "untyped_storage", None) or tensor.storage
        return int(storage().data_ptr()) or -id(tensor)
    except Exception:  # the tensor is opaque: nobody has a view of it
        return -id(tensor)


def kept_of(tensor: Any) -> Kept:
    stride = tuple(tensor.stride()) if _is_strided(tensor) else ()
    return Kept(tensor.dtype, tuple(tensor.shape), stride, _grid(tensor))


def _is_strided(tensor: Any) -> bool:
    return str(tensor.layout) == "torch.strided"


def _grid(tensor: Any) -> Optional[Quantization]:
    if not tensor.is_quantized:
        return None
    if "per_tensor" in str(tensor.qscheme()):
        return Quantization((float(tensor.q_scale()),), (int(tensor.q_zero_point()),))
    scales = tuple(tensor.q_per_channel_scales().tolist())
    zeros = tuple(int(one) for one in tensor.q_per_channel_zero_points().tolist())
    return Quantization(scales, zeros, int(tensor.q_per_channel_axis()))


def packed_in(function: Any, args: Any, kwargs: Any) -> List[Tuple[str, Any]]:
    """Weights that the operator takes in a form of the library's own, unpacked, with names."""
    found: List[Tuple[str, Any]] = []
    for _, value in arguments_of(function, args, kwargs):
        if type(value).__name__ == "ScriptObject" and hasattr(value, "unpack"):
            found += zip(("weight", "bias"), value.unpack())
    return [(name, value) for name, value in found if _is_tensor(value)]


def array_of(tensor: Any) -> np.ndarray:
    """Real numbers, without a copy where that is possible."""
    tensor = tensor.detach()
    if not _is_strided(tensor):  # sparse, or in the form of oneDNN
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()  # type: ignore[no-any-return]


def stored_of(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    return array_of(tensor.int_repr() if tensor.is_quantized else tensor)
