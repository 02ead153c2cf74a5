"""``parity check SUITE... --roundtrip``: which serialization of the native models loses what."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial

from parity.cli.reporting import told, written
from parity.cli.streams import error, is_terminal, progress, quiet, say
from parity.errors import ParityError, UsageError
from parity.suite import Suite


def roundtrips(suites: Sequence[Suite], arguments: Namespace) -> list[int]:
    """Make the round trips of each suite and print them; the exit codes.

    One suite that breaks down leaves the results of the others. Raises ``UsageError``.
    """
    from parity.harness.roundtripping import roundtrip
    from parity.record.codec import document_data, json_text
    from parity.report.folders import need_writable
    from parity.report.roundtrip import FILES, roundtrip_text, write_roundtrip
    from parity.report.text import printable

    if arguments.reference != "auto":
        raise UsageError(
            f"--roundtrip: expected --reference auto, found {arguments.reference!r}: a recorded "
            f"golden is no model that could be saved"
        )
    if arguments.report is not None:
        need_writable(arguments.report, [suite.name for suite in suites], "--report", FILES)
    records, codes = [], []
    for suite in suites:
        try:
            with quiet(), progress(suite.name) as tell:
                record = roundtrip(
                    suite,
                    arguments.runtimes,
                    allow_missing=arguments.allow_missing,
                    progress=tell,
                )
        except ParityError as failure:
            error(str(failure))
            codes.append(failure.exit_code)
            continue
        records.append(record)
        paths, lost = written(arguments.report, partial(write_roundtrip, record))
        if not arguments.json:
            wide = max(shutil.get_terminal_size((80, 24)).columns, 40)
            first = "" if len(records) == 1 else "\n"
            say(first + roundtrip_text(record, wide, color=is_terminal(sys.stdout)))
            say("".join(f"report: {printable(str(path))}\n" for path in paths))
        codes += [record.exit_code, *told(lost)]
    if arguments.json and records:
        found = [document_data(record) for record in records]
        say(json_text(found if len(suites) > 1 else found[0]))
    return codes
