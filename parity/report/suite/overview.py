"""One suite as text: its verdict's line, its table, and last what was not judged.

The model that the terminal, pytest and the Markdown page render, so that all use the same words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from parity.record import Failure, RuntimeRecord, Spread, SuiteRecord
from parity.record.completeness import Earlier, Gap
from parity.report import numbers
from parity.report.suite.caveats import caveats
from parity.report.table import Column, Table
from parity.report.text import lines, printable

MOST_RUNTIMES = 8  # named in the last line; results.json has all
MOST_IMAGES = 3
_ORDER = ("pass", "partial", "fail", "error", "skipped")


def overview_table(record: SuiteRecord) -> Table:
    """Runtime × agreement; a column that would tell nothing of any runtime is left out."""
    every = record.runtimes
    shown = [
        *_COUNTS,
        *(column for column in _RARE if any(column.cell(one) not in ("", "0") for one in every)),
    ]
    columns = (
        Column[RuntimeRecord]("runtime", _name),
        Column[RuntimeRecord]("verdict", partial(_verdict, record), mark=partial(_verdict, record)),
        Column[RuntimeRecord]("tolerance", _tolerance),
        *shown,
        Column[RuntimeRecord](
            "1-IoU    p50     p95     max", partial(_spread, "one_minus_iou"), right=True
        ),
        Column[RuntimeRecord](
            "|Δscore| p50     p95     max", partial(_spread, "score_diff"), right=True
        ),
        Column[RuntimeRecord]("ms/image", partial(_milliseconds, record), right=True),
        Column[RuntimeRecord]("mAP ref → cand", _precision, right=True),
    )
    return Table.of(columns, every).told()


def headline(record: SuiteRecord) -> str:
    """The verdict in one line: "parts: fail (1 pass, 1 fail) against keras (native), 9 images"."""
    if not record.reference:
        return f"{printable(record.detector)}: {record.verdict}, nothing of it was judged"
    counts = Counter(one.verdict for one in record.runtimes if one.verdict is not None)
    listed = ", ".join(f"{counts[one]} {one}" for one in _ORDER if counts[one])  # type: ignore[index]
    images = numbers.counted(len(record.images), "image")
    return (
        f"{printable(record.detector)}: {state(record)}{f' ({listed})' if listed else ''} against "
        f"{printable(record.reference)}{_source(record)}, {images}{caveats(record)}"
    )


def state(record: SuiteRecord) -> str:
    """The verdict, and that it is not one of the whole: "pass", "partial", "fail, partial"."""
    verdict = record.verdict
    return f"{verdict}, partial" if record.partial and verdict != "partial" else verdict


def closing(record: SuiteRecord) -> str:
    """The last line of a run that judged less than the suite declares; "" for a complete one.

    "parts: partial (only onnx asked for): not judged: tflite; torch (its drift)".
    """
    found = [_gap(gap, record) for gap in record.not_judged]
    if not found:
        return ""
    if len(found) > MOST_RUNTIMES:
        found = [*found[:MOST_RUNTIMES], f"and {len(found) - MOST_RUNTIMES} more"]
    why = ", ".join(map(printable, record.scope.reasons))
    reasons = f" ({why})" if why else ""
    detector = printable(record.detector)
    return f"{detector}: {state(record)}{reasons}: not judged: {'; '.join(found)}"


def kept(earlier: Earlier | None, place: str = "complete/") -> str:
    """What a partial report says of the complete one that it was written beside; "" for none."""
    if earlier is None:
        return ""
    return (
        f"the last complete report, {printable(earlier.verdict)} of "
        f"{printable(earlier.started)}, is kept in {place}"
    )


def reasons(record: SuiteRecord) -> list[str]:
    """Why there is no verdict where there is none, and what else the table does not tell.

    A reason that several runtimes have is told once, with their names.
    """
    found = [printable(note) for note in record.notes]
    names: dict[tuple[str, str], list[str]] = {}
    for runtime in record.runtimes:
        for mark, failure in _failures(runtime):
            body = failure.message.removeprefix(f"{runtime.name}: ")
            names.setdefault((mark, body), []).append(runtime.name)
    for (mark, body), (first, *others) in names.items():
        found += _marked(mark, f"{first}: {body}")
        if others:
            found.append(f"  the same of {', '.join(map(printable, others))}")
    for runtime in record.runtimes:
        found += _unproven(runtime)
        judged = runtime.failure is None and runtime.verdict is not None
        if runtime.role == "reference" and judged:
            found.append(f"{printable(runtime.name)} was judged against its own golden")
    if record.failure is not None and not any(one.verdict == "error" for one in record.runtimes):
        found += _marked("error: ", record.failure.message)
    return found


def _unproven(runtime: RuntimeRecord) -> list[str]:
    """A budget that holds on these images, and of how many more it would take to be sure."""
    if runtime.verdict != "pass" or runtime.budget is None or not runtime.budget.more_images:
        return []
    more = numbers.counted(runtime.budget.more_images, "more image")
    name, tolerance = printable(runtime.name), printable(runtime.tolerance.name)
    return [
        f"{name} passes, not proven: {more} like these, without another miss, would prove the "
        f"budget of {tolerance} with 95 % confidence"
    ]


def _failures(runtime: RuntimeRecord) -> Iterator[tuple[str, Failure]]:
    """A runtime's own failure, or that of its first image which has one, and what stands before."""
    if runtime.failure is not None:
        yield f"{runtime.verdict or 'note'}: ", runtime.failure
        return
    broken = [image for image in runtime.images if image.failure is not None]
    for image in broken[:1]:
        assert image.failure is not None
        rest = numbers.counted(len(broken) - 1, "more image")
        more = f" (and {rest})" if len(broken) > 1 else ""
        yield f"error on {printable(image.image)}{more}: ", image.failure


def _gap(gap: Gap, record: SuiteRecord) -> str:
    name = printable(gap.runtime)
    if gap.why == "not installed":
        return f"{name} (not installed)"
    lost = " (test lost)" if gap.why == "lost" else ""
    if not gap.images:
        return f"{name} over all images together{lost}"
    if len(gap.images) == len(record.images):
        return name + (lost or (" (its drift)" if gap.runtime == record.reference else ""))
    if len(gap.images) > MOST_IMAGES:
        return f"{name} on {len(gap.images)} of {len(record.images)} images{lost}"
    return f"{name} on {', '.join(map(printable, gap.images))}{lost}"


def _source(record: SuiteRecord) -> str:
    if record.reference_source == "golden":
        return " (golden: recorded results stand in for it)"
    return " (native)" if record.reference_source == "native" else ""


def _marked(mark: str, message: str) -> list[str]:
    first, *rest = lines(message)
    return [mark + first, *(f"  {line}" for line in rest)]


def _name(runtime: RuntimeRecord) -> str:
    name = printable(runtime.name)
    return f"{name} (reference)" if runtime.role == "reference" else name


def _verdict(record: SuiteRecord, runtime: RuntimeRecord) -> str:
    if runtime.verdict is not None:
        return runtime.verdict
    return "golden" if record.reference_source == "golden" else "-"


def _tolerance(runtime: RuntimeRecord) -> str:
    return printable(runtime.tolerance.name) if runtime.verdict is not None else ""


def _count(field: str, runtime: RuntimeRecord) -> str:
    found = runtime.statistics
    return "" if found is None else str(getattr(found, field))


def _alarm(field: str, runtime: RuntimeRecord) -> str:
    found = runtime.statistics
    return "alarm" if found is not None and getattr(found, field) else ""


def _counted(heading: str, field: str, alarming: bool = False) -> Column[RuntimeRecord]:
    mark = partial(_alarm, field) if alarming else None
    return Column(heading, partial(_count, field), right=True, mark=mark)


def _spread(field: str, runtime: RuntimeRecord) -> str:
    spread: Spread | None = getattr(runtime.statistics, field, None)
    if spread is None:
        return ""
    limits = runtime.tolerance
    overlaps = field == "one_minus_iou"
    limit = round(1 - limits.min_box_iou, 12) if overlaps else limits.max_score_diff
    values = (spread.p50, spread.p95, spread.max)
    return " ".join(f"{numbers.beside(value, limit, 2):>7}" for value in values)


def _milliseconds(record: SuiteRecord, runtime: RuntimeRecord) -> str:
    found = runtime.statistics.milliseconds if runtime.statistics is not None else None
    if found is None and runtime.role == "reference":
        found = record.reference_milliseconds
    return "" if found is None else numbers.milliseconds(found)


def _precision(runtime: RuntimeRecord) -> str:
    found = runtime.average_precision
    sides = [found[side] for side in ("reference", "candidate") if side in found]
    return " → ".join(f"{value:.4f}" for value in sides)


_COUNTS = (
    _counted("images", "images"),
    _counted("pairs", "pairs"),
    _counted("lost", "lost", alarming=True),
    _counted("extra", "extra", alarming=True),
    _counted("border", "borderline"),
    _counted("flips", "class_flips", alarming=True),
)
_RARE = (  # told where one is not zero
    _counted("ties", "ties"),
    _counted("excused", "excused"),
    _counted("unjudgeable", "unjudgeable", alarming=True),
)
