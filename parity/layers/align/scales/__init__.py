"""Channels that are scaled on one side: folded batch norms and cross-layer equalisation.

May use ``weights/`` and ``matching.py``. Begin with ``equalisation.py``, which says what the scales
are for; ``affine.py`` is a layer with the norms behind it, ``layer_scales.py`` what lies between
the weights of two layers, ``output_scales.py`` what that makes of their outputs.
"""
