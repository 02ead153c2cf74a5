"""The networks that the tests of families build are looked at here too."""

import sys
from pathlib import Path

FAMILIES = Path(__file__).parents[1] / "decode" / "families"
sys.path[:0] = [str(FAMILIES), str(FAMILIES.parent)]
