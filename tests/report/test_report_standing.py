"""What becomes of the report that stands where another is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from report_records import image, lost, pair, reference, runtime, suite

from parity.record import Failure, SuiteRecord, load
from parity.record.completeness import Scope
from parity.report.suite import writing

FILES = ["detections.csv", "results.json", "summary.md"]


def complete(*, holds: bool = True, started: str = "monday") -> SuiteRecord:
    """A run of everything."""
    row = pair() if holds else lost()
    return suite(reference(), runtime("onnx", image("a.png", row)), started=started)


def partial(started: str = "tuesday") -> SuiteRecord:
    """A run of one runtime of two, which holds."""
    return replace(complete(started=started), scope=Scope(("onnx", "tflite"), ("-k onnx",)))


def written(folder: Path, *records: SuiteRecord) -> SuiteRecord:
    """Write one after the other; what stands then."""
    for record in records:
        target = writing.write(record, folder)
    return load(target / "results.json")


def kept(folder: Path) -> SuiteRecord | None:
    """The report that is kept aside."""
    path = folder / "parts-ssd" / writing.COMPLETE
    return load(path / "results.json") if path.exists() else None


def names(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_complete_report_replaces_a_complete_one(tmp_path: Path) -> None:
    """The last run of all is what counts, and nothing is kept."""
    found = written(tmp_path, complete(holds=False), complete(started="tuesday"))
    assert (found.verdict, found.started, found.earlier) == ("pass", "tuesday", None)
    assert kept(tmp_path) is None


def test_a_partial_report_keeps_the_complete_one(tmp_path: Path) -> None:
    """All of its files, and its verdict in the new one."""
    found = written(tmp_path, complete(holds=False), partial())
    assert (found.verdict, found.started) == ("partial", "tuesday")
    assert found.earlier is not None
    assert (found.earlier.verdict, found.earlier.started) == ("fail", "monday")
    before = kept(tmp_path)
    assert before is not None
    assert (before.verdict, before.started) == ("fail", "monday")
    assert names(tmp_path / "parts-ssd" / "complete") == FILES


def test_many_partial_reports_keep_the_same_complete_one(tmp_path: Path) -> None:
    """A partial one never becomes the one that is kept."""
    found = written(tmp_path, complete(holds=False), partial(), partial("wednesday"))
    assert found.started == "wednesday"
    assert found.earlier is not None
    assert found.earlier.started == "monday"
    assert (before := kept(tmp_path)) is not None
    assert before.started == "monday"


def test_the_next_complete_report_ends_it(tmp_path: Path) -> None:
    """Nothing stale is left beside it."""
    found = written(tmp_path, complete(holds=False), partial(), complete(started="friday"))
    assert (found.verdict, found.earlier) == ("pass", None)
    assert names(tmp_path / "parts-ssd") == FILES


def test_a_partial_report_alone_says_nothing_of_another(tmp_path: Path) -> None:
    """There is none."""
    found = written(tmp_path, partial(), partial("wednesday"))
    assert found.earlier is None
    assert names(tmp_path / "parts-ssd") == FILES


def test_a_file_of_somebody_else_is_left_in_the_kept_folder(tmp_path: Path) -> None:
    """Only what was written is removed."""
    written(tmp_path, complete(), partial())
    note = tmp_path / "parts-ssd" / "complete" / "note.txt"
    note.write_text("mine")
    written(tmp_path, complete())
    assert names(note.parent) == ["note.txt"]


def test_a_report_of_an_older_format_is_kept(tmp_path: Path) -> None:
    """It does not say whether it is complete: it is not thrown away for a part."""
    target = tmp_path / "parts-ssd"
    target.mkdir()
    old = {"format": 1, "verdict": "fail", "exit_code": 1, "started": "last year"}
    (target / "results.json").write_text(json.dumps(old))
    found = written(tmp_path, partial())
    assert found.earlier is not None
    assert (found.earlier.verdict, found.earlier.started) == ("fail", "last year")
    assert json.loads((target / "complete" / "results.json").read_text()) == old


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"a": 1}', "\ufeff"])
def test_what_is_no_report_is_not_kept(tmp_path: Path, content: str) -> None:
    """A file that cannot be read is no report of anything."""
    target = tmp_path / "parts-ssd"
    target.mkdir()
    (target / "results.json").write_text(content)
    assert written(tmp_path, partial()).earlier is None
    assert names(target) == FILES


def test_a_mark_is_written_only_where_a_report_stands(tmp_path: Path) -> None:
    """A suite that does not load makes no folder of its own."""
    failure = Failure("SuiteError", "parity.toml: 1 problem", 2)
    mark = replace(complete(), runtimes=(), images=(), reference="", failure=failure)
    assert writing.mark([mark], tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
    written(tmp_path, complete())
    assert writing.mark([mark], tmp_path) == (tmp_path / "parts-ssd",)
    found = load(tmp_path / "parts-ssd" / "results.json")
    assert (found.verdict, found.exit_code, found.partial) == ("error", 2, True)
    assert (before := kept(tmp_path)) is not None
    assert before.verdict == "pass"
