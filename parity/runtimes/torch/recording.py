"""Takes down one run of a torch module, operator by operator."""

from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

from ..contract import Op, Quantization
from ..shared.tracing import Names, cannot_trace, outputs_of
from .operators import (
    Kept,
    Ref,
    arguments_of,
    bound,
    kept_of,
    makes_tensors,
    mapped,
    memory_of,
    packed_in,
    short_name,
    tensors_in,
    written_by,
)

_PART = "writes into a part of {}; run alone, it makes only that part"
_DECIDING = ("_local_scalar_dense", "item", "is_nonzero", "equal", "allclose")
_TAKEN_OUT = "{} takes a number out of a tensor; what follows may be another one for each image"
_OUTSIDE = "{} depends on the image but was made outside of PyTorch's operators, nobody saw how"


@dataclass(frozen=True)
class Step:
    """One operator with its arguments, tensors being named."""

    function: Any
    args: Any
    kwargs: Any


class Recorder:
    """Takes down every operator of one run: steps, ops, and what they made.

    A tensor that no operator made is a constant, named by who reads it (``foreign``); but one of
    ``varying`` is known to be another one for another image.
    """

    def __init__(
        self, inputs: Mapping[str, Any], named: Mapping[str, Any], varying: Collection[str] = ()
    ) -> None:
        self.ops: List[Op] = []
        self.steps: List[Optional[Step]] = []
        self._varying = varying
        self.kept: Dict[str, Kept] = {}
        self.constants = dict(named)
        self.foreign: List[str] = []
        self.read: Dict[str, Any] = {}
        self.values: Dict[str, Any] = {}
        self.problems: Dict[int, str] = {}
        self.heads: Tuple[str, ...] = ()
        self.scope: List[Tuple[str, bool]] = []
        self._names = Names()
        self._by_id: Dict[int, str] = {}
        # By memory, who has it. An id is a tensor's only as long as the tensor lives.
        self._holders: Dict[int, List[Tuple[str, Any]]] = {}
        self._stale: Dict[int, int] = {}  # tensors whose memory an op has written into, by id
        for name, tensor in [*inputs.items(), *named.items()]:
            self._names.take(name)
            self._know(name, tensor)

    def _know(self, name: str, tensor: Any) -> None:
        self._by_id[id(tensor)] = name
        self._holders.setdefault(memory_of(tensor), []).append((name, tensor))
        self.kept[name] = kept_of(tensor)
        self._stale.pop(id(tensor), None)

    def see(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Called by the dispatcher in place of each operator."""
        if not self._matters(function, args, kwargs):
            return function(*args, **kwargs)
        name = self._names.take(self._place(function, args, kwargs))
        for argument, value in arguments_of(function, args, kwargs):
            for tensor in tensors_in(value):
                self._read(tensor, f"{name}.{argument.name}")
        index = len(self.ops)
        refs = mapped((args, kwargs), lambda tensor: Ref(self._by_id[id(tensor)]))
        self._overwrite(index, list(written_by(function, args, kwargs)))
        result = function(*args, **kwargs)
        made = tensors_in(result)
        outputs = outputs_of(name, len(made))
        for output, tensor in zip(outputs, made):
            self.values[output] = tensor
            self._know(output, tensor)
        if not made:
            self.problems[index] = _TAKEN_OUT.format(function)
        self.steps.append(Step(function, *refs))
        inputs, attributes = bound(function, *refs)
        inputs += self._unpacked(name, packed_in(function, args, kwargs))
        self.ops.append(Op(index, name, str(function), inputs, outputs, attributes))
        return result

    def _unpacked(self, name: str, weights: List[Tuple[str, Any]]) -> Tuple[str, ...]:
        """Weights that are no tensors of their own, as constants beside the op."""
        names = []
        for wanted, tensor in weights:
            names.append(self._names.take(f"{name}.{wanted}"))
            self.kept[names[-1]] = kept_of(tensor)
            self.constants[names[-1]] = self.read[names[-1]] = tensor
        return tuple(names)

    def _matters(self, function: Any, args: Any, kwargs: Any) -> bool:
        """Whether it makes a tensor, or a number out of one that is not constant."""
        if makes_tensors(function):
            return True
        names = [self._by_id.get(id(tensor)) for tensor in tensors_in((args, kwargs))]
        known = {*self.constants, None}
        return short_name(function) in _DECIDING and any(name not in known for name in names)

    def _read(self, tensor: Any, wanted: str) -> None:
        if id(tensor) not in self._by_id:
            self._meet(tensor, self._names.take(wanted))
        if id(tensor) in self._stale:
            self._renew(tensor)
        name = self._by_id[id(tensor)]
        if name in self.constants:
            self.read[name] = self.constants[name]

    def _meet(self, tensor: Any, name: str) -> None:
        """A tensor that no operator made."""
        self._know(name, tensor)
        if name not in self._varying:
            self.foreign.append(name)
            self.constants[name] = tensor
            return
        index = len(self.ops)
        self.values[name] = tensor
        self.problems[index] = _OUTSIDE.format(name)
        self.steps.append(None)
        self.ops.append(Op(index, name, "python", (), (name,)))

    def _renew(self, tensor: Any) -> None:
        """What is read after an op has written into a part of it is one more output of that op."""
        old, writer = self._by_id[id(tensor)], self.ops[self._stale[id(tensor)]]
        new = self._names.take(f"{old}@{writer.name}")
        inputs, outputs = (*writer.inputs, old), (*writer.outputs, new)
        self.ops[writer.index] = replace(writer, inputs=inputs, outputs=outputs)
        self.problems[writer.index] = _PART.format(old)
        self.values[new] = tensor
        self._know(new, tensor)

    def _overwrite(self, index: int, written: List[Any]) -> None:
        """Save what is about to be overwritten, and remember who holds that memory."""
        own = {id(tensor) for tensor in written}
        for memory in {memory_of(tensor) for tensor in written}:
            for name, tensor in self._holders.get(memory, ()):
                if name in self.values and self.values[name] is tensor:
                    self.values[name] = tensor.clone()
                if id(tensor) not in own:
                    self._stale[id(tensor)] = index

    def _place(self, function: Any, args: Any, kwargs: Any) -> str:
        """A name for people: the module that the operator is in, or that its weight belongs to."""
        kind = short_name(function)
        if self.scope:
            path, leaf = self.scope[-1]
            return path if leaf else f"{path}.{kind}"
        for tensor in tensors_in((args, kwargs)):
            name = self._by_id.get(id(tensor), "")
            if name in self.constants and name not in self.foreign and "." in name:
                return name.rpartition(".")[0]
        return kind

    def finish(self, heads: Mapping[str, Any]) -> None:
        """Which tensors are the heads."""
        for name, tensor in heads.items():
            if id(tensor) not in self._by_id:
                why = f"output {name!r} was made outside of PyTorch's operators"
                raise cannot_trace("torch", why)
            self._read(tensor, name)
        self.heads = tuple(self._by_id[id(tensor)] for tensor in heads.values())
        self.values = {name: self.values[name] for op in self.ops for name in op.outputs}

    def quantization(self) -> Dict[str, Quantization]:
        """Scale and zero point of every quantised tensor."""
        found = {}
        for name, kept in self.kept.items():
            if kept.quantized is not None:
                found[name] = kept.quantized
        return found

    def forget(self) -> None:
        """Let go of everything but ``values``."""
        self._holders.clear()
        self._by_id.clear()
        self.values = {}
