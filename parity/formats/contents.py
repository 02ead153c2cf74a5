"""What is in a model file, as data: the answer of ``ModelFile.describe``."""

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple, Union


@dataclass(frozen=True)
class Tensor:
    """One input or output as the file declares it.

    ``shape`` is None where the file does not say; a dimension is None where it is free, and a text
    where the file names it. ``dtype`` is numpy's name, or "" where the file does not say.
    """

    name: str
    dtype: str = ""
    shape: Optional[Tuple[Union[int, str, None], ...]] = None


@dataclass(frozen=True)
class Contents:
    """What the reader of one format found.

    ``form`` says more than the kind ("whole model of Keras 2"). ``facts`` are the format's own, as
    JSON data, in the order in which they are shown. ``parameters`` counts the stored numbers:
    weights and buffers, without the state of an optimizer. ``notes`` are what is remarkable,
    ``faults`` what is wrong with the file, each one sentence that says what to do.
    """

    form: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: Tuple[Tensor, ...] = ()
    outputs: Tuple[Tensor, ...] = ()
    parameters: Optional[int] = None
    written_by: Optional[str] = None
    notes: Tuple[str, ...] = ()
    faults: Tuple[str, ...] = ()
