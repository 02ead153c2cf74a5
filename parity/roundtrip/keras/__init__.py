"""Keras: how a model is saved and read back (``trips.py``), and why something of it was lost."""
