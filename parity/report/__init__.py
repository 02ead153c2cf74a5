"""Records rendered: messages, tables, Markdown, CSV and JSON. Reads records and judges nothing.

A room a report: ``suite/``, ``layers/``, ``matrix/`` and ``roundtrip.py``, none of which uses
another. ``messages/`` words a disagreement. All are made of ``table.py`` (one table as lines,
Markdown or CSV: a column of a report is added to that report's columns), ``terminal.py``,
``markdown.py``, ``folders.py``, ``numbers.py`` and ``text.py``. May use ``record/`` and what is
below it. Begin with ``suite/overview.py``.
"""
