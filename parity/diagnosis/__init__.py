"""Why a candidate disagrees: its settings, the look of its rows, what would have agreed.

Nothing here changes a verdict: these are sentences beside one.
"""

from parity.diagnosis.changes import Change, Facts, Ran, changes, first_meaning, meaning
from parity.diagnosis.patterns import hints
from parity.diagnosis.precision import quantised_hint
from parity.diagnosis.probes import probe
from parity.diagnosis.scale import scale_note
from parity.diagnosis.settings import recipe_keys, settings_notes

__all__ = [
    "Change",
    "Facts",
    "Ran",
    "changes",
    "first_meaning",
    "hints",
    "meaning",
    "probe",
    "quantised_hint",
    "recipe_keys",
    "scale_note",
    "settings_notes",
]
