"""A runtime that is a Python function, for the tests of everything above the adapters.

``model`` is "module:function" in the folder; the function takes a dict of arrays and returns one.
Options: ``inputs`` and ``outputs`` (name → shape, or name → {shape, dtype}), ``library``,
``version``, ``threads``.
"""

from typing import Any, Dict, Mapping, Tuple

import numpy as np

from ..contract import Artifact, TensorSpec
from ..shared import resolve
from ..shared.machine import machine
from ..shared.opened import OpenedAdapter
from .descriptor import DESCRIPTOR


class Fake(OpenedAdapter):
    """One function of the suite's folder."""

    kind = "fake"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        self._function = resolve.resolve(artifact.model, artifact.folder)

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """Whatever the options declare."""
        return self.options["inputs"]  # type: ignore[no-any-return]

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """Whatever the options declare."""
        return self.options["outputs"]  # type: ignore[no-any-return]

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        with resolve.siblings(self.artifact.folder):
            return dict(self._function(feeds))

    def identity(self) -> Dict[str, Any]:
        """The library and version that the options claim."""
        return {
            "library": self.options["library"] or "fake",
            "version": self.options["version"] or "0",
            "threads": self.options["threads"],
            **machine(),
        }
