"""Keras 3, and Keras 2 where that is installed. Begin with ``adapter.py``.

``installed.py`` says which Keras there is; ``keras3_graph.py`` and ``keras2_graph.py`` show what is
inside of a network.
"""
