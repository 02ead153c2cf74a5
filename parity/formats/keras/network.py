"""What a Keras configuration says of its network: layers, inputs, outputs."""

from typing import Any, Dict, Iterator, List

from ..contents import Contents, Tensor
from ..shapes import counted
from ..source import Unreadable


def described(config: Any) -> Contents:
    """The network alone; how many numbers it holds stands elsewhere."""
    if not isinstance(config, dict) or "class_name" not in config:
        raise Unreadable("its configuration names no class")
    inner = config.get("config")
    inner = inner if isinstance(inner, dict) else {}
    layers = [one for one in inner.get("layers", ()) if isinstance(one, dict)]
    facts = {
        "class": str(config["class_name"]),
        "name": str(inner.get("name", "")),
        "layers": counted(str(one.get("class_name")) for one in _flat(layers)),
    }
    return Contents(
        "",
        facts,
        tuple(_inputs(layers)),
        tuple(Tensor(name) for name in _ends(inner.get("output_layers")) or _last(layers)),
    )


def _flat(layers: List[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Every layer, those of nested models too."""
    todo = list(reversed(layers))
    while todo:
        layer = todo.pop()
        yield layer
        config = layer.get("config")
        inner = config.get("layers", ()) if isinstance(config, dict) else ()
        todo += [one for one in inner if isinstance(one, dict)]


def _inputs(layers: List[Dict[str, Any]]) -> Iterator[Tensor]:
    for layer in layers:
        if layer.get("class_name") != "InputLayer":
            continue
        config = layer.get("config", {})
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        name, dtype = str(config.get("name", "")), config.get("dtype")
        if isinstance(dtype, dict):  # a dtype policy
            dtype = dtype.get("config", {}).get("name", "")
        sizes = None
        if isinstance(shape, list):
            sizes = tuple(one if isinstance(one, int) else None for one in shape)
        yield Tensor(name, str(dtype or ""), sizes)


def _ends(value: Any) -> List[str]:
    """Names in [["layer", 0, 0], ...], in one such triple, or in a dict of them."""
    if isinstance(value, dict):
        return [str(name) for name in value]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [value[0]]
    return [name for one in value for name in _ends(one)] if isinstance(value, list) else []


def _last(layers: List[Dict[str, Any]]) -> List[str]:
    """A sequential model ends with its last layer."""
    config = layers[-1].get("config") if layers else None
    return [str(config.get("name", ""))] if isinstance(config, dict) else []
