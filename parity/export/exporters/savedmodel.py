"""SavedModel: one signature, ``image`` → heads by name, with the weights as constants.

A TensorFlow network becomes one function of one named image first (``frozen``), which the exporters
to TFLite and from TensorFlow to ONNX take too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parity.export.job import INPUT, Job, Source


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Write the SavedModel; its batch is as free as the source's."""
    source = job.open()
    shape = source.input.shape or source.example.shape
    save(source, shape[0], target)
    return ()


def save(source: Source, batch: int | None, target: Path) -> None:
    """Write a SavedModel without its fingerprint, which is made up anew every time."""
    import tensorflow as tf

    module = tf.Module()
    module.serve = frozen(source, batch)
    tf.saved_model.save(module, str(target), signatures=module.serve)
    (target / "fingerprint.pb").unlink(missing_ok=True)
    for folder in ("assets", "variables"):  # version control does not keep an empty folder
        if not any((target / folder).iterdir()):
            (target / folder).rmdir()


def frozen(source: Source, batch: int | None) -> Any:
    """``tf.function`` of ``image`` → {name: head}.

    The weights are frozen into the graph, because not every converter finds a Keras 3 model's
    variables. ``batch`` is the first dimension, None for any.
    """
    if batch not in source.kept:
        source.kept[batch] = _frozen(source, batch)
    return source.kept[batch]


def signature(source: Source, batch: int | None) -> Any:
    """The ``tf.TensorSpec`` of the image."""
    import tensorflow as tf

    shape = source.input.shape or source.example.shape
    known = zip(shape[1:], source.example.shape[1:], strict=True)
    if batch is None:
        return tf.TensorSpec((None, *shape[1:]), source.input.dtype, name=INPUT)
    return tf.TensorSpec((batch, *(a or b for a, b in known)), source.input.dtype, name=INPUT)


def _frozen(source: Source, batch: int | None) -> Any:
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    spec = signature(source, batch)
    names = source.names

    @tf.function(input_signature=[spec], autograph=False)  # type: ignore[untyped-decorator]
    def traced(image: Any) -> Any:
        return dict(zip(names, _heads(source, image), strict=True))

    constant = convert_to_constants.convert_variables_to_constants_v2(
        traced.get_concrete_function()
    )
    order = sorted(names)  # as TensorFlow flattens a dict

    @tf.function(input_signature=[spec], autograph=False)  # type: ignore[untyped-decorator]
    def serve(image: Any) -> Any:
        heads = constant(image)
        heads = heads if isinstance(heads, list | tuple) else [heads]
        return dict(zip(order, heads, strict=True))

    return serve


def _heads(source: Source, image: Any) -> list[Any]:
    """The heads of a Keras model or of a SavedModel's signature, in the order of the names."""
    network = source.network
    if source.adapter.kind == "savedmodel":
        values = network(**{source.input.name: image})
    else:
        structure = network.input
        if isinstance(structure, dict):
            values = network(dict.fromkeys(structure, image), training=False)
        else:
            several = isinstance(structure, list | tuple)
            values = network([image] if several else image, training=False)
    if isinstance(values, dict):
        return [values[spec.name] for spec in source.adapter.outputs()]
    return list(values) if isinstance(values, list | tuple) else [values]
