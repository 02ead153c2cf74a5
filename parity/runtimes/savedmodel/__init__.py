"""TensorFlow's SavedModels. Begin with ``adapter.py``; ``graph.py`` shows what is inside."""
