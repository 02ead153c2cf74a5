"""The version, for whoever writes it down: the package itself imports nothing to tell it."""

__version__ = "0.1.0"
