"""Files of PyTorch that hold a network in training mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.record.roundtrip import Loss
from parity.suite import Runtime, Suite


def losses(suite: Suite, runtime: Runtime, native: Any) -> Iterator[Loss]:
    """What a file of the suite that is open says of the mode that it was saved in.

    A network that was captured in training mode stays in it, whatever is called later; one that
    was saved in it comes up in it wherever nobody calls eval(), as programs in C++ do.
    """
    file = suite.folder / runtime.table.model
    captured = list(_captured(native))
    if captured:
        yield Loss(
            "training-mode",
            f"BatchNorm in training mode: {file.name} of {runtime.name} was captured in it "
            f"({_counted(len(captured))}), so it normalises by the batch's own statistics and "
            f"eval() does not change that; call eval() before it is traced or exported",
        )
        return
    saved = _saved(suite, runtime, native)
    if saved:
        yield Loss(
            "training-mode",
            f"BatchNorm in training mode: {file.name} of {runtime.name} was saved in it "
            f"({_counted(saved)}), so it normalises by the batch's own statistics wherever eval() "
            f"is not called; call eval() before it is saved",
        )


def _counted(layers: int) -> str:
    return "1 layer" if layers == 1 else f"{layers} layers"


def _captured(native: Any) -> Iterator[str]:
    """Batch norms with running statistics whose training flag is a constant of the graph.

    Without any, as in an instance norm, there is nothing else to normalise by in either mode.
    """
    graph = getattr(native, "inlined_graph", None)
    if graph is not None:  # TorchScript: batch_norm(input, weight, bias, mean, var, training, ...)
        for node in graph.findAllNodes("aten::batch_norm"):
            mean, flag = (list(node.inputs())[place] for place in (3, 5))
            constant = flag.node().kind() == "prim::Constant"
            if constant and flag.toIValue() and mean.type().kind() != "NoneType":
                yield node.kind()
        return
    graph = getattr(native, "graph", None)
    for node in getattr(graph, "nodes", ()):
        name = str(getattr(node, "target", ""))
        if "batch_norm" not in name or "no_stats" in name or node.op != "call_function":
            continue
        if len(node.args) > 3 and node.args[3] is None:  # the running mean
            continue
        # A functional batch norm gives its new statistics back, as only training needs them.
        flags = [one for one in node.args if isinstance(one, bool)]
        if "_functional" in name or (flags and flags[0]):
            yield name


def _saved(suite: Suite, runtime: Runtime, native: Any) -> int:
    """Batch norms of a file that come up in training mode when nobody calls eval()."""
    import torch

    path = str(suite.folder / runtime.table.model)
    if hasattr(native, "inlined_graph"):
        fresh = torch.jit.load(path, map_location="cpu")
    elif runtime.table.trust and isinstance(native, torch.nn.Module) and not _is_program(native):
        fresh = torch.load(path, map_location="cpu", weights_only=False)
    else:
        return 0
    with_mean = (one for one in _training(fresh) if getattr(one, "running_mean", None) is not None)
    kinds = (getattr(one, "original_name", type(one).__name__) for one in with_mean)
    return sum("BatchNorm" in kind for kind in kinds)


def _training(module: Any) -> Iterator[Any]:
    return (one for one in module.modules() if getattr(one, "training", False))


def _is_program(native: Any) -> bool:
    return hasattr(native, "graph") and hasattr(native, "code")
