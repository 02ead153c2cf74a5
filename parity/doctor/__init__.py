"""What is installed here and what of this machine changes numbers; no framework is imported.

Begin with ``examination.py``, which is all of it as data; ``text.py`` prints that.
"""
