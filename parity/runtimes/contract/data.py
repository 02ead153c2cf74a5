"""What goes in and out of an adapter, as data. Standard library and numpy, Python 3.8 syntax."""

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

import numpy as np

Feeds = Mapping[str, np.ndarray]
Heads = Dict[str, np.ndarray]
IMAGE_ID = "str"
"""The dtype of an input that takes an image's id, an array of no dimension, not its pixels."""


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


class Library(NamedTuple):
    """What an adapter needs: the module, the name that users know, how to install it.

    ``distributions`` are the packages that may bring it, the one that ``install`` installs first;
    empty for the one of its name. ``extra`` is that of this package which installs it, or "".
    """

    module: str
    name: str
    install: str
    distributions: Tuple[str, ...] = ()
    extra: str = ""


def library_of(extra: str, module: str, *distributions: str) -> Library:
    """A library that an extra of this package installs, under its distribution's name."""
    install = f"pip install 'detector-parity[{extra}]'"
    return Library(module, distributions[0], install, distributions, extra)
