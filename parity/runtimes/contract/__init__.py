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

from .abilities import Native, Streaming
from .adapter import Adapter
from .data import (
    IMAGE_ID,
    Artifact,
    Dataset,
    Feeds,
    Heads,
    Library,
    Quantization,
    TensorSpec,
    library_of,
)
from .descriptor import Descriptor
from .failure import LOST, AdapterError
from .graph import Graph, Op

__all__ = [
    "IMAGE_ID",
    "LOST",
    "Adapter",
    "AdapterError",
    "Artifact",
    "Dataset",
    "Descriptor",
    "Feeds",
    "Graph",
    "Heads",
    "Library",
    "Native",
    "Op",
    "Quantization",
    "Streaming",
    "TensorSpec",
    "library_of",
]
