"""What every adapter is and may raise. Standard library and numpy only, Python 3.8 syntax.

An adapter opens one artifact and answers for it::

    adapter = OnnxRuntime(Artifact(model="/suite/detector.onnx"))
    adapter.inputs()     # (TensorSpec("image", (1, 3, 240, 320), "float32"),)
    adapter.outputs()    # (TensorSpec("boxes", ...), TensorSpec("scores", ...))
    adapter.run({"image": array})   # {"boxes": array, "scores": array}
    adapter.identity()   # {"library": "onnxruntime", "version": "1.31.1", "threads": 1, ...}
    adapter.close()

Arrays go in and come out raw: in the dtype, layout and quantisation of the artifact itself. Whoever
calls the adapter converts (see ``parity.tensors``), so that each conversion exists once.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

if TYPE_CHECKING:
    from .graph import Graph

Feeds = Mapping[str, np.ndarray]
Heads = Dict[str, np.ndarray]
IMAGE_ID = "str"
"""The dtype of an input that takes an image's id, an array of no dimension, not its pixels."""
LOST = ("worker-lost", "timed-out", "out-of-memory")
_NO_INSIDE = "this runtime does not show what is inside a network"


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation of one tensor: ``real = (q - zero_point) * scale``.

    ``scale`` and ``zero_point`` hold one value, or one per channel along ``axis``.
    Source: the TensorFlow Lite 8-bit quantization specification.
    """

    scale: Tuple[float, ...]
    zero_point: Tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape, dtype and quantisation of one input or output as the artifact declares it.

    ``shape`` is None where the runtime declares none (a plain torch module); a dimension is None
    where it is dynamic. ``dtype`` is numpy's name of it, or "" where none is declared. ``source``
    is "op:position" of an output that an op with a fixed order of outputs makes, else "".
    """

    name: str
    shape: Optional[Tuple[Optional[int], ...]]
    dtype: str
    quantization: Optional[Quantization] = None
    source: str = ""


@dataclass(frozen=True)
class Dataset:
    """What a suite calls its images and classes: for heads that another program has named.

    ``images`` are ids, paths relative to the suite with forward slashes; ``labels`` is the path of
    its COCO annotations.
    """

    images: Tuple[str, ...] = ()
    classes: Tuple[str, ...] = ()
    labels: Optional[str] = None


@dataclass(frozen=True)
class Artifact:
    """What is asked of an adapter: the file, and how to run it.

    ``model`` is an absolute path, or "module:function" (torch). ``weights`` is the state dict's
    path (torch). ``folder`` is where "module:function" is looked for. ``options`` are the
    runtime's own (see each adapter). ``trust`` allows code that comes with the file to run.
    ``timeout``: seconds for one image, for an adapter that can end a run by itself.
    """

    model: str
    weights: Optional[str] = None
    folder: Optional[str] = None
    options: Mapping[str, Any] = field(default_factory=dict)
    trust: bool = False
    timeout: Optional[float] = None
    dataset: Dataset = Dataset()


class AdapterError(Exception):
    """A failure as data: a stable code and the facts a message needs.

    ``session.py`` words it. Codes and facts: ``unknown-kind`` (kind, known), ``missing-library``
    (library, reason, install), ``broken-library`` (the same, of one that is installed; fails: to
    "import" or "work"; numpy: the version of it that the library is too old for, else ""),
    ``missing-file`` (path, expected), ``not-loadable`` and ``damaged``
    (path, expected, found, reason), ``not-downloaded``, ``other-format``, ``weights-alone`` and
    ``model-as-weights`` (the same, content; or needed: how the file must be named), ``version``
    (path, expected, what, found, limit, too: "new" or "old", library, reason; or those of
    ``saving.Versions``, where another version of the library saved the file), ``not-registered``
    (path, expected, what, name, detail, library, reason), ``flex`` (path, expected, name, library,
    reason), ``external-data`` (path, expected, file, problem, reason),
    ``missing-weights`` (path, missing, unexpected, mismatched, reason, perhaps entry),
    ``untrusted`` (path, findings), ``bad-option`` (option, value, known, or expected, found),
    ``not-applied`` (option, asked, found, remedy: of a provider, device or delegate),
    ``bad-reference`` (reference, reason, broken: the module that does not import, or ""),
    ``factory-failed`` (reference, reason), ``run-failed`` (reason), ``bad-input`` (reason),
    ``cannot-trace`` (kind, reason),
    ``not-usable`` and ``bad-heads`` (path, expected, found: of a file that another program wrote,
    the whole of it or that of one image), ``not-recorded`` (image, path, others, advice),
    ``program-failed`` (program, expected, found, lines). ``known`` lists names or allowed values. A
    runtime in a process of its own has those of ``LOST`` as well: ``worker-lost`` (how),
    ``timed-out`` (seconds), ``out-of-memory`` (limit, found), each with ``runtime``, ``doing`` and
    ``output``, the last lines that it wrote. In any process ``out-of-memory`` is also what a
    library raised for want of memory: then ``limit`` is None and ``reason`` has its words.
    """

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


class Library(NamedTuple):
    """What an adapter needs: the module, the name that users know, how to install it."""

    module: str
    name: str
    install: str


class Adapter:
    """The base of all adapters; what a runtime cannot do stays as it is here and says so."""

    kind = ""

    @classmethod
    def requires(cls, options: Mapping[str, Any]) -> Tuple[Library, ...]:
        """The libraries without which this runtime cannot run under these options."""
        return ()

    def __init__(self, artifact: Artifact) -> None:
        raise NotImplementedError

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The inputs, in the artifact's order."""
        raise NotImplementedError

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The outputs as declared, in the artifact's order; empty where none are declared."""
        raise NotImplementedError

    def run(self, feeds: Feeds) -> Heads:
        """All outputs by name, in the artifact's order, for one batch of raw inputs by name."""
        raise NotImplementedError

    def graph(self, example: Optional[Feeds] = None) -> "Graph":
        """The network as data; its inputs are called as ``inputs()`` calls them.

        Outputs stand in the order of ``run``'s heads. ``example`` are feeds for a framework that
        knows its network only by running it; the first call decides.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Every tensor that the graph's ops make, with its name, in execution order.

        Quantised tensors come as real numbers. An array may be valid only until the next one is
        asked for.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def replay(self, feeds: Mapping[int, Feeds]) -> Dict[int, Union[Dict[str, np.ndarray], str]]:
        """Single ops by index on their non-constant inputs: outputs by name, or why not.

        Inputs of another dtype are converted to the op's own.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, device, delegate: what else could change a number."""
        raise NotImplementedError

    def check_applied(self) -> None:
        """Raise ``not-applied`` where the options ask for what does not run; asked once, when open.

        A provider, a device or a delegate that was asked for by name and took nothing over. It is
        asked of the deployed artifact alone: of single ops cut out of it, none need fit.
        """

    def notes(self) -> Tuple[str, ...]:
        """What whoever reads the results should know of this artifact."""
        return ()

    def close(self) -> None:
        """Release what the library holds."""
