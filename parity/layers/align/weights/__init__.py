"""Layers recognised by their weights: which op of one graph holds which weight of the other.

May use ``graph/`` and ``numbers/``, and nothing else of ``align/``. Begin with ``anchors.py``,
which pairs layers; ``signatures.py`` is what a weight is recognised by, ``weight_matrix.py`` how
one lies, channel by channel.
"""
