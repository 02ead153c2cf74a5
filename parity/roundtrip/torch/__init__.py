"""PyTorch: how a module is saved and read back (``trips.py``), and why something of it was lost."""
