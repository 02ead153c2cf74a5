"""Which tensor of the candidate is which tensor of the reference.

May use ``subjects/``, ``graph/`` and ``numbers/``. Begin with ``alignment.py``, which calls the
others in turn: weights that are alike (``weights/``), channels that are scaled (``scales/``), what
follows from them and the graphs (``structure.py``), values under teacher forcing (``forcing.py``).
``matching.py`` holds the pairs found so far, ``regions.py`` the ops between paired tensors.
"""
