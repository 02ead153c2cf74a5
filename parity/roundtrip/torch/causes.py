"""Why a PyTorch module that was read back is not what it was."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip.causes import (
    is_statistic,
    like_training,
    moving,
    unexplained,
    weight_losses,
)
from parity.roundtrip.reading import Original, native
from parity.roundtrip.torch import tensors as torch_tensors
from parity.roundtrip.tripping import Seen
from parity.roundtrip.untracked import kept, values
from parity.roundtrip.weights import Print, fingerprint
from parity.runtimes.torch import calling
from parity.session import Session

_INTERNAL = ("_parameters", "_buffers", "_modules")
_CAPTURED = ("TorchScript (trace)", "pt2")  # one path of the module's code, that of the example


def losses(original: Original, form: str, session: Session, seen: Seen) -> Iterator[Loss]:
    """What was lost in a module that was read back, the cause first."""
    theirs = native(session)
    found: list[Loss] = []
    differ = seen.heads.state == "differ"
    if type(theirs) is type(original.native):
        found += _untracked(original, theirs)
    found += weight_losses(seen.weights)
    if differ and not found:
        trained = like_training(original, seen, in_training, "call eval() before it is saved")
        found += [trained] if trained is not None else []
    if differ and not found and type(theirs) is type(original.native):
        found += _other_values(original, theirs)
    if differ and not found:
        found.append(_other_path(original, form, seen) or unexplained(seen.heads))
    yield from found


def _untracked(original: Original, theirs: Any) -> Iterator[Loss]:
    lost = list(_unlike(original.native, theirs, _kept))
    moving = _moving(original, _kept) if lost else set()
    for place, module, path, found, back in lost:
        if (place, path) not in moving:
            yield _lost(place, module, path, found, back is not None)


def _other_values(original: Original, theirs: Any) -> Iterator[Loss]:
    """Plain numbers and switches, of which a state dict knows nothing."""
    changed = [one for one in _unlike(original.native, theirs, _values) if one[4] is not None]
    moving = _moving(original, _values) if changed else set()
    for place, module, path, before, after in changed:
        if (place, path) not in moving:
            yield Loss(
                "untracked",
                f"untracked value {path!r} of {_where(place, module)}: {before!r} in a plain "
                f"attribute is not saved, and is {after!r} in the module that was built anew; "
                f"make it a buffer with register_buffer(), or an argument of the factory",
            )


def _unlike(
    ours: Any, theirs: Any, of_module: Callable[[Any], dict[str, Any]]
) -> Iterator[tuple[str, Any, str, Any, Any]]:
    """What modules at the same place keep that differs: place, module, path, ours, theirs."""
    others = dict(theirs.named_modules())
    for place, module in ours.named_modules():
        if place not in others:
            continue
        before, after = of_module(module), of_module(others[place])
        for path, found in before.items():
            if after.get(path) != found:
                yield place, module, path, found, after.get(path)


def _moving(original: Original, of_module: Callable[[Any], dict[str, Any]]) -> set[tuple[str, str]]:
    """What modules keep of the image that they have seen, and so is nothing to save."""

    def kept() -> dict[tuple[str, str], Any]:
        return {
            (place, path): found
            for place, module in original.native.named_modules()
            for path, found in of_module(module).items()
        }

    return moving(original, kept)


def _lost(place: str, module: Any, path: str, found: Print, there: bool) -> Loss:
    shape = "x".join(map(str, found.shape)) or "scalar"
    where = _where(place, module)
    back = "came back with other values" if there else "did not come back"
    if path in module._buffers:
        return Loss(
            "untracked",
            f"untracked buffer {path!r} of {where}: {found.dtype} {shape} is registered with "
            f"persistent=False, so it is not saved, and {back}; register it without that",
        )
    return Loss(
        "untracked",
        f"untracked tensor {path!r} of {where}: {found.dtype} {shape} in a plain attribute is not "
        f"saved, and {back}; make it a parameter, or a buffer with register_buffer()",
    )


def _where(place: str, module: Any) -> str:
    return f"{f'module {place!r}' if place else 'the module'} ({type(module).__name__})"


def _values(module: Any) -> dict[str, Any]:
    import torch

    return dict(values(vars(module), set(vars(torch.nn.Module()))))


def _kept(module: Any) -> dict[str, Print]:
    """Tensors of one module that its state dict does not hold."""
    import torch

    def of_value(value: Any) -> Print | None:
        if isinstance(value, torch.Tensor):
            return torch_tensors.printed(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            return fingerprint(value)
        return None

    plain = {name: value for name, value in vars(module).items() if name not in _INTERNAL}
    passing = {name: module._buffers[name] for name in module._non_persistent_buffers_set}
    known = {id(one) for one in module.state_dict(keep_vars=True).values()}
    return dict(kept({**plain, **passing}, known, of_value))


def in_training(original: Original, place: int) -> tuple[Mapping[str, Any], bool]:
    """Heads of a copy of the original in training mode, and whether statistics of a batch
    normalise there.
    """
    import torch

    module = copy.deepcopy(original.native).train()
    before = _statistics(module)
    heads = called(module, torch.from_numpy(original.fed(place).copy()), original)
    return heads, _statistics(module) != before


def _statistics(module: Any) -> dict[str, Print]:
    return {
        name: torch_tensors.printed(one)
        for name, one in module.named_buffers()
        if is_statistic(name)
    }


def normalising(original: Original) -> set[str]:
    """Buffers into which batch norms write the statistics of a batch while the module runs."""
    import torch
    from torch.overrides import TorchFunctionMode

    written: set[int] = set()
    functional = torch.nn.functional.batch_norm
    signature = inspect.signature(functional)

    class Watch(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is functional:
                given = signature.bind(*args, **(kwargs or {})).arguments
                means = (given["running_mean"], given["running_var"])
                trains = given.get("training", False)
            elif func is torch.batch_norm:  # input, weight, bias, mean, var, training
                means, trains = args[3:5], args[5]
            else:
                return func(*args, **(kwargs or {}))
            if trains:
                written.update(one.data_ptr() for one in means if one is not None)
            return func(*args, **(kwargs or {}))

    with Watch():
        original.session.run(original.canvases[0], original.images[0])
    return {name for name, one in original.native.named_buffers() if _at(one) in written}


def _at(tensor: Any) -> int | None:
    try:
        found: int = tensor.data_ptr()
    except Exception:  # what is sparse or quantised lies in no single place
        return None
    return found


def random_layers(module: Any) -> list[str]:
    """Layers that draw numbers, as they are named to a user."""
    import torch

    kind = torch.nn.modules.dropout._DropoutNd
    return [
        f"{name!r} ({type(one).__name__})"
        for name, one in module.named_modules()
        if isinstance(one, kind)
    ]


def called(module: Any, image: Any, original: Original) -> Mapping[str, Any]:
    """A module's heads for one image, as the adapter names them."""
    import torch

    (spec,) = original.session.inputs
    listed = spec.name in calling.lists(original.native)
    with torch.no_grad():
        heads = calling.named(module(list(image) if listed else image))
    return {name: value.detach().cpu().numpy() for name, value in heads.items()}


def _other_path(original: Original, form: str, seen: Seen) -> Loss | None:
    """A capture that holds for its example and not for another image has lost a branch."""
    if form not in _CAPTURED or seen.heads.first_differs:
        return None
    return Loss(
        "traced-path",
        f"head {seen.heads.head!r} is the same on {original.images[0]}, with which it was "
        f"captured, and differs by up to {seen.heads.max_abs:.2g} on {seen.heads.image}: forward "
        f"takes another path there, and a capture keeps one; use torch.where, torch.cond or "
        f"TorchScript (script)",
    )
