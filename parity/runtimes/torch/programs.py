"""An exported program: opened, so that what torch only logs of a failure is raised; described."""

import logging
from typing import Any, List, Mapping, Tuple

from ..contract import TensorSpec
from . import calling


class _Told(logging.Filter):
    """Keeps the exceptions that a logger tells, and takes their tracebacks off the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: List[BaseException] = []

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.errors.append(error)
        return error is None


def load(torch: Any, path: str) -> Any:
    """``torch.export.load``; the cause stands in its log, and it raises "check the warnings"."""
    log, told = logging.getLogger("torch.export"), _Told()
    log.addFilter(told)
    try:
        return torch.export.load(path)
    except Exception as error:
        raise (told.errors or [error])[0] from None
    finally:
        log.removeFilter(told)


def specs(torch: Any, program: Any) -> Tuple[Tuple[TensorSpec, ...], Tuple[TensorSpec, ...]]:
    """Inputs and outputs as a program declares them. Raises ValueError for what cannot be fed."""
    nodes = {node.name: node for node in program.graph.nodes}
    names = list(program.graph_signature.user_inputs)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("an input is a constant, not a tensor")
    inputs = tuple(_spec(name, nodes[name]) for name in names)
    positional, named = _children(program.call_spec.in_spec)
    if _children(named) or any(_children(leaf) for leaf in _children(positional)):
        raise ValueError("its inputs are nested; only positional tensors can be fed")
    leaves = [nodes.get(str(name)) for name in program.graph_signature.user_outputs]
    tree = torch.utils._pytree.tree_unflatten(leaves, program.call_spec.out_spec)
    flat = calling.named(tree).items()
    return inputs, tuple(_spec(name, node) for name, node in flat if node is not None)


def _spec(name: str, node: Any) -> TensorSpec:
    if isinstance(node, (Mapping, list, tuple)) or "val" not in getattr(node, "meta", {}):
        raise ValueError(f"{name!r} is not a tensor: only flat outputs can be bound")
    value = node.meta["val"]
    shape = tuple(int(size) if isinstance(size, int) else None for size in value.shape)
    return TensorSpec(name, shape, str(value.dtype).replace("torch.", ""))


def _children(tree: Any) -> List[Any]:
    """The children of a tree specification: a method in newer versions of torch."""
    return list(tree.children() if hasattr(tree, "children") else tree.children_specs)
