"""Averaged weights (EMA) beside raw ones: which of them a model runs, told by their hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip.torch import tensors as torch_tensors
from parity.tensors import Array

_AVERAGE = re.compile(r"ema|avg|averag|swa|polyak|shadow", re.I)
RAW = "the raw weights"
_DEEPEST = 4  # as Lightning's callbacks: {"callbacks": {"EMA": {"state": {"ema": ...}}}}


@dataclass(frozen=True, eq=False)
class Sets:
    """Two sets of one model's weights in one file: what the runtime runs, and the other one.

    Arrays are by the names of the model's own weights; only those that differ are kept.
    """

    file: str
    run: str
    other: str
    pairs: Mapping[str, tuple[Array, Array]]
    total: int
    remedy: str


def sets(
    file: str,
    model: Mapping[str, Array],
    entries: Mapping[str, Mapping[str, Array]],
    remedy: str,
    trained: Collection[str] | None = None,
) -> Sets | None:
    """The set that the model runs and an average beside it, or the other way round; else None.

    ``entries`` are the sets in the file by their names there. The one with the model's own numbers
    is what it runs. ``trained`` are the weights that a set holds at least, all for None: an average
    of the parameters alone has no statistics.
    """
    needed = model.keys() if trained is None else trained
    whole = dict(_whole(entries, model, needed))
    run = next((name for name, one in whole.items() if _same(model, one)), None)
    for name, other in whole.items():
        if run is None or name == run or not (_AVERAGE.search(name) or _AVERAGE.search(run)):
            continue
        pairs = {
            key: (model[key], other[key])
            for key in model
            if key in other
            and model[key].shape == other[key].shape
            and not _equal(model[key], other[key])
        }
        if pairs:
            return Sets(file, run, name, pairs, len(model), remedy)
    return None


def held(found: Sets, runtime: str) -> Loss:
    """That a file holds two sets of weights, of which a model holds one."""
    return Loss(
        "average",
        f"EMA against raw weights: {found.file} holds {found.run}, which {runtime} runs, and "
        f"{found.other}, which is lost with every format here; their hashes differ in "
        f"{len(found.pairs)} of {found.total} weights; {found.remedy}",
    )


def made_from(
    found: Sets, runtime: str, name: str, constants: Mapping[str, Array]
) -> Iterator[Loss | str]:
    """That a candidate was made from the set that the runtime does not run, or cannot be told."""
    ours, theirs = counts(found, constants)
    if theirs and not ours:
        yield Loss(
            "average",
            f"EMA against raw weights: {name} was made from {found.other}, and {runtime} runs "
            f"{found.run} of {found.file}: by their hashes {name} holds {theirs} of the "
            f"{len(found.pairs)} weights that differ as {found.other} has them, and none as "
            f"{found.run} has them",
        )
    elif not theirs and not ours:
        yield (
            f"whether {name} was made from {found.run} or {found.other} of {found.file} cannot be "
            f"told: it holds none of the weights that differ as either has them"
        )


def counts(found: Sets, constants: Mapping[str, Array]) -> tuple[int, int]:
    """How many of the differing weights a candidate holds, of what is run and of the other set.

    Exporters transpose weights, so numbers are hashed in ascending order.
    """
    kept = {_sorted_hash(one) for one in constants.values() if one.dtype.kind == "f"}
    ours = sum(_sorted_hash(one) in kept for one, _ in found.pairs.values())
    return ours, sum(_sorted_hash(other) in kept for _, other in found.pairs.values())


def _whole(
    entries: Mapping[str, Mapping[str, Array]], model: Mapping[str, Array], needed: Collection[str]
) -> Iterator[tuple[str, dict[str, Array]]]:
    """Sets with every weight that is needed, under the model's own names: wrappers put theirs, as
    "module." or "ema.", before them, and one entry may hold several sets so.
    """
    first = next(iter(needed), "")
    for name, entry in entries.items():
        prefixes = [
            prefix
            for key in entry
            if key.endswith(first) and (prefix := key.removesuffix(first))[-1:] in ("", ".")
            if all(f"{prefix}{one}" in entry for one in needed)
        ]
        for prefix in prefixes:
            found = {key: entry[f"{prefix}{key}"] for key in model if f"{prefix}{key}" in entry}
            yield name if len(prefixes) == 1 else f"{name} ({prefix}*)", found


def _same(model: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    return all(_equal(model[name], one) for name, one in other.items())


def _equal(one: Array, other: Array) -> bool:
    """Whether an average has the same numbers, be it in half the precision."""
    if one.shape != other.shape:
        return False
    with np.errstate(over="ignore"):
        return one.astype(other.dtype).tobytes() == other.tobytes()


def _sorted_hash(array: Array) -> str:
    plain = np.sort(np.asarray(array, np.float32).ravel())
    return hashlib.sha256(plain.tobytes()).hexdigest()


def of_torch(path: Path, trust: bool, trained: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Sets of weights in a file of torch.save, by the keys that lead to them.

    ``trained`` are the model's parameters in their order: an average may be a list of as many.
    """
    import torch

    try:
        saved = torch.load(path, map_location="cpu", weights_only=not trust)
    except Exception:  # the runtime has read it otherwise, and says so if it has not
        return {}
    return dict(_states("", saved, trained, 0))


def _states(
    name: str, value: Any, trained: Mapping[str, Array], depth: int
) -> Iterator[tuple[str, dict[str, Array]]]:
    if hasattr(value, "state_dict") and hasattr(value, "named_modules"):
        value = value.state_dict()
    if isinstance(value, (list, tuple)) and trained and all(map(_is_tensor, value)):
        arrays = [torch_tensors.array(one) for one in value]
        if [one.shape for one in arrays] == [one.shape for one in trained.values()]:
            yield repr(name), dict(zip(trained, arrays, strict=True))
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    tensors = {str(key): torch_tensors.array(one) for key, one in value.items() if _is_tensor(one)}
    if tensors:
        yield repr(name), tensors
    for key, one in value.items():
        if not _is_tensor(one):
            yield from _states(f"{name}.{key}" if name else str(key), one, trained, depth + 1)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach")


def of_keras(path: Path, model: Any) -> dict[str, dict[str, Array]]:
    """The weights of a Keras file, and the average that its optimizer keeps (``use_ema``).

    The optimizer's variables come in the order in which it makes them: iteration, learning rate,
    then, with ``use_ema``, one average for every variable that is trained.
    """
    stored = _optimizer(path)
    trained = [np.asarray(one) for one in model.trainable_variables]
    place = next((i for i, one in enumerate(stored) if one.ndim), None)
    if place is None or not trained:
        return {}
    found = stored[place : place + len(trained)]
    for first in (place, *range(max(0, place - len(trained)), place)):
        found = stored[first : first + len(trained)]
        if [one.shape for one in found] == [one.shape for one in trained]:
            break
    else:
        return {}
    raw = {one.path: np.asarray(one) for one in model.weights}
    averaged = dict(zip((one.path for one in model.trainable_variables), found, strict=True))
    return {RAW: raw, "the optimizer's average (use_ema)": {**raw, **averaged}}


def _optimizer(path: Path) -> list[Array]:
    """The variables of an optimizer with ``use_ema`` in their order; none for any other."""
    import io
    import json
    import zipfile

    import h5py

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json")).get("compile_config")
            stored = io.BytesIO(archive.read("model.weights.h5"))
    elif path.suffix in (".h5", ".hdf5"):
        with h5py.File(path, "r") as handle:
            config = json.loads(handle.attrs.get("training_config") or "null")
        stored = io.BytesIO(path.read_bytes())
    else:
        return []
    if not _uses_ema(config):
        return []
    with h5py.File(stored, "r") as handle:
        return _numbered(handle)


def _uses_ema(config: Any) -> bool:
    if isinstance(config, dict):
        return config.get("use_ema") is True or any(map(_uses_ema, config.values()))
    return isinstance(config, list) and any(map(_uses_ema, config))


def _numbered(handle: Any) -> list[Array]:
    """Keras 3 numbers an optimizer's variables; the older whole HDF5 lists their names."""
    import h5py

    group = handle.get("optimizer/vars")
    if isinstance(group, h5py.Group):
        return [np.asarray(group[name]) for name in sorted(group, key=int)]
    group = handle.get("optimizer_weights")
    if not isinstance(group, h5py.Group):
        return []
    names = [one.decode() if isinstance(one, bytes) else one for one in group.attrs["weight_names"]]
    return [np.asarray(group[name]) for name in names]
