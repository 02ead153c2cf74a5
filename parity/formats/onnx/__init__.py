"""ONNX: the model (``model.py``) and its files of weights (``external.py``), by onnx/onnx.proto."""
