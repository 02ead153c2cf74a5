"""What heads look like on one image, and what that is worth as evidence; no family is known here.

Begin with ``evidence.py``: clues, their sum, and the heads as rules look at them. ``looks.py``
describes a head in words. ``pairs.py`` (boxes beside scores), ``rows.py`` (one head of rows) and
``inside.py`` (detections in several heads) are what the clues of several families share. Uses
``heads/``.
"""
