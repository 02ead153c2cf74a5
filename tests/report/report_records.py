"""Small records made by hand, for the tests of everything that renders them."""

from __future__ import annotations

from typing import Any

from parity.agreement import Finding, ImageAgreement, Row, Share
from parity.agreement.budget import Budget, budget
from parity.agreement.judging import strict_findings
from parity.record import (
    ArtifactRecord,
    ImageRecord,
    RuntimeRecord,
    SuiteRecord,
    Verdict,
    statistics,
)
from parity.record.completeness import Scope
from parity.suite.tolerance import BUILT_IN, Tolerance

CLASSES = ("bolt", "nut", "washer")
BOX = (10.0, 20.0, 50.0, 60.0)


def pair(**changes: Any) -> Row:
    """A pair that agrees in everything, but for what is changed."""
    values: dict[str, Any] = {
        "kind": "pair",
        "reference_class": 0,
        "candidate_class": 0,
        "reference_score": 0.9,
        "candidate_score": 0.9,
        "reference_box": BOX,
        "candidate_box": BOX,
        "iou": 1.0,
        "corner": 0.0,
        "shift": (0.0, 0.0, 0.0, 0.0),
        "box_within": True,
        "score_within": True,
    }
    return Row(**(values | changes))


def lost(score: float = 0.83, label: int = 1, reason: str = "") -> Row:
    """A detection that only the reference has."""
    return Row("lost", reason, reference_class=label, reference_score=score, reference_box=BOX)


def extra(score: float = 0.71, label: int = 2, reason: str = "") -> Row:
    """A detection that only the candidate has."""
    return Row("extra", reason, candidate_class=label, candidate_score=score, candidate_box=BOX)


def agreement(*rows: Row, findings: tuple[Finding, ...] | None = None, **changes: Any) -> Any:
    """One image's rows with counts that fit them; strict findings unless others are given."""
    paired = sum(row.paired for row in rows)
    values: dict[str, Any] = {
        "rows": rows,
        "reference_deployed": paired + sum(row.kind == "lost" for row in rows),
        "candidate_deployed": paired + sum(row.kind == "extra" for row in rows),
        "reference_seen": 9,
        "candidate_seen": 9,
        "reference_threshold": 0.5,
        "candidate_threshold": 0.5,
        "reference_floor": 0.499,
        "candidate_floor": 0.499,
        "findings": tuple(strict_findings(rows)) if findings is None else findings,
    }
    return ImageAgreement(**(values | changes))


def image(name: str, *rows: Row, findings: tuple[Finding, ...] | None = None, **facts: Any) -> Any:
    """One image of a runtime; it fails where it has findings."""
    found = agreement(*rows, findings=findings, **facts)
    verdict: Verdict = "fail" if found.findings else "pass"
    return ImageRecord(name, verdict, found.findings, found, milliseconds={"network": 12.5})


def runtime(
    name: str = "onnx",
    *images: ImageRecord,
    tolerance: Tolerance | str = "float32",
    **changes: Any,
) -> RuntimeRecord:
    """One candidate over some images, judged as the harness would."""
    limits = BUILT_IN[tolerance] if isinstance(tolerance, str) else tolerance
    compared = {one.image: one.agreement for one in images if one.agreement is not None}
    found = budget(compared, limits)
    failed = found.findings or any(one.verdict == "fail" for one in images)
    errors = any(one.verdict == "error" for one in images)
    values: dict[str, Any] = {
        "name": name,
        "kind": "onnxruntime",
        "role": "candidate",
        "verdict": "error" if errors else ("fail" if failed else "pass"),
        "tolerance": limits,
        "against": "native",
        "recipe": "stretch to 240x320 (h x w) by opencv:linear; RGB",
        "recipe_digest": "0" * 64,
        "decode": "class at IoU 0.45, at most 100",
        "layout": "NCHW",
        "identity": {"library": "onnxruntime", "version": "1.31.1", "threads": 1},
        "artifacts": (ArtifactRecord("detector.onnx", "ab" * 32, 1_234_567),),
        "images": images,
        "budget": found,
        "statistics": statistics(images),
    }
    return RuntimeRecord(**(values | changes))


def reference(**changes: Any) -> RuntimeRecord:
    """The reference, which has no golden to drift from."""
    values: dict[str, Any] = {
        "kind": "keras",
        "role": "reference",
        "verdict": None,
        "against": "golden",
        "budget": None,
        "statistics": None,
    }
    return runtime("keras", **(values | changes))


def suite(*runtimes: RuntimeRecord, **changes: Any) -> SuiteRecord:
    """One complete run of a suite, unless the scope says otherwise."""
    images = tuple(dict.fromkeys(one.image for each in runtimes for one in each.images))
    values: dict[str, Any] = {
        "detector": "parts-ssd",
        "suite": "parity.toml",
        "reference": "keras",
        "reference_source": "native",
        "classes": CLASSES,
        "images": images,
        "runtimes": runtimes,
        "parity_version": "0.1.0",
        "started": "2025-01-01T00:00:00+00:00",
        "scope": Scope(tuple(each.name for each in runtimes if each.verdict is not None)),
    }
    return SuiteRecord(**(values | changes))


def shares(*values: tuple[str, int, int, float]) -> Budget:
    """A budget of (code, count, total, allowed)."""
    return Budget(tuple(Share(code, "", *rest) for code, *rest in values), ())
