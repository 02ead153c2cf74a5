"""One file an exporter, each with ``make(job, target)``; ``methods.py`` above says which is whose.

A framework is imported inside the function that calls it, and nowhere else in ``parity/export``.
``onnx_files`` and ``torch_archive`` are what several exporters share.
"""
