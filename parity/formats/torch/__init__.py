"""Torch's files: checkpoints (zipped, and plain pickles), TorchScript, exported programs.

Begin with ``checkpoint``, ``plain``, ``script`` and ``program``, one for each form of file;
``*_calls`` and ``symbolic`` say what of a program is more than tensor operations.
"""
