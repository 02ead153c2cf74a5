"""Images that fail for one reason beside images on which nothing is found."""

from __future__ import annotations

from pathlib import Path

from cli_suites import write_suite

from parity.harness import check
from parity.report.messages.message import runtime_message
from parity.suite import load
from tests.support.suites import edit

FUNCTIONS = """

def nothing_on_black(feeds):
    seen = float(np.asarray(next(iter(feeds.values()))).max()) > 0
    return {"boxes": BOXES, "scores": SCORES * np.float32(seen)}


def bad_unless_black(feeds):
    found = nothing_on_black(feeds)
    return {**found, "boxes": BOXES * np.float32(np.nan)} if found["scores"].any() else found
"""


def test_an_empty_image_beside_nan_is_not_told_as_nothing_detected(tmp_path: Path) -> None:
    """NaN is why nothing was compared, and lowering a threshold would not help."""
    folder = write_suite(tmp_path / "s", {"bad": "bad_unless_black"})
    networks = folder / "networks.py"
    networks.write_text(networks.read_text() + FUNCTIONS)
    edit(folder, "networks:same", "networks:nothing_on_black")
    record = check(load(folder))
    (found,) = (one for one in record.runtimes if one.name == "bad")
    assert found.verdict == "fail"
    text = runtime_message(found, record.classes)
    assert "images/001.png: nonfinite" in text
    assert "nothing-detected" not in text
    assert "score_threshold" not in text
