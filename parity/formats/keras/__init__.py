"""Keras' files, of Keras 2 and 3: archives (``archive.py``) and HDF5 (``hdf5_file.py``).

Both hold a configuration, which is JSON and is never handed to Keras, and weights, whose numbers
are not read: only their shapes, and whether all of them lie in the file.
"""
