"""An adapter that is open from its constructor on: what it takes, what it may not be fed."""

from typing import Any, Dict, Mapping

import numpy as np

from ..contract import Adapter, AdapterError, Artifact, Feeds, Heads
from .feeds import check_feeds
from .options import take_options
from .reasons import failed_run


class OpenedAdapter(Adapter):
    """An adapter that is open from its constructor on; ``run`` checks, then calls ``_run``."""

    options: Dict[str, Any]

    def __init__(self, artifact: Artifact, known: Mapping[str, Any]) -> None:
        self.artifact = artifact
        self.options = take_options(artifact.options, known)
        self._closed = False

    def run(self, feeds: Feeds) -> Heads:
        """Check the feeds against ``inputs()``, run once, return outputs that own their memory."""
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        specs = self.inputs()
        check_feeds(specs, feeds)
        ordered = {spec.name: np.ascontiguousarray(feeds[spec.name]) for spec in specs}
        for spec in specs:  # ascontiguousarray makes a scalar one-dimensional
            ordered[spec.name] = ordered[spec.name].reshape(np.shape(feeds[spec.name]))
        try:
            heads = self._run(ordered)
            return {name: np.array(value, copy=True, order="C") for name, value in heads.items()}
        except AdapterError:
            raise
        except (Exception, SystemExit) as error:
            raise failed_run(error) from error

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        raise NotImplementedError

    def close(self) -> None:
        """Release what the library holds; every later run fails."""
        self._closed = True
        self._release()

    def _release(self) -> None:
        """Drop the references to the library's objects."""
