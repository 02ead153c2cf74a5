"""TensorFlow Lite in three libraries. Begin with ``adapter.py``."""
