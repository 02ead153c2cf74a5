"""Looking at model files: what they are, what is in them, what would load them; nothing runs.

``looking.inspect`` is the entry. ``parity.formats`` reads the files; only the question whether a
runtime loads one is put to that runtime, in another process.
"""
