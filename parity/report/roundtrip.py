"""Round trips as a table for a terminal, as a page of Markdown, as CSV, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.record.roundtrip import ModelRecord, RoundtripRecord, Trip
from parity.report.folders import write_files
from parity.report.markdown import escaped, preformatted
from parity.report.numbers import counted, number, size
from parity.report.table import Table, table
from parity.report.terminal import WIDTH, page
from parity.report.text import lines, printable, wrapped

FILES = ("roundtrip.csv", "roundtrip.md")
"""The files of a report of round trips."""

COLUMNS = (
    "runtime",
    "kind",
    "format",
    "result",
    "outputs",
    "max_abs",
    "head",
    "image",
    "weights_same",
    "weights_lost",
    "weights_changed",
    "weights_retyped",
    "weights_added",
    "bytes",
    "seconds",
    "causes",
    "losses",
    "reason",
)
_FILES = "the suite's files"
_ERROR = "error"


def headline(record: RoundtripRecord) -> str:
    """The verdict in one line, with how much was tried and how much lost something."""
    trips = [trip for model in record.models for trip in model.trips]
    tried = sum(trip.outcome != "not tried" for trip in trips)
    broken = sum(trip.failed for trip in trips)
    models = counted(len(record.models), "native model")
    files = sum(bool(model.losses) for model in record.models)
    found = f"{broken} of {tried} lost something" if broken else "nothing lost"
    if files:
        found = (
            f"{found}{'; ' if broken else ' in them; '}the suite's own files have lost something"
        )
    return (
        f"{printable(record.detector)}: {record.verdict}, {counted(tried, 'round trip')} of "
        f"{models}, {found}; outputs compared on {len(record.images)} of "
        f"{counted(record.of_images, 'image')}"
    )


def roundtrip_text(
    record: RoundtripRecord, columns_wide: int = WIDTH, *, color: bool = False
) -> str:
    """A table of every format, and below it what was lost and why; no wider than asked."""
    notes = [line for told in _told(record) for line in wrapped(told, max(columns_wide, 20), "  ")]
    title = "\n".join(wrapped(headline(record), max(columns_wide, 20), "  "))
    return page(title, record.verdict, _table(record), notes, columns_wide, color=color)


def roundtrip_md(record: RoundtripRecord) -> str:
    """The whole page in GitHub's Markdown; every string from a file is only text in it."""
    blocks = [f"# {escaped(headline(record))}", _table(record).markdown()]
    if told := list(_told(record)):
        blocks.append(preformatted(told))
    origin = (record.suite, f"parity {record.parity_version}", record.started)
    blocks.append(escaped(", ".join(origin)))
    return "\n\n".join(blocks) + "\n"


def roundtrip_csv(record: RoundtripRecord) -> str:
    """One row a format, with "\\n" between lines; what was not measured is empty.

    The columns are ``COLUMNS``. ``result`` is an outcome, or "error" for a model that could not be
    opened or run; a row without a format tells of the suite's own files. ``max_abs`` is the largest
    difference of a head, ``head`` and ``image`` where. Several names or causes have "; " between
    them. An apostrophe leads text that a spreadsheet would take for a formula.
    """
    return table(COLUMNS, _records(record)).csv()


def write_roundtrip(record: RoundtripRecord, folder: Path) -> tuple[Path, ...]:
    """Write ``roundtrip.csv`` and ``roundtrip.md`` to FOLDER/<detector>."""
    contents = dict(zip(FILES, (roundtrip_csv(record), roundtrip_md(record)), strict=True))
    return write_files(folder, record.detector, contents)


def _table(record: RoundtripRecord) -> Table:
    rows = [(printable(model.name), *cells) for model in record.models for cells in _cells(model)]
    headings = ("runtime", "format", "result", "outputs", "weights", "size")
    return table(headings, rows, right=("size",))


def _cells(model: ModelRecord) -> Iterator[tuple[str, ...]]:
    if model.failure is not None:
        yield ("", "skipped" if model.missing else _ERROR, "", "", "")
    for trip in model.trips:
        weight = "" if trip.bytes is None else size(trip.bytes)
        yield (trip.format, trip.outcome, _outputs(trip), _weights(trip), weight)
    if model.losses:
        yield (_FILES, "lost", "", "", "")


def _outputs(trip: Trip) -> str:
    found = trip.heads
    if found is None:
        return ""
    if found.state == "equal":
        return "equal bit by bit"
    within = "within rounding, " if found.state == "noise" else ""
    return f"{within}differ by {number(found.max_abs)}"


def _weights(trip: Trip) -> str:
    found = trip.weights
    if found is None:
        return ""
    parts = [f"{found.same} same"]
    for names, word in (
        (found.lost, "lost"),
        (found.changed, "changed"),
        (found.retyped, "of another dtype"),
    ):
        parts += [f"{len(names)} {word}"] if names else []
    return ", ".join(parts)


def _told(record: RoundtripRecord) -> Iterator[str]:
    """What was lost, first; then what could not be saved, and what was not tried."""
    for model in record.models:
        if model.failure is not None:
            word = "skipped" if model.missing else _ERROR
            yield from (f"{word}: {line}" for line in lines(model.failure.message))
    grouped: dict[tuple[str, str], list[str]] = {}
    for name, form, loss in record.losses():
        grouped.setdefault((name, loss.text), []).append(form or _FILES)
    for (name, text), forms in grouped.items():
        yield f"lost: {printable(name)}, {', '.join(forms)}: {printable(text)}"
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for model in record.models:
        for trip in model.trips:
            if trip.reason and not trip.losses:
                key = (trip.outcome, model.name, trip.reason)
                reasons.setdefault(key, []).append(trip.format)
            for note in trip.notes:
                reasons.setdefault(("note", model.name, note), []).append(trip.format)
        for note in model.notes:
            yield f"note: {printable(note)}"
    for (word, name, text), forms in reasons.items():
        yield f"{word}: {printable(name)}, {', '.join(forms)}: {printable(text)}"
    for name, text in record.apart.items():
        yield f"not tried: {printable(name)} {printable(text)}"


def _records(record: RoundtripRecord) -> Iterator[tuple[Any, ...]]:
    for model in record.models:
        start = (model.name, model.kind)
        if model.failure is not None:
            word = "skipped" if model.missing else _ERROR
            yield (*start, "", word, *(None,) * 11, "", "", model.failure.message)
        for trip in model.trips:
            yield (*start, *_record(trip))
        for loss in model.losses:
            yield (*start, "", "lost", *(None,) * 11, loss.cause, loss.text, "")


def _record(trip: Trip) -> tuple[Any, ...]:
    heads, weights = trip.heads, trip.weights
    return (
        trip.format,
        trip.outcome,
        "" if heads is None else heads.state,
        None if heads is None else heads.max_abs,
        "" if heads is None else heads.head,
        "" if heads is None else heads.image,
        None if weights is None else weights.same,
        "" if weights is None else "; ".join(weights.lost),
        "" if weights is None else "; ".join(weights.changed),
        "" if weights is None else "; ".join(weights.retyped),
        None if weights is None else weights.added,
        trip.bytes,
        None if trip.seconds is None else round(trip.seconds, 3),
        "; ".join(dict.fromkeys(loss.cause for loss in trip.losses)),
        "; ".join(loss.text for loss in trip.losses),
        trip.reason,
    )
