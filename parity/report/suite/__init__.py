"""The report of a suite: its overview, and the files and the text made of it.

``overview.py`` is the model: every verdict's line and the table, in words that all share.
``terminal.py`` and ``summary.py`` (Markdown) render it, ``detections.py`` is the CSV of every
object, ``writing.py`` keeps the folder that holds them.
"""
