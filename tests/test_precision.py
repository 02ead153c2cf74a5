"""Mean average precision where a suite has labels: an extra, and said so where it is missing."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from parity.agreement import ImageAgreement
from parity.harness.precision import average_precision, not_evaluated
from parity.record import ImageRecord
from parity.suite import load

NOTHING_FOUND = ImageAgreement((), 0, 0, 0, 0, 0.5, 0.5, 0.4, 0.4, ())


def test_without_pycocotools_no_precision_is_told_and_why(
    golden_suites: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict does not need it; a note says what is missing and how to install it."""
    suite = load(golden_suites / "parts_ssd")
    image = ImageRecord(suite.images[0], "pass", agreement=NOTHING_FOUND)
    assert average_precision(suite, [image]) == {"reference": 0.0, "candidate": 0.0}
    assert not_evaluated(suite) == ()
    found = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name: None if name == "pycocotools" else found(name)
    )
    assert average_precision(suite, [image]) == {}
    assert not_evaluated(suite) == (
        "no mAP although the suite has labels: pycocotools is not installed; "
        "install it with: pip install 'detector-parity[map]'",
    )
