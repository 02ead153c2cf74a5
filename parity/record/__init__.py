"""Results as data: what was run, what was found, the verdicts. Versioned JSON that round-trips.

Begin with ``results.py``, a suite's record from its images up; ``matrix.py`` and ``roundtrip.py``
are the records of those commands. ``statistics.py`` fills what follows from images, ``codec.py``
writes and reads all of them. A record judges nothing and words nothing: ``report/`` does.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from parity.record.codec import document, document_data, from_data, to_data
from parity.record.failure import Failure
from parity.record.results import (
    ArtifactRecord,
    ImageRecord,
    RuntimeRecord,
    Spread,
    Statistics,
    SuiteRecord,
    Verdict,
)
from parity.record.statistics import statistics, with_images

__all__ = [
    "ArtifactRecord",
    "Failure",
    "ImageRecord",
    "RuntimeRecord",
    "Spread",
    "Statistics",
    "SuiteRecord",
    "Verdict",
    "document",
    "document_data",
    "from_data",
    "load",
    "now",
    "statistics",
    "to_data",
    "with_images",
]


def load(path: Path) -> SuiteRecord:
    """Read ``results.json``. Raises ``UsageError`` for another format."""
    return document(SuiteRecord, json.loads(path.read_text(encoding="utf-8")))


def now() -> str:
    """The time at which a run starts, in UTC, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
