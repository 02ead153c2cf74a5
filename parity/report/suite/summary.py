"""``summary.md``: the verdict of a suite for a CI job's summary, in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.record import RuntimeRecord, SuiteRecord
from parity.report import numbers
from parity.report.markdown import escaped, preformatted
from parity.report.messages.inputs import inputs_text
from parity.report.messages.message import image_message, runtime_message
from parity.report.suite.overview import closing, headline, kept, overview_table, reasons
from parity.report.table import Column, Table

MOST_IMAGES = 20  # failed images of one runtime that are told; results.json has all


def summary_md(record: SuiteRecord) -> str:
    """The whole page."""
    blocks = [f"# {escaped(headline(record))}"]
    blocks += [escaped(told) for told in (closing(record), kept(record.earlier)) if told]
    if record.runtimes:
        blocks.append(overview_table(record).markdown())
    if told := reasons(record):
        blocks.append(preformatted(told))
    for runtime in record.runtimes:
        if runtime.verdict in ("fail", "error") and runtime.failure is None:
            blocks += _failed(runtime, record.classes)
    if record.runtimes:
        blocks += _details("How it was run", Table.of(_SETTINGS, record.runtimes).markdown())
    origin = (record.suite, f"parity {record.parity_version}", record.started)
    blocks.append(escaped(", ".join(origin)))
    return "\n\n".join(blocks) + "\n"


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


def _model(record: RuntimeRecord) -> str:
    return "; ".join(
        f"{file.path} ({numbers.size(file.bytes)}, SHA-256 {file.sha256[:12]})"
        for file in record.artifacts
    )


def _ran_on(record: RuntimeRecord) -> str:
    return ", ".join(f"{key} {value}" for key, value in record.identity.items() if value)


_SETTINGS = (
    Column[RuntimeRecord]("runtime", lambda one: one.name),
    Column[RuntimeRecord]("kind", lambda one: one.kind),
    Column[RuntimeRecord]("ran on", _ran_on),
    Column[RuntimeRecord]("model", _model),
    Column[RuntimeRecord]("preprocess", lambda one: one.recipe),
    Column[RuntimeRecord]("inputs", inputs_text),
    Column[RuntimeRecord]("layout", lambda one: one.layout),
    Column[RuntimeRecord]("decode", lambda one: one.decode),
    Column[RuntimeRecord]("notes", lambda one: "; ".join(one.notes)),
)
