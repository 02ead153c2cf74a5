"""What several runtimes share: libraries, options, feeds, opening, tracing, processes.

It may use ``contract/`` and what reads files without a library. Begin with ``opened.py``, the base
of the adapters here, and ``tracing.py``, the base of those that show the inside of a network.
"""
