"""PyTorch: modules with weights, TorchScript, exported programs. Begin with ``adapter.py``.

``graph.py``, ``recording.py`` and ``operators.py`` show what is inside of a network.
"""
