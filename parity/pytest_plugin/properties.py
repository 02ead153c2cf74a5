"""The numbers of a verdict as JUnit properties."""

from __future__ import annotations

from parity.record import ImageRecord, RuntimeRecord, Statistics, statistics

Properties = list[tuple[str, object]]


def image_properties(image: ImageRecord) -> Properties:
    """One image's verdict, counts and spreads."""
    return [("parity_verdict", image.verdict), *_numbers(statistics([image]))]


def runtime_properties(record: RuntimeRecord) -> Properties:
    """One runtime's verdict, counts, spreads and budgets."""
    properties: Properties = [("parity_verdict", record.verdict or "")]
    properties += [("parity_against", record.against), ("parity_tolerance", record.tolerance.name)]
    if record.statistics is not None:
        properties += _numbers(record.statistics)
    if record.budget is not None:
        properties += [
            (f"parity_share_{share.code}", f"{share.count}/{share.total}")
            for share in record.budget.shares
        ]
    return properties


def _numbers(found: Statistics) -> Properties:
    numbers: Properties = [
        (f"parity_{name}", getattr(found, name))
        for name in ("pairs", "borderline", "lost", "extra", "class_flips", "ties", "excused")
    ]
    for name in ("one_minus_iou", "score_diff"):
        spread = getattr(found, name)
        if spread is not None:
            numbers += [
                (f"parity_{name}_{part}", getattr(spread, part)) for part in ("p50", "p95", "max")
            ]
    if found.milliseconds is not None:
        numbers.append(("parity_milliseconds", found.milliseconds))
    return numbers
