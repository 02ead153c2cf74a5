"""What quantisation must cost each region of a candidate, and whether its ranges fit.

May use ``align/`` and what is before it. Begin with ``expecting.py``, which goes region by region;
``quantized.py`` runs an op twice as a float op, exactly and rounded, with its weights as of
``integer_weights.py``.
"""
