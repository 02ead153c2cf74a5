"""Looking at model files: what they are, what is in them, what would load them; nothing runs.

``looking.inspect`` is the entry. Each format has a
reader of its own that needs no framework; only the question whether a runtime loads the file is put
to that runtime, in another process.
"""
