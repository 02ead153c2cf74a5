"""results.json, detections.csv and the folder that holds them."""

import csv
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from report_records import CLASSES, extra, image, lost, pair, reference, runtime, suite

from parity.agreement import HeadDifference
from parity.errors import UsageError
from parity.record import document_data, load
from parity.report.suite import detections as tables
from parity.report.suite import writing


def example(**changes):  # type: ignore[no-untyped-def]
    """A suite with a pair, a lost and an extra detection."""
    return suite(reference(), runtime("onnx", image("a.png", pair(), lost(), extra())), **changes)


def read(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def test_a_report_is_three_files_in_a_folder_of_the_detector(tmp_path: Path) -> None:
    """Nothing else is left behind."""
    folder = writing.write(example(), tmp_path)
    assert folder == tmp_path / "parts-ssd"
    assert sorted(os.listdir(folder)) == ["detections.csv", "results.json", "summary.md"]


def test_results_start_with_the_format_version(tmp_path: Path) -> None:
    """A reader knows what it reads before it reads it."""
    path = writing.write(example(), tmp_path) / "results.json"
    assert path.read_text().startswith('{\n "format": 2,\n "verdict": "fail",\n "exit_code": 1,')


def test_results_read_back_as_the_same_record(tmp_path: Path) -> None:
    """results.json holds all of a record."""
    record = example()
    found = load(writing.write(record, tmp_path) / "results.json")
    assert found.runtimes[1].statistics == record.runtimes[1].statistics
    assert document_data(found) == document_data(record)


def test_what_json_has_no_number_for_is_text_that_reads_back(tmp_path: Path) -> None:
    """Infinity is never a bare word in the file, nor lost."""
    one = replace(image("a.png", pair()), heads=(HeadDifference("s", math.inf, math.nan),))
    path = writing.write(suite(reference(), runtime("onnx", one)), tmp_path) / "results.json"
    json.loads(path.read_text(), parse_constant=pytest.fail)
    (head,) = load(path).runtimes[1].images[0].heads
    assert head.max_abs == math.inf
    assert math.isnan(head.rel_l2)


def test_a_row_of_the_csv_for_every_row() -> None:
    """Runtime, image, kind, classes, scores and boxes; empty where there is none."""
    rows = read(tables.detections_csv(example()))
    assert [row["kind"] for row in rows] == ["pair", "lost", "extra"]
    assert list(rows[0]) == list(tables.COLUMNS)
    assert rows[0]["within"] == "True"
    assert (rows[1]["reference_class"], rows[1]["reference_class_id"]) == ("nut", "1")
    assert (rows[1]["candidate_class"], rows[1]["iou"], rows[1]["candidate_x1"]) == ("", "", "")
    assert (rows[2]["candidate_class_id"], rows[2]["candidate_score"]) == ("2", "0.71")


def test_a_csv_without_rows_still_has_its_header() -> None:
    """A suite that could not be judged gives a table of nothing."""
    assert tables.detections_csv(suite(reference())) == ",".join(tables.COLUMNS) + "\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " ="])
def test_names_are_no_formulas(start: str) -> None:
    """A spreadsheet shows a class called =1+1 as text; numbers keep their sign."""
    one = image(f"{start}a.png", pair(reference_score=0.95), lost())
    record = suite(reference(), runtime("onnx", one), classes=("x", f"{start}1+1", "y"))
    first, second = read(tables.detections_csv(record))
    assert first["image"] == f"'{start}a.png"
    assert second["reference_class"] == f"'{start}1+1"
    assert float(first["score_diff"]) < 0


@pytest.mark.parametrize(
    ("name", "cell"), [('a,"b', 'a,"b'), ("a\nb", "a\\nb"), ("a\rb", "a\\rb"), ("\t=1", "\\t=1")]
)
def test_a_class_name_stays_one_cell(name: str, cell: str) -> None:
    """Commas and quotes are quoted, control characters become escapes."""
    rows = read(tables.detections_csv(example(classes=(name, "x", "y"))))
    assert [row["reference_class"] for row in rows] == [cell, "x", ""]


def test_a_file_name_that_is_not_utf_8_can_be_reported(tmp_path: Path) -> None:
    """Linux allows any bytes in a file name."""
    record = suite(reference(), runtime("onnx", image("a\udcff.png", lost())))
    folder = writing.write(record, tmp_path)
    assert load(folder / "results.json").runtimes[1].images[0].image == "a\udcff.png"
    assert "a\\udcff.png" in (folder / "detections.csv").read_text()


@pytest.mark.parametrize("name", ["..", "a/b", "/tmp/x", "", ".hidden", "a\\b", "a\n", "-x"])
def test_a_detector_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """A record from elsewhere may have any name: it is refused, and nothing is written."""
    with pytest.raises(UsageError, match="expected a detector name of letters"):
        writing.write(example(detector=name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_suites_of_one_name_are_refused(tmp_path: Path) -> None:
    """Neither report is written: one would be lost."""
    with pytest.raises(UsageError) as caught:
        writing.write_many([example(), example(detector="Parts-SSD")], tmp_path / "out")
    assert str(caught.value) == (
        "expected suites of different names in one run, found 'parts-ssd' and 'Parts-SSD': "
        "give each its own detector.name"
    )
    assert not (tmp_path / "out").exists()


def test_several_suites_get_a_folder_each(tmp_path: Path) -> None:
    """In the order they were given."""
    folders = writing.write_many([example(), example(detector="other")], tmp_path)
    assert [folder.name for folder in folders] == ["parts-ssd", "other"]


def test_a_write_that_fails_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file that cannot be put in place stops the rest; nothing half-written stays."""
    folder = writing.write(example(), tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refuse(*_: object) -> None:
        raise OSError("disk is gone")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk is gone"):
        writing.write(example(started="later"), tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_killed_write_leaves_the_old_report(tmp_path: Path) -> None:
    """kill -9 in the middle of writing: results, table and summary are still the old ones."""
    folder = writing.write(example(), tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from parity.record import load\n"
        "from parity.report.suite import writing\n"
        "from dataclasses import replace\n"
        "record = load(Path(sys.argv[1]) / 'parts-ssd' / 'results.json')\n"
        "calls = []\n"
        "def fsync(handle):\n"
        "    calls.append(handle)\n"
        "    if len(calls) == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = fsync\n"
        "writing.write(replace(record, started='later'), Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_class_numbers_beyond_the_list_have_no_name() -> None:
    """A candidate that answers with an unknown class is reported by its number."""
    record = suite(reference(), runtime("onnx", image("a.png", pair(candidate_class=9))))
    (row,) = read(tables.detections_csv(record))
    assert (row["candidate_class"], row["candidate_class_id"]) == ("", "9")
    assert len(CLASSES) == 3
