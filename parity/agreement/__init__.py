"""Agreement of two sets of detections: pairing, judging, budgets. Pure functions on data.

``judge`` compares one image, ``budget`` a whole suite; both return findings, never messages.
"""

from parity.agreement.budget import Budget, Share, budget
from parity.agreement.findings import Finding
from parity.agreement.heads import (
    HeadDifference,
    check_heads,
    constant_heads,
    differences,
    nonfinite,
)
from parity.agreement.inputs import (
    InputDifference,
    InputsDiffer,
    input_difference,
    inputs_differ,
)
from parity.agreement.judging import judge
from parity.agreement.pairing import Pairs, pair
from parity.agreement.rows import ImageAgreement, Row, Twin
from parity.agreement.settings import changed_by_settings, under_settings

__all__ = [
    "Budget",
    "Finding",
    "HeadDifference",
    "ImageAgreement",
    "InputDifference",
    "InputsDiffer",
    "Pairs",
    "Row",
    "Share",
    "Twin",
    "budget",
    "changed_by_settings",
    "check_heads",
    "constant_heads",
    "differences",
    "input_difference",
    "inputs_differ",
    "judge",
    "nonfinite",
    "pair",
    "under_settings",
]
