"""Which family heads look like, asked only where something is to be said.

Begin with ``likely.py``: the ranking of all families by their clues, for messages about heads that
do not fit and for ``parity init``. ``doubts.py``: what is probably declared wrongly although it
decodes. ``room.py``: for how many classes there is room. ``probing.py``: what a function of the
user's own does not read. Nothing here changes a verdict. Uses ``families/`` and what is below.
"""
