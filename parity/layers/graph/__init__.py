"""What a network's ops mean, whatever format they come in, and how its tensors are laid out.

May use ``parity.runtimes.contract``, which is a network as data, and ``numbers/``. Begin with
``semantics.py`` (the role of an op) and ``view.py`` (a graph made ready for questions); a layout is
defined in ``layout.py`` and found in ``layout_inference.py``.
"""
