"""What several families' heads have in common; nothing here knows a family.

Begin with ``candidates.py``: what decoding yields before NMS, and the checks of every head.
``binding.py`` tells which output is which head. ``roles.py``, ``predictions.py`` (YOLO's rows),
``queries.py`` (transformers), ``detected.py`` (NMS inside), ``cells.py`` and ``priors.py`` read
heads of one kind each. ``ranges.py`` and ``units.py`` refuse values of another unit or step,
``answers.py`` those of code that is not ours. Uses numpy and ``parity.boxes``.
"""
