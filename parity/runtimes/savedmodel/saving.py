"""Which TensorFlow saved a SavedModel, read from the file alone."""

from ...formats import opened
from ...formats.tensorflow.saved_model import SavedModel


def tensorflow_version(folder: str) -> str:
    """The TensorFlow that saved a SavedModel (saved_model.proto); "" where that is not said."""
    try:
        with opened(folder) as file:
            return file.version() if isinstance(file, SavedModel) else ""
    except (OSError, ValueError):
        return ""
