"""Arithmetic of tensors, without any graph: distances, grids, formats, scales.

May use numpy and ``parity.tensors``, and nothing else of ``layers/``. Begin with ``divergence.py``
(how far one tensor is from another) and ``grids.py`` (the values that a quantised tensor can hold).
"""
