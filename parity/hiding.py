"""Files that hide a library from Python: a ``numpy.py`` in a folder that comes first on its path.

``python -m pytest`` puts the working directory there, ``PYTHONPATH`` whatever it names. Nothing is
imported here that could be hidden itself.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

_LIBRARIES = (
    *("numpy", "scipy", "pandas", "cv2", "PIL", "pydantic", "rich", "filelock", "packaging"),
    *("matplotlib", "pycocotools"),
)


def hidden() -> str | None:
    """The sentence about a library of parity's own that another file hides; None for none."""
    for name in _LIBRARIES:
        first = _place(PathFinder.find_spec(name))
        if first is None:
            continue
        rest = [one for one in sys.path if os.path.realpath(one or ".") != os.path.dirname(first)]
        other = _place(PathFinder.find_spec(name, rest))
        if other is not None and other != first:
            return (
                f"expected the installed library {name}, found that {first} hides it: run pytest "
                f"or parity itself instead of python -m, without PYTHONPATH, or rename that file"
            )
    return None


def _place(spec: ModuleSpec | None) -> str | None:
    """The file of a module, or the folder of a package."""
    if spec is None or spec.origin is None:
        return None
    path = os.path.realpath(spec.origin)
    return os.path.dirname(path) if spec.submodule_search_locations else path
