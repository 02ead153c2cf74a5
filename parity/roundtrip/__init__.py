"""Round trips: a native model saved, read back and compared in each format of its framework.

``keras/`` and ``torch/`` save, read back and say why something was lost, as ``averages`` does;
``outputs`` and ``weights`` compare. Begin with ``tripping.py``. What a model is
read back with are the suite's own adapters, so that nothing is read back that a suite could not
read. Frameworks are imported only when a model of theirs is open.
"""
