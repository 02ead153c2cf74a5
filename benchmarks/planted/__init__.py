"""Pairs of sides for ``benchmarks/verdicts.py``: made up, damaged, and what must come of them."""
