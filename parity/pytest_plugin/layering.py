"""``--parity-layers``: which layer a runtime that failed should be looked at first."""

from __future__ import annotations

import pytest

from parity.pytest_plugin.results import report_folder
from parity.suite import Suite


def layers_message(config: pytest.Config, suite: Suite, runtime: str) -> str:
    """The top suspects of a runtime, and with a report folder its tables, written there."""
    if runtime == suite.reference:
        return "layers: a reference that drifted has no other network to be compared with"
    from parity.harness.layering import layers
    from parity.report.folders import unwritten
    from parity.report.layers.files import write_layers
    from parity.report.layers.text import layers_text

    folder = report_folder(config)
    replays = None if folder is None else folder / suite.name / f"replay-{runtime}"
    found = layers(suite, runtime, replays=replays)
    if found.table is None:
        reason = "" if found.failure is None else found.failure.message
        return f"layers: could not be compared: {reason}"
    notes = found.notes
    if folder is not None:
        try:
            write_layers(folder, suite.name, runtime, found.table)
        except OSError as failure:
            notes = (*notes, str(unwritten("--parity-report", folder, failure)))
    return "layers: " + layers_text(runtime, found.table, found.replays, notes).rstrip()
