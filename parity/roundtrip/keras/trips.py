"""Keras models: ``.keras``, whole HDF5, weights alone, SavedModels and TensorFlow's checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parity.errors import ParityError
from parity.record.roundtrip import Trip
from parity.roundtrip.causes import SHARED, is_statistic, listed, unsteady
from parity.roundtrip.keras import causes as keras_causes
from parity.roundtrip.keras import untracked as keras_untracked
from parity.roundtrip.keras.pairs import is_custom
from parity.roundtrip.reading import Original, native, why
from parity.roundtrip.tripping import Format, NotOffered, NotTold, Words, trip
from parity.roundtrip.weights import Print, fingerprint, named
from parity.session import Session

_TENSORFLOW = ("SavedModel (export)", "SavedModel (tf.saved_model)", "TF checkpoint")
_NO_VALUES = ("_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter")


def prints(model: Any) -> dict[str, Print]:
    """The weights of a Keras model by their paths; seeds and metrics are none."""
    return named((one.path, fingerprint(np.asarray(one))) for one in model.weights)


def statistics(original: Original, changed: Sequence[str]) -> list[str]:
    """Which of the weights that changed while the model ran are a batch norm's."""
    return [name for name in changed if is_statistic(name)]


def trips(original: Original) -> Iterator[Trip]:
    """Every serialization that Keras offers for a model with a graph, one after the other."""
    from keras import backend

    for form in _formats(original):
        if form.name in _TENSORFLOW and backend.backend() != "tensorflow":
            reason = f"the backend is {backend.backend()}, and the format is TensorFlow's"
            yield Trip(form.name, "not tried", reason=reason)
            continue
        words = Words(
            partial(prints, original.native),
            partial(keras_causes.losses, original),
            partial(keras_causes.refusals, original, form.name),
            partial(unsteady, form.name, partial(keras_causes.random_layers, original.native)),
        )
        yield trip(original, form, words)


def _formats(original: Original) -> Iterator[Format]:
    model = original.native
    whole = partial(original.read, "keras")
    threads = {
        key: value for key, value in original.runtime.table.options.items() if key == "threads"
    }
    graph = partial(original.read, "savedmodel", options=threads)
    yield Format(".keras", "model.keras", model.save, whole, _of_session)
    yield Format(".h5", "model.h5", model.save, partial(_read_hdf5, original), _of_session)
    yield Format(
        ".weights.h5",
        "model.weights.h5",
        model.save_weights,
        lambda path: _restored(original, lambda fresh: fresh.load_weights(path)),
        _of_session,
    )
    yield Format(
        _TENSORFLOW[0],
        "exported",
        lambda path: model.export(str(path), verbose=False),
        graph,
        _of_folder,
        recompiled=True,
    )
    yield Format(
        _TENSORFLOW[1],
        "saved",
        partial(_save_graph, model),
        graph,
        _of_folder,
        recompiled=True,
    )
    yield Format(
        _TENSORFLOW[2],
        "checkpoint",
        partial(_checkpoint, model),
        lambda path: _restored(original, partial(_read_checkpoint, path)),
        _of_session,
    )


def _read_hdf5(original: Original, path: Path) -> Session:
    """Whole HDF5 is Keras 2's format: it has layers, and none of Keras 3's operations."""
    try:
        return original.read("keras", path)
    except ParityError as error:
        said = re.search(r"Unknown layer: '(\w+)'", why(error))
        unknown = said[1] if said is not None else ""
        ours = [one for one in original.native.operations if type(one).__name__ == unknown]
        if not ours or is_custom(ours[0]):
            raise
        raise NotOffered(
            f"Keras writes the operation {unknown} ({ours[0].name!r}) into HDF5 and cannot read it "
            f"back: HDF5 holds layers alone; save as .keras"
        ) from error


def _restored(original: Original, load: Any) -> Session:
    """The model opened once more, every weight of it overwritten before ``load`` brings it back."""
    session = original.fresh()
    try:
        model = native(session)
        mine = {id(one) for one in original.native.variables}
        shared = [one.path for one in model.variables if id(one) in mine]
        if shared or model is original.native:
            raise NotTold(f"{SHARED}: {listed(shared)}")
        noise = np.random.default_rng(0)
        for one in model.weights:
            one.assign(noise.uniform(0.5, 1.5, tuple(one.shape)).astype(str(one.dtype)))
        load(model)
    except BaseException:
        session.close()
        raise
    return session


def _save_graph(model: Any, path: Path) -> None:
    import tensorflow as tf

    try:
        tf.saved_model.save(model, str(path))
    except AssertionError as error:
        random = keras_causes.random_layers(model)
        if "'untracked'" not in str(error) or not random or keras_untracked.hidden(model):
            raise
        raise NotOffered(
            f"TensorFlow does not find the seed of Keras' {', '.join(random)}; use export()"
        ) from error


def _checkpoint(model: Any, path: Path) -> None:
    import tensorflow as tf

    tf.train.Checkpoint(model=model).write(str(path))


def _read_checkpoint(path: Path, model: Any) -> None:
    import tensorflow as tf

    # Whatever did not come back keeps its noise and is told by its name.
    tf.train.Checkpoint(model=model).read(str(path)).expect_partial()


def _of_session(session: Session, path: Path) -> Mapping[str, Print]:
    return prints(session.adapter.native())  # type: ignore[attr-defined]


def _of_folder(session: Session, path: Path) -> Mapping[str, Print]:
    """The variables in a SavedModel, under names of its own: they are found by their hashes."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name not in _NO_VALUES]
    return named((name, fingerprint(reader.get_tensor(name))) for name in sorted(names))
