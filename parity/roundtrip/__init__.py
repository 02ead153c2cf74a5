"""Round trips: a native model saved, read back and compared in each format of its framework.

``keras_trips`` and ``torch_trips`` save and read back; ``outputs`` and ``weights`` compare;
``keras_causes``, ``torch_causes`` and ``averages`` say why something was lost. What a model is
read back with are the suite's own adapters, so that nothing is read back that a suite could not
read. Frameworks are imported only when a model of theirs is open.
"""
