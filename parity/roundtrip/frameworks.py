"""The frameworks whose models make round trips, and what differs from one to the other.

Saving and reading back is each framework's own; this is the one place that says which there are.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.roundtrip import averages
from parity.roundtrip.reading import Original
from parity.roundtrip.torch import tensors as torch_tensors

_OWN = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True)
class Framework:
    """What is said and done of a framework's models.

    ``module`` saves, reads and prints them; ``called`` says how a model was made to infer.
    ``programs``: its files may also be programs that were captured from a model, which are no
    models and keep the mode in which they were captured. ``sets`` tells which sets of weights a
    model's file holds, or None, and ``deploying`` what to do to deploy the one or the other.
    """

    module: str
    called: str
    programs: bool
    sets: Callable[[Original, Path], averages.Sets | None]
    deploying: str

    def trips(self) -> Any:
        """The module, imported when a model of the framework is open."""
        return importlib.import_module(self.module)


def of(kind: str) -> Framework | None:
    """The framework of a kind of runtime; None where it has no models that could be saved."""
    return _FRAMEWORKS.get(kind)


def sets(original: Original) -> averages.Sets | None:
    """Which sets of weights the file of an open model holds; None where that is not told."""
    table = original.runtime.table
    path = original.suite.folder / (table.weights or table.model)
    return _FRAMEWORKS[table.kind].sets(original, path)


def _torch_sets(original: Original, path: Path) -> averages.Sets | None:
    module = original.native
    model = {
        name: torch_tensors.array(one)
        for name, one in module.state_dict().items()
        if hasattr(one, "detach")
    }
    own = [name for name, one in module.named_parameters() if one.requires_grad]
    trained = {name: model[name] for name in own if name in model}
    entries = averages.of_torch(path, original.runtime.table.trust, trained)
    return averages.sets(path.name, model, entries, _FRAMEWORKS["torch"].deploying, trained)


def _keras_sets(original: Original, path: Path) -> averages.Sets | None:
    if not path.name.endswith(_OWN):
        return None
    entries = averages.of_keras(path, original.native)
    model = entries.get(averages.RAW, {})
    return averages.sets(path.name, model, entries, _FRAMEWORKS["keras"].deploying, None)


_FRAMEWORKS = {
    "torch": Framework(
        "parity.roundtrip.torch.trips",
        called="eval() was called",
        programs=True,
        sets=_torch_sets,
        deploying="save the one that is deployed alone",
    ),
    "keras": Framework(
        "parity.roundtrip.keras.trips",
        called="it was called with training=False",
        programs=False,
        sets=_keras_sets,
        deploying="to deploy the average, call optimizer.finalize_variable_values() with the "
        "model's trainable_variables before it is saved; to deploy the others, save it without its "
        "optimizer",
    ),
}
