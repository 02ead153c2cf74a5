"""The table of layers as data: one row per region of the candidate, in execution order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["ok", "introduced", "inherited", "unpaired", "nonfinite"]

COLUMNS = (
    "index",
    "layer",
    "op",
    "candidate",
    "candidate_op",
    "shape",
    "layout",
    "evidence",
    "max_abs",
    "mean_abs",
    "rmse",
    "rel_l2",
    "sqnr_db",
    "cosine",
    "mismatched",
    "nonfinite",
    "local_rel_l2",
    "local_sqnr_db",
    "expected_rel_l2",
    "local_ratio",
    "range_score",
    "verdict",
    "note",
    "local_max_abs",
)
"""The columns of ``layers-<runtime>.csv``."""


@dataclass(frozen=True)
class LayerRow:
    """One region of the candidate, or one layer of either side that has no partner.

    ``layer`` and ``candidate`` name the ops that the two regions are known by, ``op`` and
    ``candidate_op`` are all of their kinds. ``layout`` is the candidate's, or both where they
    differ. Errors are of the worst image, which is ``worst_image`` for the accumulated ones and
    ``local_image`` for the local ones; ``mean_rel_l2`` is over all. A number that could not be
    determined is None, and ``note`` says why. Values that are not finite are counted in
    ``nonfinite`` and ``local_nonfinite`` and left out of the errors. ``range_fault`` says that the
    quantisation range is "too narrow" or "too wide", ``range_times`` by how much: its range score
    over the least that the reference's values allow.
    """

    index: int
    layer: str
    op: str
    candidate: str
    candidate_op: str
    verdict: Verdict
    shape: tuple[int, ...] = ()
    layout: str = ""
    evidence: str = ""
    max_abs: float | None = None
    mean_abs: float | None = None
    rmse: float | None = None
    rel_l2: float | None = None
    sqnr_db: float | None = None
    cosine: float | None = None
    mismatched: float | None = None
    nonfinite: int = 0
    local_rel_l2: float | None = None
    local_sqnr_db: float | None = None
    expected_rel_l2: float | None = None
    local_ratio: float | None = None
    range_score: float | None = None
    note: str = ""
    local_max_abs: float | None = None
    local_nonfinite: int = 0
    range_times: float | None = None
    range_fault: str = ""
    mean_rel_l2: float | None = None
    worst_image: int = 0
    local_image: int = 0
    suspicion: float = 0.0
    reference_tensor: str = ""
    candidate_tensor: str = ""
    candidate_ops: tuple[int, ...] = ()
    candidate_inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerTable:
    """All layers of one candidate against the reference.

    ``coverage`` is the share of the computing ops that lie in compared regions, on the side where
    it is less, and ``uncompared`` are the candidate's outputs that were compared with nothing.
    ``observer`` is by side ("reference", "candidate") the largest relative L2 between an output of
    the tapped run and the same output of the deployed one. ``input_rel_l2`` compares what both
    networks were fed. ``limits`` say when an element counts as mismatched.
    """

    rows: tuple[LayerRow, ...]
    images: int
    coverage: float
    quantized: bool
    input_rel_l2: float | None
    input_differs: bool
    observer: dict[str, float | None]
    seconds: dict[str, float]
    limits: tuple[float, float]
    notes: tuple[str, ...] = field(default=())
    uncompared: tuple[str, ...] = ()

    @property
    def undecided(self) -> bool:
        """Whether nothing is to blame only as far as could be seen: an output was not compared."""
        return bool(self.uncompared) and not self.input_differs and not self.suspects(1)

    def suspects(self, count: int = 3) -> tuple[LayerRow, ...]:
        """The rows that introduce an error, the most suspicious first."""
        guilty = [row for row in self.rows if row.verdict in ("introduced", "nonfinite")]
        return tuple(sorted(guilty, key=lambda row: -row.suspicion)[:count])

    def ranked(self) -> tuple[LayerRow, ...]:
        """Every row whose local error is known, the most suspicious first."""
        known = [row for row in self.rows if row.suspicion > 0]
        return tuple(sorted(known, key=lambda row: -row.suspicion))
