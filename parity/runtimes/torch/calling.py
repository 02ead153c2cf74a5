"""What a torch module's forward takes and returns, as named tensors."""

import inspect
import re
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..contract import TensorSpec


def signature(module: Any) -> Tuple[TensorSpec, ...]:
    """The arguments of forward that must be given."""
    names: List[str] = []
    for name, parameter in inspect.signature(module.forward).parameters.items():
        plain = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        required = plain and parameter.default is parameter.empty
        if required or (parameter.kind is parameter.VAR_POSITIONAL and not names):
            names.append(name)
    return tuple(TensorSpec(name, None, "") for name in names)


def lists(module: Any) -> Set[str]:
    """The arguments of forward that are annotated as lists of tensors."""
    return {
        name
        for name, parameter in inspect.signature(module.forward).parameters.items()
        if re.fullmatch(r"(typing\.)?(list|sequence)\[(torch\.)?tensor\]", _written(parameter))
    }


def _written(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    return (annotation if isinstance(annotation, str) else str(annotation)).lower()


def _of_one_image(value: Any) -> Any:
    """The dictionary of the only image, from a list of them, also beside an empty one of losses."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Mapping):
        value = value[1] if not value[0] else value  # a scripted detector of torchvision
    if isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        if len(value) != 1:
            raise ValueError(f"expected a list of one dictionary, one an image, found {len(value)}")
        return value[0]
    return value


def named(value: Any) -> Dict[str, Any]:
    """One output, or a flat tuple, list, named tuple or dict of them, by name.

    Also the dictionary that is the only one of a list.
    """
    value = _of_one_image(value)
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        fields: Optional[Tuple[str, ...]] = getattr(value, "_fields", None)
        names = fields or [str(index) for index in range(len(value))]
        return dict(zip(names, value))
    return {"0": value}
