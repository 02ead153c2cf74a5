"""One function a command: takes the parsed arguments, prints, returns the exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

from parity.cli.reporting import told, written
from parity.cli.shared import load, shown, wide, worst
from parity.cli.streams import error, is_terminal, progress, quiet, say
from parity.errors import UsageError

if TYPE_CHECKING:
    from parity.layers.verdict.table import LayerTable
    from parity.suite import Suite


def check(arguments: Namespace) -> int:
    """Judge suites one after the other; one that breaks down leaves the results of the others."""
    from parity.cli import checking

    return checking.check(arguments)


def record(arguments: Namespace) -> int:
    """Write a suite's goldens anew."""
    from parity import harness

    (suite,) = load([arguments.suite], None)
    with quiet(), progress(suite.name) as tell:
        folder = harness.record(suite, progress=tell)
    say(
        f"{suite.name}: recorded {len(suite.images)} images of {suite.reference} in "
        f"{shown(folder)}\n"
    )
    return 0


def export(arguments: Namespace) -> int:
    """Make the model files that a suite declares."""
    from parity.export import export as make
    from parity.report.numbers import size
    from parity.report.table import table
    from parity.report.text import printable

    (suite,) = load([arguments.suite], arguments.runtimes)
    with quiet(), progress(suite.name) as tell:
        made = make(suite, arguments.runtimes, arguments.out, tell)
    if not made:
        say(f"{suite.name}: no runtime declares an export\n")
        return 0
    rows = [
        (one.runtime, one.method, shown(one.path), size(one.bytes), f"{one.seconds:.1f} s")
        for one in made
    ]
    headings = ("runtime", "method", "file", "size", "took")
    lines = table(headings, rows, right=("size", "took")).lines()
    notes = [printable(f"{one.runtime}: {note}") for one in made for note in one.notes]
    say("\n".join([*lines, *([""] if notes else []), *notes]) + "\n")
    return 0


def layers(arguments: Namespace) -> int:
    """Compare the layers of candidates with the reference's, one candidate after the other."""
    from parity.harness.layering import IMAGES
    from parity.harness.layering import layers as compare
    from parity.report.folders import need_writable
    from parity.report.layers.files import write_layers
    from parity.report.layers.plot import no_plot
    from parity.report.layers.text import layers_text

    (suite,) = load([arguments.suite], None)
    names = _candidates(suite, arguments.runtimes)
    if arguments.report is not None:
        files = [f"layers-{name}.{suffix}" for name in names for suffix in ("csv", "svg")]
        need_writable(arguments.report, [suite.name], "--report", files)
    asked, known = arguments.images or IMAGES, len(suite.images)
    few = arguments.images is not None and asked > known
    fewer = (f"--images {asked}: the suite has {known}, all were compared",) if few else ()
    codes = [0]
    reasons: dict[str, str] = {}
    for name in names:
        folder = arguments.report and arguments.report / suite.name / f"replay-{name}"
        with quiet():
            found = compare(suite, name, asked, folder)
        if found.failure is not None:
            first = reasons.setdefault(found.failure.message.removeprefix(f"{name}: "), name)
            same = f"{name}: not compared, for the same reason as {first}"
            error(found.failure.message if first == name else same)
            codes.append(found.failure.exit_code)
        if found.table is None:
            continue
        write = partial(write_layers, detector=suite.name, runtime=name, layers=found.table)
        paths, lost = written(arguments.report, write)
        say(layers_text(name, found.table, found.replays, (*found.notes, *fewer), wide()))
        say("".join(f"  report: {shown(path)}\n" for path in paths))
        if paths and (why := no_plot()) is not None:
            say(f"  no plot: {why}\n")
        codes += [_found(found.table), *told(lost)]
    return worst(codes)


def _found(table: LayerTable) -> int:
    """The exit code of a table of layers: that nothing is to blame takes that all was seen."""
    if table.undecided:
        return 3
    return 1 if table.suspects() or table.input_differs else 0


def init(arguments: Namespace) -> int:
    """Look at model files and propose a suite; the text is the result, all else goes to stderr."""
    from parity.cli.proposing import proposed, save

    with quiet():
        proposal, failures = proposed(arguments)
    for failure in failures:
        error(failure)
    if proposal is None:
        return 3
    if arguments.output is None:
        say(proposal.text)
    else:
        save(proposal, arguments.output)
        todos = "1 line" if proposal.todos == 1 else f"{proposal.todos} lines"
        say(f"wrote {shown(arguments.output)}; {todos} marked TODO for you to complete\n")
        if len(arguments.models) == 1:
            say("it holds one runtime: add a second, there is nothing to compare it with yet\n")
    return 3 if failures else 0


def matrix(arguments: Namespace) -> int:
    """Run the cells of a suite's matrix, and say what changed the results."""
    from parity.harness.matrix import matrix as run
    from parity.record.codec import document_data, json_text
    from parity.report.folders import need_writable
    from parity.report.matrix.pages import FILES, matrix_text, write_matrix

    (suite,) = load([arguments.suite], None)
    if arguments.report is not None:
        need_writable(arguments.report, [suite.name], "--report", FILES)
    with quiet(), progress(suite.name) as tell:
        found = run(suite, arguments.rows, allow_missing=arguments.allow_missing, progress=tell)
    paths, lost = written(arguments.report, partial(write_matrix, found))
    if arguments.json:
        say(json_text(document_data(found)))
    else:
        say(matrix_text(found, wide(), color=is_terminal(sys.stdout)))
        say("".join(f"report: {shown(path)}\n" for path in paths))
    return worst([found.exit_code, *told(lost)])


def inspect(arguments: Namespace) -> int:
    """Look at model files; what is wrong with one leaves what is told of the others."""
    import json

    from parity.inspecting.attempt import attempt
    from parity.inspecting.findings import to_data
    from parity.inspecting.looking import inspect as look
    from parity.inspecting.text import text

    found = []
    for path in arguments.files:
        found.append(look(path, attempt if arguments.load else None))
        if not arguments.json:  # each as soon as it is known: many take minutes
            say("\n" * (len(found) > 1) + text(found[-1:]))
    if arguments.json:
        say(json.dumps(to_data(found), indent=1, allow_nan=False) + "\n")
    return worst(one.exit_code for one in found)


def doctor(arguments: Namespace) -> int:
    """Look at this environment and this machine."""
    import json

    from parity.doctor.examination import examine, to_data
    from parity.doctor.text import text

    found = examine()
    say(
        json.dumps(to_data(found), indent=1, allow_nan=False) + "\n"
        if arguments.json
        else text(found)
    )
    return found.exit_code


def env(arguments: Namespace) -> int:
    """List or remove the environments that runtimes have of their own."""
    from parity.cli import environments

    return {"list": environments.show, "remove": environments.remove}[arguments.action](arguments)


def _candidates(suite: Suite, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The runtimes whose layers are asked for. Raises ``UsageError`` before any of them runs."""
    from parity.suite.problems import unknown_name

    reference, candidates = suite.reference, suite.candidates
    if not candidates:
        raise UsageError(
            f"{suite.path}: expected a candidate, found only {reference!r}, the reference of "
            f"{suite.name}"
        )
    for name in asked or ():
        if name == reference:
            raise UsageError(
                f"--runtimes: expected a candidate, found {name!r}, the reference of {suite.name}"
            )
        if name not in candidates:
            raise UsageError(unknown_name("--runtimes", name, candidates))
    return asked or candidates
