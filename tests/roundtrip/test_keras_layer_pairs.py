"""Layers of a Keras model beside those of the model that was read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("tensorflow")


def net(filters: Any = 6, flip: bool = False, **names: str) -> Any:
    """A model whose layers have Keras' own names, but for those that are given."""
    import keras
    from keras import layers

    image = keras.Input((4, 4, 3))
    x = layers.Conv2D(filters, 1, name=names.get("conv"))(image)
    x = keras.Sequential([layers.ReLU(), layers.Conv2D(2, 1)])(x)
    x = layers.SpectralNormalization(layers.Conv2D(2, 1, use_bias=not flip))(x)
    return keras.Model(image, layers.Softmax()(x))


def told(ours: Any, theirs: Any) -> list[str]:
    """What is said of two models."""
    from parity.roundtrip.keras.pairs import differing

    return [loss.text for loss in differing(ours, theirs)]


def test_layers_with_automatic_names_are_paired_by_their_place() -> None:
    """The same factory gives other names each time it is called."""
    ours, theirs = net(), net()
    assert {one.name for one in ours.layers} != {one.name for one in theirs.layers}
    assert told(ours, theirs) == []


def test_a_configuration_is_compared_under_another_name() -> None:
    """That names may differ hides nothing else."""
    ours, theirs = net(6), net(7)
    assert told(ours, theirs)[0] == (
        f"layer {ours.layers[1].name!r} (Conv2D): filters came back as 7 in the place of 6"
    )


def test_what_differs_in_a_wrapped_layer_is_named_by_its_path() -> None:
    """Two long configurations beside each other would look the same."""
    ours, theirs = net(), net(flip=True)
    name = ours.layers[3].name
    assert told(ours, theirs)[0] == (
        f"layer {name!r} (SpectralNormalization): layer.config.use_bias came back as False in the "
        f"place of True"
    )


def test_a_number_of_numpy_is_a_number() -> None:
    """A file brings ``np.int64(6)`` back as 6."""
    assert told(net(np.int64(6)), net(6)) == []


def test_a_layer_that_has_a_name_is_found_by_it() -> None:
    """Two of one class, in the other order."""
    import keras
    from keras import layers

    def of(*sizes: tuple[str, int]) -> Any:
        image = keras.Input((4, 4, 3))
        heads = [layers.Conv2D(size, 1, name=name)(image) for name, size in sizes]
        return keras.Model(image, heads)

    assert told(of(("boxes", 4), ("scores", 2)), of(("scores", 2), ("boxes", 4))) == []


def test_a_layer_that_is_gone_is_named() -> None:
    """The fewest that are left over are those that are named."""
    import keras
    from keras import layers

    image = keras.Input((4, 4, 3))
    ours = keras.Model(image, layers.ReLU(name="relu")(layers.Conv2D(2, 1, name="conv")(image)))
    image = keras.Input((4, 4, 3))
    theirs = keras.Model(image, layers.Conv2D(2, 1, name="conv")(image))
    assert told(ours, theirs) == ["layers that did not come back: relu"]
