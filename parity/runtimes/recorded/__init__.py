"""What another program has found, read from what it wrote. Begin with ``adapter.py``."""
