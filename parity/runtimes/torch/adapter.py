"""PyTorch: a state dict for a factory's module, a TorchScript file, or a ``.pt2``.

``model`` is "module:factory" (then ``weights`` is the state dict's file), or a file; which of the
two file kinds it is, its content tells. Options: ``threads`` (1), ``device`` ("cpu"; as torch
writes it, "cuda:0").

A module that takes a list of images (C, H, W), as torchvision's detectors do, is fed the batch as
such a list where its forward is annotated so; one that returns a list of one dictionary gives its
tensors.
"""

import contextlib
import inspect
import pickle
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

import numpy as np

from ...formats import Content
from ..contract import AdapterError, Artifact, Feeds, TensorSpec
from ..shared import resolve, tracing
from ..shared.feeds import check_feeds
from ..shared.libraries import blaming, open_library
from ..shared.loading import Loading, quiet
from ..shared.machine import machine
from ..shared.reasons import reason
from ..shared.refusals import memory_facts, of_memory
from . import calling, devices, files, programs, refusals, state_dicts
from .descriptor import DESCRIPTOR, LIBRARY

_EXPECTED = "a TorchScript file or a torch exported program (.pt2)"
_EXPECTED_WEIGHTS = "a torch state dict"


class Torch(tracing.TracedAdapter):
    """One module in evaluation mode."""

    kind = "torch"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        self._inputs: Tuple[TensorSpec, ...] = ()
        self._outputs: Tuple[TensorSpec, ...] = ()
        self._lists: Set[str] = set()
        if re.fullmatch(r"[\w.]+:[\w.]+", artifact.model):
            self.form = "state dict"
            self._open = self._from_factory
        else:
            kinds = ("torchscript", "pt2") + (("pickle",) if artifact.trust else ())
            self._found = files.examined(artifact, artifact.model, kinds, _EXPECTED).content
            self.form = self._found.kind
            self._open = {
                "torchscript": self._from_script,
                "pt2": self._from_program,
                "pickle": self._from_pickle,
            }[self.form]
        self._library = open_library(LIBRARY)
        with blaming(LIBRARY):  # it imports, and only warns where numpy is too new for it
            self._library.from_numpy(np.zeros(1))
        self._device = devices.device(self._library, self.options["device"])
        with self._pinned() as self._threads, quiet():
            module = self._open()
            self._module = module if self._device.type == "cpu" else module.to(self._device)

    def check_applied(self) -> None:
        """Raise where the module's weights are not on the device that was asked for."""
        devices.check(self.options["device"], self._device, self._module)

    def _from_factory(self) -> Any:
        path = self.artifact.weights
        if path is None:
            with contextlib.suppress(AdapterError):
                module = self._built()
                if not module.state_dict():  # then there is nothing to read
                    return self._evaluated(module)
            raise AdapterError(
                "missing-weights", path=None, missing=(), unexpected=(), mismatched=()
            )
        resolve.resolve(self.artifact.model, self.artifact.folder)  # said before the file is read
        kinds = ("state-dict", "pickle") if self.artifact.trust else ("state-dict",)
        found, protocol = files.examined(self.artifact, path, kinds, _EXPECTED_WEIGHTS)
        with self._loading(path, _EXPECTED_WEIGHTS, found):
            saved = self._saved(path, found.kind == "state-dict", protocol)
        state = state_dicts.state_dict(saved, path)
        _expect_numbers(state, path)
        module = self._built()
        state_dicts.check_fits(module.state_dict(), state, path)
        with self._loading(path, _EXPECTED_WEIGHTS, found):
            module.load_state_dict(state.tensors, strict=True)
        return self._evaluated(module)

    def _saved(self, path: str, only: bool, protocol: int) -> Any:
        """What the file holds; as weights alone torch reads no frames of pickles (protocol 4)."""
        framed = protocol >= 4
        how = self._restricted(only and not (framed and self.artifact.trust))
        try:
            return self._library.load(path, map_location="cpu", **how)
        except pickle.UnpicklingError as error:
            if not (framed and "Unsupported operand" in str(error)):
                raise
            raise ValueError(
                f"it is pickled with protocol {protocol}, which torch does not read as weights "
                f"alone: save it again with torch.save as it is (pickle_protocol=2), or say "
                f"trust = true"
            ) from error

    def _restricted(self, only: bool) -> Dict[str, Any]:
        """How pickles are loaded: as weights only, unless what they call is trusted."""
        if "weights_only" in inspect.signature(self._library.load).parameters:
            return {"weights_only": only}
        if only and not self.artifact.trust:
            raise ValueError(
                f"torch {self._library.__version__} cannot load pickles as weights only, as 1.13 "
                f"and newer do; save the module as TorchScript, or say trust = true"
            )
        return {}

    def _from_pickle(self) -> Any:
        with self._loading(self.artifact.model, _EXPECTED, self._found):
            how = self._restricted(False)
            module = self._library.load(self.artifact.model, map_location="cpu", **how)
            if not isinstance(module, self._library.nn.Module):
                raise ValueError(f"it holds a {type(module).__name__}, not a module")
            return self._evaluated(module)

    def _evaluated(self, module: Any) -> Any:
        self._inputs = calling.signature(module)
        self._lists = calling.lists(module)
        return module.cpu().eval()

    def _built(self) -> Any:
        """What the factory returns."""
        build = resolve.resolve(self.artifact.model, self.artifact.folder)
        with resolve.siblings(self.artifact.folder):
            try:
                module = build()
            except (Exception, SystemExit) as error:
                if of_memory(error):
                    facts = memory_facts("built the network")
                    why = reason(error)
                    raise AdapterError("out-of-memory", reason=why, **facts) from error
                raise AdapterError(
                    "factory-failed",
                    reference=self.artifact.model,
                    reason=f"it raised {reason(error)}",
                ) from error
        if not isinstance(module, self._library.nn.Module):
            why = f"it returned a {type(module).__name__}, not a torch.nn.Module"
            raise AdapterError("factory-failed", reference=self.artifact.model, reason=why)
        return module

    def _from_script(self) -> Any:
        with self._loading(self.artifact.model, _EXPECTED, self._found):
            module = self._library.jit.load(self.artifact.model, map_location="cpu")
            every = module.forward.schema.arguments[1:]
            arguments = [one for one in every if not one.has_default_value()] or list(every)
            self._inputs = tuple(TensorSpec(one.name, None, "") for one in arguments)
            self._lists = {one.name for one in arguments if str(one.type) == "List[Tensor]"}
            return module.eval()

    def _from_program(self) -> Any:
        with self._loading(self.artifact.model, _EXPECTED, self._found):
            if not hasattr(self._library, "export"):
                raise ValueError("exported programs are loaded by torch 2.1 and newer")
            program = programs.load(self._library, self.artifact.model)
            self._inputs, self._outputs = programs.specs(self._library, program)
            return program.module()

    @contextlib.contextmanager
    def _loading(self, path: str, expected: str, found: Content) -> Iterator[None]:
        library = f"torch {self._library.__version__}"
        loading = Loading(path, expected, found.phrase, refusals.explain, library)
        with loading, resolve.siblings(self.artifact.folder):
            yield

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The arguments of forward; only an exported program declares shapes."""
        return self._inputs

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """What an exported program declares; empty otherwise."""
        return self._outputs

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        torch = self._library
        with self._pinned() as self._threads, torch.inference_mode():
            # numpy hands out read-only arrays, torch only takes writable ones
            tensors = [torch.from_numpy(np.array(feeds[spec.name])) for spec in self._inputs]
            heads = self._heads([tensor.to(self._device) for tensor in tensors])
            return {name: value.detach().cpu().numpy() for name, value in heads.items()}

    def _heads(self, tensors: List[Any]) -> Dict[str, Any]:
        fed = [
            list(tensor) if spec.name in self._lists else tensor
            for spec, tensor in zip(self._inputs, tensors)
        ]
        heads = calling.named(self._module(*fed))
        for name, value in heads.items():
            if not isinstance(value, self._library.Tensor):
                kind = type(value).__name__
                raise ValueError(f"output {name!r} is a {kind}, not a tensor")
        return heads

    def _tracer(self, example: Optional[Feeds]) -> tracing.Tracer:
        from .graph import TorchTracer

        if self._device.type != "cpu":
            why = f"they are looked at on the CPU, and it runs on {self._device}"
            raise tracing.cannot_trace(self.kind, why)
        feeds = example or tracing.zeros(self._inputs)
        if feeds is None:
            why = "a module does not declare the shape of its input, and no example was given"
            raise tracing.cannot_trace(self.kind, why)
        check_feeds(self._inputs, feeds)
        names = tuple(spec.name for spec in self._inputs)
        return TorchTracer(self._library, self._module, self._heads, self._pinned, names, feeds)

    @contextlib.contextmanager
    def _pinned(self) -> Iterator[int]:
        """Torch's thread count is one per process: set it for this call, then put it back."""
        torch = self._library
        before = torch.get_num_threads()
        torch.set_num_threads(self.options["threads"])
        try:
            yield torch.get_num_threads()
        finally:
            torch.set_num_threads(before)

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, the kernels' instruction set, the form of the artifact."""
        torch = self._library
        capability = getattr(torch.backends, "cpu", None)
        return {
            "library": "torch",
            "version": str(torch.__version__),
            "threads": self._threads,
            "form": self.form,
            "cpu_capability": capability.get_cpu_capability() if capability else "unknown",
            "onednn": bool(torch.backends.mkldnn.is_available()),
            **machine(),
            **devices.facts(torch, self._device),
        }

    def native(self) -> Any:
        """The module itself, for exporters."""
        return self._module

    def _release(self) -> None:
        self._module = None


# What pickles of tensors and of arrays call.
def _expect_numbers(state: state_dicts.State, path: str) -> None:
    """Raise ``missing-weights`` for tensors that have a shape and no numbers."""
    empty = [name for name, one in state.tensors.items() if getattr(one, "is_meta", False)]
    if empty:
        why = (
            f"{len(empty)} tensors without numbers ({empty[0]}{', ...' * (len(empty) > 1)}): they "
            f"are on torch's meta device; save the state_dict() of the network with its weights"
        )
        raise AdapterError(
            "missing-weights", path=path, missing=(), unexpected=(), mismatched=(), reason=why
        )
