"""What a failed image or runtime is told in: whole messages, and the sentences they are made of.

Begin with ``message.py``: it puts together what ``inputs.py`` says of the inputs, ``wording/`` of
each finding, and ``offending.py`` of the rows. A ``Scene`` is what they all speak of.
"""
