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
    """A kernel that exists, else ``ValueError`` with what may be meant and what its library has."""
    library, _, kernel = value.partition(":")
    if kernel in KERNELS.get(library, ()):
        return value
    if library in KERNELS:
        near = difflib.get_close_matches(kernel, KERNELS[library], n=1)
        meant = [f"{library}:{one}" for one in near]
        listed = ", ".join(KERNELS[library])
        wanted, known = f"a kernel of {library}", f" ({library} has {listed})"
    else:
        word = kernel or library
        meant = [f"{name}:{word}" for name, kernels in KERNELS.items() if word in kernels]
        meant = meant or difflib.get_close_matches(value, _every(), n=1)
        wanted, known = f"LIBRARY:KERNEL with one of {', '.join(KERNELS)} as the library", ""
    hint = f", did you mean {' or '.join(map(repr, meant))}?" if meant else ""
    raise ValueError(f"expected {wanted}, found {value!r}{hint}{known}")


def _every() -> list[str]:
    return [f"{library}:{kernel}" for library, kernels in KERNELS.items() for kernel in kernels]
