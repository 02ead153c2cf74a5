"""A program that is called once an image: ``adapter.py``."""
