"""ONNX's own evaluator, by the definition of each op: slow, and right where kernels may not be.

Begin with ``adapter.py``.
"""
