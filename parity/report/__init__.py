"""Records rendered: messages, tables, Markdown, CSV and JSON. Reads records and judges nothing.

``messages`` words a disagreement, ``terminal`` prints a suite's table, ``summary`` is the Markdown
of a CI job, ``tables`` the CSV, ``writing`` the folder that holds them.
"""
