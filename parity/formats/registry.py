"""The formats, in the order in which they are asked whether a file is theirs: the one list."""

from typing import Callable, Optional, Tuple

from .model_file import ModelFile, Start

Asked = Callable[[Start], Optional[ModelFile]]

FORMATS: Tuple[Asked, ...] = ()
