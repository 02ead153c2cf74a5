"""Run by an old TensorFlow's Python: builds a network and saves it as HDF5 and as SavedModel.

``python old_tensorflow.py mobilenet TARGET`` or ``... ssd TARGET WEIGHTS FOLDER``: WEIGHTS is an
.npz of "layer/index" arrays, FOLDER holds ``network_keras.py``. Nothing is downloaded.
"""

import sys

import numpy as np
import tensorflow as tf


def mobilenet():
    """The whole classifier, weights from a seed: far from zero, and so that scores differ."""
    model = tf.keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=5
    )
    rng = np.random.RandomState(7)
    for layer in model.layers:
        layer.set_weights([_random(rng, one.name, one.shape) for one in layer.weights])
    return model


def _random(rng, name, shape):
    if "kernel" in name:
        fan_in = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
        return rng.normal(0, np.sqrt(2.0 / fan_in), shape)
    if "gamma" in name or "variance" in name:
        return rng.uniform(0.5, 1.5, shape)
    return rng.normal(0, 0.1, shape)


def ssd(weights, folder):
    """The bundled SSD, built by its own code, with the bundled file's weights."""
    import keras

    keras.applications = tf.keras.applications  # Keras 2 has them only under TensorFlow's name
    sys.path.insert(0, folder)
    import network_keras

    model, stored = network_keras.build(), np.load(weights)
    for layer in model.layers:
        layer.set_weights([stored[f"{layer.name}/{i}"] for i in range(len(layer.weights))])
    return model


if __name__ == "__main__":
    which, target, *more = sys.argv[1:]
    network = {"mobilenet": mobilenet, "ssd": ssd}[which](*more)
    network.save(target + ".h5", include_optimizer=False)
    network.save(target + "_savedmodel", include_optimizer=False)
