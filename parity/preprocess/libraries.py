"""The frameworks that a recipe may name, opened when they are first needed.

TensorFlow takes its threads before its first operation, so that it is started here as an adapter
starts it; ``identity()`` of a runtime says what is in force.
"""

from __future__ import annotations

from typing import Any

from parity import runtimes
from parity.errors import LibraryMissing
from parity.runtimes.contract import AdapterError, Library
from parity.runtimes.shared import tf_common
from parity.runtimes.shared.libraries import absent, open_library
from parity.runtimes.shared.loading import quiet
from parity.suite.recipe import Recipe

LIBRARIES = {
    "tensorflow": tf_common.LIBRARY,
    "opencv": Library("cv2", "OpenCV", "pip install opencv-python-headless"),
    "torch": runtimes.descriptor("torch").libraries[0],
}
_THREADS = 1  # what adapters ask for by default


def missing(recipe: Recipe) -> str | None:
    """Why an image cannot be prepared here because something is not installed; else None."""
    for key, name in _named(recipe):
        reason = absent(LIBRARIES[name]) or (_broken_opencv() if name == "opencv" else None)
        if reason is not None:
            return f"{key}: {reason}"
    return None


def _named(recipe: Recipe) -> list[tuple[str, str]]:
    """The frameworks that the recipe needs, each with the setting that names it."""
    found: list[tuple[str, str]] = [(f"preprocess.decoder = '{recipe.decoder}'", recipe.decoder)]
    if recipe.function is None and recipe.resize != "none":
        library = recipe.kernel.partition(":")[0]
        found.append((f"preprocess.kernel = '{recipe.kernel}'", library))
    return [(key, name) for key, name in found if name in LIBRARIES]


def _broken_opencv() -> str | None:
    """Why OpenCV, which is quick to import, cannot be although it is there; else None."""
    library = LIBRARIES["opencv"]
    try:
        open_library(library)
    except AdapterError as error:
        reason = error.facts["reason"]
        return f"{library.name} cannot be imported ({reason}); install it with: {library.install}"
    return None


def opencv(setting: str) -> Any:
    """``cv2``; ``setting`` names in ``LibraryMissing`` what asked for it."""
    try:
        return open_library(LIBRARIES["opencv"])
    except AdapterError as error:
        reason = absent(LIBRARIES["opencv"]) or _broken_opencv() or str(error)
        raise LibraryMissing(setting, reason) from error


def tensorflow(setting: str) -> Any:
    """TensorFlow, started; ``setting`` names in ``LibraryMissing`` what asked for it."""
    try:
        return tf_common.start(_THREADS)
    except AdapterError as error:
        raise LibraryMissing(setting, str(error.facts["reason"])) from error


def torch(setting: str) -> Any:
    """PyTorch; ``setting`` names in ``LibraryMissing`` what asked for it."""
    try:
        with quiet():
            return open_library(LIBRARIES["torch"])
    except AdapterError as error:
        raise LibraryMissing(setting, str(error.facts["reason"])) from error
