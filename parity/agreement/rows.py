"""One image's objects and what became of them, as data."""

from __future__ import annotations

from dataclasses import dataclass

from parity.agreement.findings import Finding

Box = tuple[float, float, float, float]

UNEXPLAINED = ("", "threshold", "beyond-band")
"""Reasons of a leftover that count against its budget."""


@dataclass(frozen=True)
class Twin:
    """The reference's own proposal on the candidate's side, where NMS kept another of the two.

    ``shift`` (candidate - reference) of its box in pixels of the network's input, and of its score.
    """

    shift: Box
    score_diff: float


@dataclass(frozen=True)
class Row:
    """One object: a pair, or a leftover of one side.

    ``kind``: "pair" (both deployed), "borderline" (one deployed, the other within the band of the
    same threshold), "lost" or "extra". ``reason`` of a leftover: "" (nothing explains it),
    "beyond-band" (its partner is there, with a score further away than the band), "excused" (likely
    a tie of NMS, which one side hides), "unjudgeable" (the other side's floor hides the answer),
    "threshold" (the other side deploys from another threshold: with an equal score it would not be
    deployed there, or its partner there would be deployed here). "tie", of a leftover or of a pair:
    NMS, top-k or threshold chose otherwise among proposals that agree. Boxes are xyxy in pixels of
    the original image; ``corner`` and ``shift`` (candidate - reference) in pixels of the network's
    input. What a leftover does not have is None.
    """

    kind: str
    reason: str = ""
    reference_class: int | None = None
    candidate_class: int | None = None
    reference_score: float | None = None
    candidate_score: float | None = None
    reference_box: Box | None = None
    candidate_box: Box | None = None
    iou: float | None = None
    corner: float | None = None
    shift: Box | None = None
    box_within: bool = False
    score_within: bool = False
    twin: Twin | None = None

    @property
    def paired(self) -> bool:
        """Whether the object was found on both sides."""
        return self.kind in ("pair", "borderline")

    @property
    def tie(self) -> bool:
        """Whether it is a tie, which never fails."""
        return self.reason == "tie"

    @property
    def judged(self) -> bool:
        """Whether it is a pair that must meet the limits."""
        return self.paired and not self.tie

    @property
    def unexplained(self) -> bool:
        """Whether it is a leftover that counts as lost or extra."""
        return not self.paired and self.reason in UNEXPLAINED

    @property
    def flipped(self) -> bool:
        """Whether the two sides call the object by another class."""
        return self.paired and self.reference_class != self.candidate_class

    @property
    def within(self) -> bool:
        """Whether the object agrees in every limit."""
        return self.paired and self.box_within and self.score_within and not self.flipped

    @property
    def score_diff(self) -> float | None:
        """Candidate's score minus the reference's."""
        if self.reference_score is None or self.candidate_score is None:
            return None
        return self.candidate_score - self.reference_score


@dataclass(frozen=True)
class ImageAgreement:
    """One image's rows, counts and findings.

    ``reference_seen`` and ``candidate_seen`` count what each side sees down to its floor.
    ``scale`` (x, y) turns pixels of the image into pixels of the network's input. ``deliberate``:
    how many detections of the reference the candidate's own settings change, on purpose.
    """

    rows: tuple[Row, ...]
    reference_deployed: int
    candidate_deployed: int
    reference_seen: int
    candidate_seen: int
    reference_threshold: float
    candidate_threshold: float
    reference_floor: float
    candidate_floor: float
    findings: tuple[Finding, ...]
    scale: tuple[float, float] = (1.0, 1.0)
    deliberate: int = 0

    def select(self, kind: str, reason: str | None = None) -> tuple[Row, ...]:
        """The rows of one kind (and reason)."""
        return tuple(row for row in self.rows if row.kind == kind and reason in (None, row.reason))

    def of_reference(self, row: Row) -> bool:
        """Whether the row has a detection that the reference deploys."""
        return row.reference_score is not None and row.reference_score >= self.reference_threshold

    def of_candidate(self, row: Row) -> bool:
        """Whether the row has a detection that the candidate deploys."""
        return row.candidate_score is not None and row.candidate_score >= self.candidate_threshold
