"""Pickles, followed into inert data: nothing is imported, nothing is called.

Begin with ``machine.follow``. ``operations`` reads what one pickle is told to do, ``values`` is
what comes of it, ``calls`` says which of the names in it are more than data.
"""
