"""Two networks compared, region by region: what was measured, who is to blame, the table.

May use every other room. Begin with ``comparing.py`` (image after image), ``causes.py`` (which
region introduced an error) and ``table.py`` (what comes out); ``rows.py`` puts them together.
"""
