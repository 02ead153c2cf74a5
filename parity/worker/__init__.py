"""What runs in the other interpreter, and the two halves of the wire to it.

``start.py`` is run by path in an interpreter that need not know this project: Python 3.8 upwards,
numpy 1.19 upwards, nothing else. It forks: the first process is the *keeper* (``keeper.py``), which
outlives whatever the second one, the *worker* (``serving.py``), does.

Two sockets lead to the other side, neither of them stdout, to which native libraries print:

* the *control* socket, to the worker: one JSON object a line. A request is ``{"id": 1, "do":
  "run", "of": 3, "with": [...], "done": [...]}``; ``of`` is the number of an open adapter, ``done``
  names tensors that were read and whose memory may be used again. It is answered by any number of
  ``{"id": 1, "next": ...}`` (streams), then ``{"id": 1, "is": ...}`` or ``{"id": 1, "raised":
  {"code": ..., "facts": ...}}``. Values are as ``packing.py`` writes them.
* the *lifeline*, to the keeper: nothing is ever sent there. When it closes, because the other side
  closed it or is no more, the keeper kills the worker and removes its files. When the worker ends,
  the keeper sends one JSON object: how it ended and the last lines that it wrote.

Tensors are ``.npy`` files in a private folder on shared memory, see ``shelf.py``.
"""
