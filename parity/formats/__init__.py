"""Model files, each format parsed in one place; what is asked of a file are views of that parse.

``opened(path)`` is where to begin: it answers a ``ModelFile`` (``model_file.py``), which says what
the file is (``content``), what loading it would run (``findings()``) and what is in it
(``describe()``). Nothing is loaded, imported or called on the way.

A format is a file here, or a folder where it needs more; ``registry.py`` lists them in the order
in which they are asked. ``archive``, ``hdf5``, ``pickles``, ``protobuf`` and ``flatbuffer`` are
what formats are stored in. A foreign interpreter scans before it loads, so this room keeps to the
standard library and to Python 3.8, and imports nothing from outside of itself.
"""

from .content import Content
from .model_file import ModelFile
from .registry import opened, recognise, written_by

__all__ = ["Content", "ModelFile", "opened", "recognise", "written_by"]
