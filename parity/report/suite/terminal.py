"""A suite as text for a terminal: its overview, and the messages of what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parity.record import RuntimeRecord, SuiteRecord
from parity.report.messages.message import image_message, runtime_message
from parity.report.suite.overview import headline, overview_table, reasons
from parity.report.terminal import WIDTH, page

IMAGES_TOLD = 2  # failed images whose rows are printed, for each runtime


def overview(record: SuiteRecord, columns_wide: int = WIDTH, *, color: bool = False) -> str:
    """The verdict, the table and the reasons of a suite, as text that ends with a newline.

    Columns that do not fit beside each other stand below, behind the runtimes' names again.
    ``color`` adds ANSI styles; without it the same record always gives the same text.
    """
    return page(
        headline(record),
        record.verdict,
        overview_table(record),
        reasons(record),
        columns_wide,
        color=color,
    )


def failures(record: SuiteRecord, wide: int | None = None) -> str:
    """The messages of the runtimes that failed, each with its first failed images; "" for none.

    ``wide`` is the longest line of their sentences and tables.
    """
    told = [
        "\n\n".join(_told(runtime, record.classes, wide))
        for runtime in record.runtimes
        if runtime.verdict in ("fail", "error") and runtime.failure is None
    ]
    return "\n\n".join(told) + "\n" if told else ""


def _told(runtime: RuntimeRecord, classes: Sequence[str], wide: int | None) -> Iterable[str]:
    yield runtime_message(runtime, classes, wide=wide)
    failed = [image for image in runtime.failed_images() if image.failure is None]
    for image in failed[:IMAGES_TOLD]:
        yield image_message(image, runtime, classes, hints=False, wide=wide)
