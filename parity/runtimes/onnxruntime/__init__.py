"""ONNX Runtime. Begin with ``adapter.py``; the rest says why a file or a provider was refused."""
