"""TFLite: the model (``model.py``), its subgraphs, and how they are quantised, by schema.fbs."""
