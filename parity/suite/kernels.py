"""The resize kernels that a recipe may name, LIBRARY:KERNEL, each by its library's own word.

Of TensorFlow and torch, three endings: ``-antialias`` widens the kernel where it scales down,
``-align-corners`` puts the centres of the corner pixels onto each other, ``-legacy`` is TensorFlow
1's ``half_pixel_centers=False``. Endings that change nothing there are not offered.
"""

from __future__ import annotations

import difflib

KERNELS = {
    "pillow": ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"),
    "opencv": ("nearest", "nearest-exact", "linear", "linear-exact", "area", "cubic", "lanczos4"),
    "tensorflow": (
        *("bilinear", "bilinear-antialias", "bilinear-align-corners", "bilinear-legacy"),
        *("nearest", "nearest-align-corners", "nearest-legacy"),
        *("bicubic", "bicubic-antialias", "bicubic-align-corners", "bicubic-legacy"),
        *("area", "area-align-corners"),
        *("lanczos3", "lanczos3-antialias", "lanczos5", "lanczos5-antialias"),
        *("gaussian", "gaussian-antialias", "mitchellcubic", "mitchellcubic-antialias"),
    ),
    "torch": (
        *("nearest", "nearest-exact", "area"),
        *("bilinear", "bilinear-antialias", "bilinear-align-corners"),
        *("bicubic", "bicubic-antialias", "bicubic-align-corners"),
    ),
}

WHOLE = ("pillow", "opencv")  # they give uint8 for uint8; the others give floats


def known_kernel(value: str) -> str:
    """A kernel that exists, else ``ValueError`` with the kernels of its library, or of all."""
    library, _, kernel = value.partition(":")
    if kernel in KERNELS.get(library, ()):
        return value
    libraries = [library] if library in KERNELS else list(KERNELS)
    known = [f"{name}:{one}" for name in libraries for one in KERNELS[name]]
    near = difflib.get_close_matches(value, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"expected one of {', '.join(known)}, found {value!r}{hint}")
