"""``summary.md``: the verdict of a suite for a CI job's summary, in GitHub's Markdown.

Every string that came from a file is written as character references (or inside ``<pre>``, as
HTML text), which Markdown never takes for structure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from parity.record import RuntimeRecord, SuiteRecord
from parity.report import numbers
from parity.report.messages.inputs import inputs_text
from parity.report.messages.message import image_message, runtime_message
from parity.report.suite.overview import closing, columns, headline, kept, reasons
from parity.report.text import printable

MOST_IMAGES = 20  # failed images of one runtime that are told; results.json has all
_PLAIN = frozenset(" .,;()%/-+='?")  # beside letters and digits: never structure within a line
_ACTIVE = re.compile(r"(?i)(?<=www)\.|:(?=\S)")  # www.example.org, http://, :emoji:
_LEADING = re.compile(r"(?i)^[^a-z0-9]|(?<=^\d)[.)]")  # a list, a heading or code of a line's start


def summary_md(record: SuiteRecord) -> str:
    """The whole page."""
    blocks = [f"# {escaped(headline(record))}"]
    blocks += [escaped(told) for told in (closing(record), kept(record.earlier)) if told]
    if record.runtimes:
        blocks.append("\n".join(_overview(record)))
    if told := reasons(record):
        blocks.append(preformatted(told))
    for runtime in record.runtimes:
        if runtime.verdict in ("fail", "error") and runtime.failure is None:
            blocks += _failed(runtime, record.classes)
    if record.runtimes:
        blocks += _details("How it was run", "\n".join(_settings(record)))
    origin = (record.suite, f"parity {record.parity_version}", record.started)
    blocks.append(escaped(", ".join(origin)))
    return "\n\n".join(blocks) + "\n"


def escaped(text: str, *, leading: bool = True) -> str:
    """Text that is only text to Markdown and HTML; ``leading`` if it starts its line."""
    text = printable(text)
    active = {match.start() for match in _ACTIVE.finditer(text)}
    if leading:
        active |= {match.start() for match in _LEADING.finditer(text)}
    return "".join(
        _reference(one) if place in active or not _is_plain(one) else one
        for place, one in enumerate(text)
    )


def preformatted(content: Iterable[str]) -> str:
    """Lines as they are, in a block that nothing in them can end."""
    return f"<pre>\n{html.escape(chr(10).join(map(_kept, content)))}\n</pre>"


def markdown_row(cells: Iterable[str]) -> str:
    """One row of a table."""
    return (
        "| " + " | ".join(escaped(" ".join(cell.split()), leading=False) for cell in cells) + " |"
    )


def _is_plain(character: str) -> bool:
    return not character.isascii() or character.isalnum() or character in _PLAIN or character == ":"


def _reference(character: str) -> str:
    return f"&#{ord(character)};"


def _kept(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _overview(record: SuiteRecord) -> Iterator[str]:
    every = columns(record)
    yield markdown_row(column.header for column in every)
    yield "|" + "|".join("---:" if column.right else "---" for column in every) + "|"
    for line in range(len(record.runtimes)):
        yield markdown_row(column.cells[line] for column in every)


def _failed(runtime: RuntimeRecord, classes: Sequence[str]) -> Iterator[str]:
    yield f"## {escaped(runtime.name)}: {runtime.verdict}"
    yield preformatted([runtime_message(runtime, classes)])
    failed = [image for image in runtime.failed_images() if image.failure is None]
    if not failed:
        return
    told = [image_message(one, runtime, classes, hints=False) for one in failed[:MOST_IMAGES]]
    if len(failed) > MOST_IMAGES:
        told.append(f"and {len(failed) - MOST_IMAGES} more images: see results.json")
    yield from _details(f"Images that failed ({len(failed)})", preformatted(["\n\n".join(told)]))


def _details(title: str, content: str) -> Iterator[str]:
    yield f"<details>\n<summary>{escaped(title)}</summary>"
    yield content
    yield "</details>"


def _settings(record: SuiteRecord) -> Iterator[str]:
    yield "| runtime | kind | ran on | model | preprocess | inputs | layout | decode | notes |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in record.runtimes:
        models = "; ".join(
            f"{file.path} ({numbers.size(file.bytes)}, SHA-256 {file.sha256[:12]})"
            for file in one.artifacts
        )
        ran_on = ", ".join(f"{key} {value}" for key, value in one.identity.items() if value)
        notes = "; ".join(one.notes)
        cells = (one.recipe, inputs_text(one), one.layout, one.decode, notes)
        yield markdown_row([one.name, one.kind, ran_on, models, *cells])
