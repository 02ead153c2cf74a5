"""Why a PyTorch module that was read back is not what it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip import outputs
from parity.roundtrip.causes import differing, unexplained, weight_losses
from parity.roundtrip.reading import Original
from parity.roundtrip.tripping import Seen
from parity.roundtrip.untracked import kept
from parity.roundtrip.weights import Print, fingerprint
from parity.runtimes import torch_calling
from parity.session import Session

_INTERNAL = ("_parameters", "_buffers", "_modules")
_CAPTURED = ("TorchScript (trace)", "pt2")  # one path of the module's code, that of the example


def losses(original: Original, form: str, session: Session, seen: Seen) -> Iterator[Loss]:
    """What was lost in a module that was read back, the cause first."""
    theirs = session.adapter.native()  # type: ignore[attr-defined]
    found: list[Loss] = []
    differ = seen.heads.state == "differ"
    if type(theirs) is type(original.native):
        found += _untracked(original.native, theirs)
    found += weight_losses(seen.weights)
    if differ and not found:
        found.append(
            _like_training(original, seen)
            or _other_path(original, form, seen)
            or unexplained(seen.heads)
        )
    yield from found


def _untracked(ours: Any, theirs: Any) -> Iterator[Loss]:
    others = dict(theirs.named_modules())
    for place, module in ours.named_modules():
        if place not in others:
            continue
        before, after = _kept(module), _kept(others[place])
        for path, found in before.items():
            if after.get(path) != found:
                yield _lost(place, module, path, found, path in after)


def _lost(place: str, module: Any, path: str, found: Print, there: bool) -> Loss:
    shape = "x".join(map(str, found.shape)) or "scalar"
    where = f"{f'module {place!r}' if place else 'the module'} ({type(module).__name__})"
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


def _kept(module: Any) -> dict[str, Print]:
    """Tensors of one module that its state dict does not hold."""
    import torch

    from parity.roundtrip.torch_trips import printed

    def of_value(value: Any) -> Print | None:
        if isinstance(value, torch.Tensor):
            return printed(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            return fingerprint(value)
        return None

    plain = {name: value for name, value in vars(module).items() if name not in _INTERNAL}
    passing = {name: module._buffers[name] for name in module._non_persistent_buffers_set}
    known = {id(one) for one in module.state_dict(keep_vars=True).values()}
    return dict(kept({**plain, **passing}, known, of_value))


def in_training(original: Original, place: int) -> Mapping[str, Any]:
    """Heads of a copy of the original in training mode."""
    import torch

    module = copy.deepcopy(original.native).train()
    return called(module, torch.from_numpy(original.fed(place).copy()), original)


def called(module: Any, image: Any, original: Original) -> Mapping[str, Any]:
    """A module's heads for one image, as the adapter names them."""
    import torch

    (spec,) = original.session.inputs
    listed = spec.name in torch_calling.lists(original.native)
    with torch.no_grad():
        heads = torch_calling.named(module(list(image) if listed else image))
    return {name: value.detach().cpu().numpy() for name, value in heads.items()}


def _like_training(original: Original, seen: Seen) -> Loss | None:
    place = differing(original, seen)
    mates = outputs.renamed(list(original.runs[0]), list(seen.runs[0]))
    theirs = {name: seen.runs[place][mate] for name, mate in mates.items()}
    try:
        trained = in_training(original, place)
    except Exception:  # a module that cannot be copied, or not be trained on images alone
        return None
    if not outputs.alike(trained, theirs):
        return None
    return Loss(
        "training-mode",
        f"BatchNorm in training mode: head {seen.heads.head!r} is what the original gives in "
        f"training mode, normalised by the batch's own statistics; call eval() before it is saved",
    )


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
