"""A Keras model that a function of the suite builds, with its weights from a file."""

import re
from typing import Any

from ..contract import AdapterError, Artifact
from ..shared import resolve
from ..shared.reasons import reason

EXPECTED = "weights of a Keras model (.weights.h5, .h5 or .keras)"


def is_reference(model: str) -> bool:
    """Whether ``model`` is "module:function" and no file."""
    return re.fullmatch(r"[\w.]+:[\w.]+", model) is not None


def weights(artifact: Artifact) -> str:
    """The file of weights. Raises ``missing-weights``."""
    if artifact.weights is None:
        raise AdapterError("missing-weights", path=None, missing=(), unexpected=(), mismatched=())
    return artifact.weights


def model(keras: Any, artifact: Artifact) -> Any:
    """The factory's model with its weights. Raises ``AdapterError``, and what Keras raises."""
    build = resolve.resolve(artifact.model, artifact.folder)
    with resolve.siblings(artifact.folder):
        try:
            built = build()
        except (Exception, SystemExit) as error:
            why = f"it raised {reason(error)}"
            raise AdapterError(
                "factory-failed", reference=artifact.model, reason=why, expected="a Keras model"
            ) from error
        if not isinstance(built, keras.Model):
            why = f"it returned a {type(built).__name__}, not a keras.Model"
            raise AdapterError(
                "factory-failed", reference=artifact.model, reason=why, expected="a Keras model"
            )
        built.load_weights(weights(artifact))
    return built
