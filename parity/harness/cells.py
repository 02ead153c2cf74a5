"""A cell of a matrix that has been run: what is to be known of it, and its record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from parity.diagnosis import Change, Facts, Ran, changes
from parity.errors import NotJudged, RuntimeMissing
from parity.record import Failure, RuntimeRecord, Verdict
from parity.record.matrix import CellRecord, Comparison, Divergent, comparison


@dataclass(frozen=True)
class Judged:
    """A cell that has been run: its records, and what stood in the way."""

    ran: Ran
    opened: bool
    reference: RuntimeRecord
    first: RuntimeRecord | None
    failure: Failure | None
    saved_by: str

    @property
    def runs(self) -> bool:
        """Whether it was loaded and run, whatever became of the side to compare it with."""
        return not own(self.failure)


def own(failure: Failure | None) -> bool:
    """Whether a failure is the cell's own, and not that of what it is judged against."""
    return failure is not None and failure.kind != NotJudged.__name__


def facts_of(first: Judged, cell: Judged) -> Facts:
    return Facts(
        changes=changes(first.ran, cell.ran) if cell is not first else (),
        loads=cell.opened,
        runs=cell.runs,
        holds=_holds(cell.reference),
        alike=None if cell.first is None else _holds(cell.first),
        first_runs=first.runs,
        first_holds=_holds(first.reference),
        identical=cell.first is not None and _identical(cell.first),
        tried=_tried(cell),
        first_tried=_tried(first),
        partly=any(image.failure is None for image in cell.reference.images),
    )


def _tried(cell: Judged) -> bool:
    """Whether its library and environment are here."""
    return cell.failure is None or cell.failure.kind != RuntimeMissing.__name__


def _holds(record: RuntimeRecord) -> bool | None:
    return {"pass": True, "fail": False}.get(str(record.verdict))


def _identical(record: RuntimeRecord) -> bool:
    """Whether every raw head of every image was compared and is the same number by number."""
    return all(
        image.heads and all(head.max_abs == 0 for head in image.heads) for image in record.images
    )


def cell_record(
    name: str,
    judged: Judged,
    changed: tuple[Change, ...],
    said: str,
    divergent: Divergent | None,
    allow_missing: bool,
) -> CellRecord:
    record, failure = judged.reference, _told(judged)
    skipped = failure is not None and failure.kind == RuntimeMissing.__name__ and allow_missing
    first = None if judged.first is None else _compared(judged.first)
    verdicts = {record.verdict, None if first is None else first.verdict}
    verdict: Verdict = "fail" if "fail" in verdicts else "pass"
    if failure is not None:
        verdict = "skipped" if skipped else "error"
    times = [
        one.statistics.milliseconds for one in (record, judged.first) if one and one.statistics
    ]
    return CellRecord(
        name=name,
        verdict=verdict,
        loaded=judged.opened,
        changes=tuple(change.text for change in changed),
        reference=_compared(record),
        first=first,
        meaning=said,
        tolerance=record.tolerance,
        failure=failure,
        identity=record.identity,
        saved_by=judged.saved_by,
        artifacts=record.artifacts,
        divergent=divergent,
        hints=record.hints,
        milliseconds=next((one for one in times if one is not None), None),
    )


def _compared(record: RuntimeRecord) -> Comparison:
    compared = any(image.failure is None for image in record.images)
    return comparison(record, record.verdict if compared else None, _identical(record))


def _told(judged: Judged) -> Failure | None:
    """What stood in the way."""
    failure = judged.failure
    if failure is None:
        return None
    return replace(failure, message=unnamed(failure.message, judged.reference.name, judged.ran))


def unnamed(message: str, key: str, ran: Ran) -> str:
    """A message without the name in front, which is the runtime's and not the cell's."""
    for name in (key, ran.runtime.name):
        message = message.removeprefix(f"{name}: ")
    return message
