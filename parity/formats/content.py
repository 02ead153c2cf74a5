"""What a file is, in a word for code and in words for people."""

from typing import NamedTuple


class Content(NamedTuple):
    """What was found: a stable ``kind`` for code and a ``phrase`` for messages.

    Kinds: missing, unreadable, directory, savedmodel, empty, lfs, html, text, onnx, tflite, hdf5,
    keras, torchscript, pt2, state-dict, pickle, safetensors, frozen-graph, checkpoint, npz, zip,
    packed, picture, truncated, unknown.
    ``legacy`` is true for a torch checkpoint that is no zip archive.
    """

    kind: str
    phrase: str
    legacy: bool = False
