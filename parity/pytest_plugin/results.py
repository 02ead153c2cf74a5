"""What all items of a run found, merged in the one process that reports."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from parity.harness import suite_record
from parity.record import (
    ImageRecord,
    RuntimeRecord,
    SuiteRecord,
    image_from_data,
    runtime_from_data,
    with_images,
)
from parity.suite import load


def report_folder(config: pytest.Config) -> Path | None:
    """Where reports go: the option starts where pytest was called, the ini value at its root."""
    option, ini = config.getoption("parity_report"), config.getini("parity_report")
    if option:
        return config.invocation_params.dir / str(option)
    return config.rootpath / str(ini) if ini else None


class Results:
    """Collects records of images and runtimes by suite."""

    def __init__(self) -> None:
        self._started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._runtimes: dict[tuple[str, str], RuntimeRecord] = {}
        self._images: dict[tuple[str, str], dict[str, ImageRecord]] = {}
        self.written: list[Path] = []
        self.lost: list[str] = []

    def add(self, found: dict[str, Any]) -> None:
        """Take what one item told."""
        record = runtime_from_data(found["runtime"])
        key = (found["suite"], record.name)
        if found["image"] is not None:
            image = image_from_data(found["image"])
            self._images.setdefault(key, {})[image.image] = image
            self._runtimes.setdefault(key, record)
        else:
            self._runtimes[key] = record

    def records(self) -> list[SuiteRecord]:
        """One record a suite; a runtime without ``all-images`` is told from its images."""
        paths = dict.fromkeys(path for path, _ in self._runtimes)
        return [self._suite(path) for path in paths]

    def finish(self, config: pytest.Config) -> None:
        """Write the reports where the options or the ini file ask for them.

        ``lost`` tells of those that could not be written.
        """
        folder = report_folder(config)
        if folder is None:
            return
        from parity.report.writing import unwritten, write

        for record in self.records():
            try:
                self.written.append(write(record, folder))
            except OSError as failure:
                self.lost.append(str(unwritten("--parity-report", folder, failure)))

    def summarise(self, terminal: Any) -> None:
        """Print the table of every suite."""
        from parity.report.terminal import overview

        for record in self.records():
            terminal.section(f"parity: {record.detector}", sep="-")
            terminal.write_line(overview(record, terminal._tw.fullwidth))
        for path in self.written:
            terminal.write_line(f"parity: report written to {path}")
        for problem in self.lost:
            terminal.write_line(f"parity: error: {problem}", red=True)

    def _suite(self, path: str) -> SuiteRecord:
        suite = load(path)
        records = [
            self._merged(path, name) for name in suite.runtimes if (path, name) in self._runtimes
        ]
        return suite_record(suite, None, records, self._started)

    def _merged(self, path: str, name: str) -> RuntimeRecord:
        from parity.report.numbers import counted

        record = self._runtimes[path, name]
        if record.images or record.failure is not None:
            return record
        images = self._images.get((path, name), {}).values()
        verdicts = {image.verdict for image in images}
        worst = next((one for one in ("error", "fail", "pass") if one in verdicts), None)
        note = f"all-images was not judged: this is from {counted(len(images), 'image')} alone"
        return replace(with_images(record, images), verdict=worst, notes=(*record.notes, note))
