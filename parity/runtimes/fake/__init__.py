"""A Python function as a runtime, for tests of what lies above the adapters: ``adapter.py``."""
