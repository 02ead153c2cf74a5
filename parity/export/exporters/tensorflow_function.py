"""A TensorFlow network as one function of one named image, its weights constants inside."""

from __future__ import annotations

from typing import Any

from parity.export.job import INPUT, Source


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
