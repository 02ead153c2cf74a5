"""Networks open for looking: traced, and cut into single ops that run in their own runtime.

May use ``graph/``, ``numbers/`` and, to open runtimes, what is below ``layers/``. Begin with
``subject.py``, the face that all networks show, then ``opening.py``; ``file_subject.py`` is what
formats of files share, ``onnx/`` and ``tflite/`` hold one format each.
"""
