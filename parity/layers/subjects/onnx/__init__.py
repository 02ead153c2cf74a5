"""ONNX files: read as graphs (``file.py``), cut into single ops (``cut.py``), run and traced
(``subject.py``, where to begin). May use what the formats of files share, and not ``tflite/``.
"""
