"""How each format of graphs says what an op means: one object a format, one file each.

May use ``roles.py`` and ``parity.runtimes.contract``. Begin with ``dialect.py``, the questions that
all answer; its answers are TensorFlow's, and a format overrides those that are its own.
"""
