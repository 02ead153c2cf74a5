"""A matrix as data: what every cell of every row did, beside the reference and the first cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from parity.record.failure import Failure
from parity.record.results import ArtifactRecord, RuntimeRecord, Verdict
from parity.suite.tolerance import Tolerance


@dataclass(frozen=True)
class Comparison:
    """One cell against the reference, or against the first cell of its row, over all images.

    ``verdict`` is None where nothing could be compared, as one of the two failed.
    ``findings`` are the codes of what disagrees. ``identical``: every value of every raw head is
    the same on both sides. Largest 1 - IoU and |score difference| are over all pairs.
    """

    verdict: Verdict | None
    findings: tuple[str, ...] = ()
    pairs: int | None = None
    lost: int | None = None
    extra: int | None = None
    class_flips: int | None = None
    max_one_minus_iou: float | None = None
    max_score_diff: float | None = None
    identical: bool = False


@dataclass(frozen=True)
class Divergent:
    """The layer that introduces most of a broken cell's error, or in ``note`` why none is named.

    ``local_rel_l2`` is the relative L2 of its output on the reference's own tensors.
    """

    layer: str = ""
    op: str = ""
    local_rel_l2: float | None = None
    note: str = ""


@dataclass(frozen=True)
class CellRecord:
    """One cell. ``changes`` are the keys that differ from the first cell's, in words.

    ``failure`` is what kept the cell from being loaded, run or compared with the reference;
    ``loaded`` whether it was opened at all. ``meaning`` says what changed the results, if anything.
    ``saved_by``: the library and version that wrote the model file, "" where it does not say.
    ``milliseconds``: median time of the network on one image.
    """

    name: str
    verdict: Verdict
    loaded: bool
    changes: tuple[str, ...]
    reference: Comparison
    first: Comparison | None
    meaning: str
    tolerance: Tolerance
    failure: Failure | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    artifacts: tuple[ArtifactRecord, ...] = ()
    saved_by: str = ""
    divergent: Divergent | None = None
    hints: tuple[str, ...] = ()
    milliseconds: float | None = None

    @property
    def cause(self) -> str:
        """Why there is no verdict; "" where there is one."""
        return self.failure.message if self.failure is not None else ""


@dataclass(frozen=True)
class RowRecord:
    """One row: a runtime of the suite and its cells, the first of which is compared with."""

    name: str
    runtime: str
    kind: str
    cells: tuple[CellRecord, ...]


@dataclass(frozen=True)
class MatrixRecord:
    """The rows of one suite that were run."""

    FORMAT: ClassVar[int] = 1
    DERIVED: ClassVar[tuple[str, ...]] = ("verdict", "exit_code")

    detector: str
    suite: str
    reference: str
    reference_source: str
    images: tuple[str, ...]
    rows: tuple[RowRecord, ...]
    parity_version: str
    started: str
    format: int = FORMAT

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """The cells of all rows."""
        return tuple(cell for row in self.rows for cell in row.cells)

    @property
    def verdict(self) -> Verdict:
        """error before fail before pass; error where no cell of a row was judged."""
        rows = [{cell.verdict for cell in row.cells} for row in self.rows]
        verdicts = set().union(*rows)
        if "error" in verdicts or not all(row & {"pass", "fail"} for row in rows):
            return "error"
        return "fail" if "fail" in verdicts else "pass"

    @property
    def exit_code(self) -> int:
        """0 all hold, 1 one is broken, 2 suite wrong, 3 one was not run; 2 before 3 before 1."""
        if 2 in {failure.exit_code for failure in self._errors()}:
            return 2
        return {"pass": 0, "fail": 1}.get(self.verdict, 3)

    def _errors(self) -> Iterator[Failure]:
        for cell in self.cells:
            if cell.failure is not None and cell.verdict == "error":
                yield cell.failure


def comparison(record: RuntimeRecord, verdict: Verdict | None, identical: bool) -> Comparison:
    """What a matrix keeps of a runtime's record; nothing where nothing was compared."""
    if verdict is None:
        return Comparison(None)
    every = [finding for image in record.images for finding in image.findings]
    every += record.budget.findings if record.budget is not None else ()
    found = record.statistics
    compared = Comparison(verdict, tuple(dict.fromkeys(one.code for one in every)))
    if found is None or not found.images:
        return compared
    boxes, scores = found.one_minus_iou, found.score_diff
    return replace(
        compared,
        pairs=found.pairs,
        lost=found.lost,
        extra=found.extra,
        class_flips=found.class_flips,
        max_one_minus_iou=None if boxes is None else boxes.max,
        max_score_diff=None if scores is None else scores.max,
        identical=identical,
    )


def failures(record: RuntimeRecord) -> Iterable[Failure]:
    """What kept a runtime, or single images of it, from a verdict."""
    if record.failure is not None:
        yield record.failure
    for image in record.images:
        if image.failure is not None:
            yield image.failure
