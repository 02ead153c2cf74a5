"""What a torch pickle holds, in words: a state dict, a checkpoint with one, a whole module."""

from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from ..content import Content
from ..contents import Contents
from ..pickles import calls
from ..pickles.machine import Followed
from ..pickles.values import Made, Name, Stored, worded
from ..shapes import counted, elements, listed
from .weights import Weight, every, mapping, state

FOREIGN = "a pickle that torch.save did not write"
_OBJECT = "pickled Python object"
_UNSAID = "of a type that is not said"
_BITS = 128  # of a number that is shown: Python refuses to write out those of many digits
_NESTED = ("state_dict", "model_state_dict", "model", "ema", "net", "weights")


def described(found: Followed, container: str, faults: Sequence[str]) -> Contents:
    """A pickle that was followed to its end; ``faults`` are those of what holds it."""
    imports = [str(one) for one in found.names if not calls.is_data(one)]
    facts: Dict[str, Any] = {
        "container": container,
        "pickle_protocol": found.protocol,
        "imports": sorted(map(str, found.names)),
    }
    faults = [*faults, *_meta(found.value)]
    if imports and isinstance(found.value, Made) and mapping(found.value) is None:
        return _module(found, facts, imports, faults)
    return _checkpoint(found.value, facts, imports, faults)


def phrase(content: Content, contents: Contents) -> str:
    """What a file is in words, now that it is known whether it holds weights."""
    if content.kind == "state-dict" and contents.form == _OBJECT:
        return content.phrase.replace("a torch state dict", "plain data, written by torch.save")
    return content.phrase


def _meta(value: Any) -> Iterator[str]:
    """Tensors of the meta device have a shape and no numbers."""
    count = sum(not one.identity[0] for one in every(value))
    if count:
        yield (
            f"{count} of its tensors have no numbers, they are on torch's meta device: save the "
            f"state_dict() of the network with its weights"
        )


def _checkpoint(
    value: Any, facts: Dict[str, Any], imports: Sequence[str], faults: Sequence[str]
) -> Contents:
    """A dict: of tensors, or of state dicts and other things."""
    entries = mapping(value)
    if entries is None:
        return Contents(_OBJECT, facts, notes=_imports_note(imports))
    weights = state(value)
    nested = {str(key): state(one) for key, one in entries.items()}
    nested = {key: one for key, one in nested.items() if one}
    form = "state dict"
    if not weights and nested:
        form = "checkpoint with a state dict"
        chosen = next((key for key in _NESTED if key in nested), next(iter(nested)))
        weights = nested[chosen]
        facts["entries"] = {
            str(key): f"{len(nested[str(key)])} tensors" if str(key) in nested else _shown(one)
            for key, one in list(entries.items())[:50]
        }
        facts["state_dict"] = chosen
    elif not weights:
        form = _OBJECT
    note = (
        "it holds weights but no network: name the function that builds it in model "
        '("module:factory") and this file in weights'
    )
    return Contents(
        form,
        {**facts, **_described(weights)},
        parameters=_numbers(entries, facts.get("state_dict")) if weights else None,
        written_by=_author(entries),
        notes=((note,) if weights else ()) + _imports_note(imports),
        faults=tuple(faults),
    )


def _module(
    found: Followed, facts: Dict[str, Any], imports: Sequence[str], faults: Sequence[str]
) -> Contents:
    weights = list(every(found.value))
    facts["class"] = _called(found.value.by)
    facts["dtypes"] = counted(one.dtype or _UNSAID for one in weights)
    return Contents(
        "whole pickled module" if weights else _OBJECT,
        facts,
        parameters=sum(elements(one.shape) for one in weights) if weights else None,
        notes=_imports_note(imports),
        faults=tuple(faults),
    )


def _called(callee: Any) -> str:
    """The name of a class; the older form stores a module's class beside its source."""
    key = callee.key if isinstance(callee, Stored) else None
    return worded(key[1] if isinstance(key, tuple) and len(key) > 1 else callee)[:200]


def _imports_note(imports: Sequence[str]) -> Tuple[str, ...]:
    if not imports:
        return ()
    return (
        f"loading it would import {listed(sorted(imports))}: save the state dict instead "
        f"(torch.save(module.state_dict(), ...))",
    )


def _described(weights: Mapping[str, Weight]) -> Dict[str, Any]:
    if not weights:
        return {}
    names = list(weights)
    return {
        "tensors": len(names),
        "dtypes": counted(one.dtype or _UNSAID for one in weights.values()),
        "first": f"{names[0]} {weights[names[0]].shape}",
        "last": f"{names[-1]} {weights[names[-1]].shape}",
    }


def _numbers(entries: Mapping[Any, Any], nested: Optional[str]) -> int:
    """Every tensor once, packed ones of quantised layers too."""
    chosen = [one for key, one in entries.items() if nested is None or str(key) == nested]
    return sum(elements(one.shape) for one in every(chosen))


def _author(entries: Mapping[Any, Any]) -> Optional[str]:
    """Trainers sign their checkpoints."""
    if "pytorch-lightning_version" in entries:
        return f"PyTorch Lightning {worded(entries['pytorch-lightning_version'])}"
    if "train_args" in entries and isinstance(entries.get("version"), str):
        return f"Ultralytics {entries['version']}"
    return None


def _shown(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _BITS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (bool, int, float)) or value is None:
        return str(value)[:40]
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, Made):
        return str(value.by) if isinstance(value.by, Name) else "an object"
    return type(value).__name__
