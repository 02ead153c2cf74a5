"""HDF5: ``file.py`` is where to begin; it builds on headers, groups, heaps and their bytes."""
