"""PyTorch modules: state dict, safetensors, pickle, TorchScript and ``.pt2``."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from parity.record.roundtrip import Loss, Trip
from parity.roundtrip.causes import SHARED, is_statistic, listed, unsteady
from parity.roundtrip.reading import Original, native, why
from parity.roundtrip.torch import causes as torch_causes
from parity.roundtrip.torch import tensors as torch_tensors
from parity.roundtrip.tripping import Format, NotTold, Words, trip
from parity.roundtrip.weights import Print, named
from parity.runtimes.shared.reasons import reason
from parity.runtimes.torch import calling
from parity.session import Session

_NO_FACTORY = (
    "the suite names no factory to build a fresh module: say model = 'module:function' with weights"
)
_NO_TRUST = "whoever reads it runs its code: say trust = true under [runtimes.{}] to try it"
_NO_SAFETENSORS = "safetensors is not installed; install it with: pip install safetensors"


def prints(module: Any) -> dict[str, Print]:
    """The entries of a module's state dict by name, but for an extra state that nobody can tell."""
    found = ((name, torch_tensors.of_state(one)) for name, one in module.state_dict().items())
    return named((name, one) for name, one in found if one is not None)


def _of_program(module: Any) -> dict[str, Print]:
    """The weights that a program may be asked for: an extra state is Python's, and quantised
    layers keep theirs in packed objects, of which only the outputs tell.
    """
    import torch

    quantised = [
        f"{place}." if place else ""
        for place, one in module.named_modules()
        if ".quantized" in type(one).__module__
    ]
    state = module.state_dict()
    return {
        name: found
        for name, found in prints(module).items()
        if isinstance(state.get(name), torch.Tensor)
        and not name.startswith(tuple(quantised))
        and not name.endswith("_extra_state")
    }


def statistics(original: Original, changed: Sequence[str]) -> list[str]:
    """Which of the weights that changed while the module ran are a batch norm's."""
    found = torch_causes.normalising(original)
    return [name for name in changed if name in found or is_statistic(name)]


def trips(original: Original) -> Iterator[Trip]:
    """Every serialization that PyTorch offers for a module, one after the other."""
    absent = _not_tried(original)
    for form in _formats(original):
        if form.name in absent:
            yield Trip(form.name, "not tried", reason=absent[form.name])
            continue
        words = Words(
            partial(_of_program if form.recompiled else prints, original.native),
            partial(torch_causes.losses, original, form.name),
            partial(_failed, form.name),
            partial(unsteady, form.name, partial(torch_causes.random_layers, original.native)),
        )
        yield trip(original, form, words)


def _not_tried(original: Original) -> dict[str, str]:
    found = {}
    if not original.factory:
        found = dict.fromkeys(("state dict", "safetensors"), _NO_FACTORY)
    if importlib.util.find_spec("safetensors") is None:
        found["safetensors"] = _NO_SAFETENSORS
    if not original.runtime.table.trust:
        found["pickle"] = _NO_TRUST.format(original.runtime.name)
    return found


def _formats(original: Original) -> Iterator[Format]:
    import torch

    module = original.native
    whole = partial(original.read, "torch")
    restored = partial(_restored, original)
    yield Format(
        "state dict",
        "model.pth",
        lambda path: torch.save(module.state_dict(), path),
        lambda path: restored(partial(torch.load, path, map_location="cpu", weights_only=True)),
        _of_session,
    )
    yield Format(
        "safetensors",
        "model.safetensors",
        partial(_save_safely, module),
        lambda path: restored(partial(_load_safely, path)),
        _of_session,
    )
    # What a capture cannot hold it refuses by itself, and a state dict needs no pickle.
    yield Format("pickle", "model.pkl", partial(torch.save, module), whole, _of_session, True)
    compiled = (whole, _of_session, True, True)
    yield Format(
        "TorchScript (script)",
        "scripted.pt",
        lambda path: torch.jit.save(torch.jit.script(module), str(path)),
        *compiled,
    )
    yield Format("TorchScript (trace)", "traced.pt", partial(_trace, original), *compiled)
    yield Format("pt2", "model.pt2", partial(_capture, original), *compiled)


def _example(original: Original) -> tuple[Any, ...]:
    """The first image as forward takes it."""
    import torch

    image = torch.from_numpy(original.fed(0).copy())
    (spec,) = original.session.inputs
    listed = spec.name in calling.lists(original.native)
    return (list(image) if listed else image,)


def _trace(original: Original, path: Path) -> None:
    import torch

    with torch.no_grad():
        traced = torch.jit.trace(
            original.native, _example(original), strict=False, check_trace=False
        )
    torch.jit.save(traced, str(path))


def _capture(original: Original, path: Path) -> None:
    import torch

    torch.export.save(torch.export.export(original.native, _example(original)), str(path))


def _save_safely(module: Any, path: Path) -> None:
    from safetensors.torch import save_file

    # Shared weights are refused by safetensors, and are the same numbers apart.
    apart = {name: one.clone().contiguous() for name, one in module.state_dict().items()}
    save_file(apart, str(path))


def _load_safely(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(str(path))


def _restored(original: Original, load: Any) -> Session:
    """A module that the factory built anew, every weight overwritten before those read come in."""
    import torch

    session = original.fresh()
    try:
        module = native(session)
        _check_fresh(original.native, module)
        with torch.no_grad():
            for name, one in module.state_dict().items():
                if isinstance(one, torch.Tensor):
                    _overwrite(name, one)
        module.load_state_dict(load(), strict=True)
    except BaseException:
        session.close()
        raise
    return session


def _check_fresh(ours: Any, theirs: Any) -> None:
    """Raises ``NotTold`` where the factory gives tensors that the original has too."""
    import torch

    before, after = (one.state_dict(keep_vars=True) for one in (ours, theirs))  # both stay alive
    mine = {id(one): name for name, one in before.items() if isinstance(one, torch.Tensor)}
    shared = [mine[id(one)] for one in after.values() if id(one) in mine]
    if ours is theirs or shared:
        raise NotTold(f"{SHARED}: {listed(shared)}" if shared else SHARED)


def _overwrite(name: str, tensor: Any) -> None:
    """Put other numbers into a tensor; raises ``NotTold``."""
    try:
        tensor.fill_(1)
    except Exception:
        try:
            tensor.zero_()  # what is sparse takes no other number
        except Exception as error:
            raise NotTold(
                f"{name!r} cannot be overwritten before it is read, so whether it comes back "
                f"cannot be told: {reason(error)}"
            ) from error


def _of_session(session: Session, path: Path) -> Mapping[str, Print]:
    """The weights of what was read back; an exported program keeps some of them as constants."""
    module = native(session)
    return prints(module)


def _failed(form: str, error: BaseException, doing: str) -> tuple[Loss, ...]:
    said = why(error).removesuffix(" at")  # the place stands on lines that are cut
    if doing == "save":
        return (Loss("refused", said),)
    return (Loss("unreadable", f"{form} cannot be read back: {said}"),)
