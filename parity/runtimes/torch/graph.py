"""A torch module op by op, as PyTorch's own dispatcher sees it while the module runs as deployed.

A dispatch mode sees every operator of a module, a TorchScript file or an exported program alike, at
the level that their authors wrote ("aten.conv2d.default"), and changes nothing: the operators that
it sees are the run. What Python or the script decides on the way is followed for each image anew.

Source: the PyTorch notes on extending torch, "All __torch_dispatch__ modes". In inference mode
composite operators arrive whole.
"""

import contextlib
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Mapping, Tuple

import numpy as np

from ..contract import AdapterError, Feeds, Graph, Op
from ..shared.tracing import Tracer, cannot_trace
from .operators import Kept, Ref, array_of, filler, mapped, stored_of, tensors_in, written_by
from .recording import Recorder

Run = Callable[[List[Any]], Mapping[str, Any]]


class TorchTracer(Tracer):
    """A module and ``run``, which calls it as the deployment does and names its heads."""

    def __init__(
        self,
        torch: Any,
        module: Any,
        run: Run,
        pinned: Any,
        inputs: Tuple[str, ...],
        example: Feeds,
    ) -> None:
        self._torch, self._module, self._pinned = torch, module, pinned
        self._call, self._inputs = run, inputs
        self._named = dict(_constants(module))
        self._varying: FrozenSet[str] = frozenset()
        # A TorchScript file observes its first run and rewrites itself before the second.
        first, second = self._record(_another(example)), self._record(example)
        self._varying = _varying(first, second)
        seen = self._record(example)
        self._steps, self._kept, self._own = seen.steps, seen.kept, seen.constants
        self.graph = Graph(
            format="torch",
            ops=tuple(seen.ops),
            inputs=inputs,
            outputs=seen.heads,
            constants={name: stored_of(one) for name, one in seen.read.items()},
            quantization=seen.quantization(),
            problems=dict(seen.problems),
        )

    def _record(self, feeds: Feeds) -> Recorder:
        torch = self._torch
        tensors = [torch.from_numpy(np.array(feeds[name])) for name in self._inputs]
        seen = Recorder(dict(zip(self._inputs, tensors)), self._named, self._varying)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._pinned())
            stack.enter_context(torch.inference_mode())
            stack.enter_context(_scopes(self._module, seen.scope))
            stack.enter_context(_mode(seen.see))
            heads = self._call(tensors)
        seen.finish(heads)
        return seen

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Run the module once, then hand out what its operators made; each is let go of after."""
        seen = self._record(feeds)
        self._check_same(seen)
        self._steps, self._own = seen.steps, seen.constants
        values = seen.values
        seen.forget()
        for name in list(values):
            yield name, array_of(values.pop(name))

    def _check_same(self, seen: Recorder) -> None:
        """The graph must hold for this image too."""
        for mine, other in zip(self.graph.ops, seen.ops):
            if (mine.kind, mine.inputs, mine.outputs) != (other.kind, other.inputs, other.outputs):
                why = f"op {mine.index} is {mine.name} ({mine.kind}) in the graph"
                raise self._differs(f"{why} and {other.name} ({other.kind})")
        if len(self.graph.ops) != len(seen.ops):
            raise self._differs(f"{len(self.graph.ops)} ops in the graph and {len(seen.ops)}")
        for name in seen.foreign:
            if seen.read[name] is self._own[name]:
                continue
            if not np.array_equal(self.graph.constants[name], stored_of(seen.read[name])):
                raise self._differs(f"the constant {name} has other values in the graph than")

    def _differs(self, how: str) -> AdapterError:
        why = f"the network depends on the image: {how} for this one"
        return cannot_trace("torch", why)

    def run_op(self, op: Op, feeds: Feeds) -> Dict[str, np.ndarray]:
        """One operator by itself, on tensors stored as the module's own were."""
        step = self._steps[op.index]
        if step is None:
            raise ValueError("nobody saw how it was made")
        tensors = {name: self._tensor(array, self._kept[name]) for name, array in feeds.items()}
        written = set(written_by(step.function, step.args, step.kwargs))
        for name in op.inputs:
            if name and name not in tensors:
                tensors[name] = self._own[name].clone() if Ref(name) in written else self._own[name]
        fill = filler(tensors)
        with self._pinned(), self._torch.inference_mode():
            result = step.function(*mapped(step.args, fill), **mapped(step.kwargs, fill))
        return dict(zip(op.outputs, map(array_of, tensors_in(result))))

    def _tensor(self, array: np.ndarray, kept: Kept) -> Any:
        torch = self._torch
        tensor = torch.from_numpy(np.array(array, order="C"))
        grid = kept.quantized
        if grid is not None:
            (scale,), (zero_point,) = grid.scale, grid.zero_point
            return torch.quantize_per_tensor(tensor.float(), scale, zero_point, kept.dtype)
        tensor = tensor.to(kept.dtype)
        same = tuple(tensor.shape) == kept.shape and tensor.stride() != kept.stride
        if not same or 0 in kept.stride:
            return tensor
        return torch.empty_strided(kept.shape, kept.stride, dtype=kept.dtype).copy_(tensor)


def _mode(see: Callable[[Any, Any, Any], Any]) -> Any:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Mode(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return see(function, args, kwargs or {})

    return Mode()


@contextlib.contextmanager
def _scopes(module: Any, scope: List[Tuple[str, bool]]) -> Iterator[None]:
    """Keep the path of the running submodule in ``scope``; compiled modules have none."""
    handles = []
    for path, child in module.named_modules():
        if not path or type(child).__name__ in ("RecursiveScriptModule", "InterpreterModule"):
            continue
        place = (path, not any(True for _ in child.children()))
        handles.append(child.register_forward_pre_hook(lambda *_, _at=place: scope.append(_at)))
        handles.append(child.register_forward_hook(lambda *_: scope.pop() and None))
    try:
        yield
    finally:
        scope.clear()
        for handle in handles:
            handle.remove()


def _another(example: Feeds) -> Feeds:
    """Another image of the same size: the example mirrored, at half of its values."""
    return {
        name: (np.asarray(array)[..., ::-1] / 2).astype(array.dtype)
        for name, array in example.items()
    }


def _varying(first: Recorder, second: Recorder) -> FrozenSet[str]:
    """What no operator made and yet is another one for another image."""
    return frozenset(
        name
        for name in set(first.foreign) & set(second.foreign)
        if not np.array_equal(stored_of(first.constants[name]), stored_of(second.constants[name]))
    )


def _constants(module: Any) -> Iterator[Tuple[str, Any]]:
    yield from module.named_parameters()
    yield from module.named_buffers()
