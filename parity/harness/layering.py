"""Where a candidate diverges: opens both networks for looking and compares their layers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from parity import golden
from parity.decode.by_family import suppresses_inside
from parity.errors import ParityError, RuntimeFailure, SuiteError, UsageError, why
from parity.layers.subjects.bundle import write_bundle
from parity.layers.subjects.file_subject import FileSubject
from parity.layers.subjects.opening import OpenRuntime, open_runtime
from parity.layers.subjects.subject import Feeds
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.replay_cases import replay_cases
from parity.layers.verdict.table import LayerTable
from parity.pipeline import decoder
from parity.record import Failure
from parity.runtimes.contract import AdapterError
from parity.session.failures import typed
from parity.suite import Suite

IMAGES = 4  # images compared unless told otherwise
SUSPECTS = 3  # suspects that get a replay folder


@dataclass(frozen=True)
class LayerResult:
    """The layers of one runtime: a table, or why there is none. ``replays`` are folders written."""

    runtime: str
    table: LayerTable | None
    failure: Failure | None = None
    replays: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def layers(
    suite: Suite, name: str, images: int = IMAGES, replays: Path | None = None
) -> LayerResult:
    """Compare one runtime's layers with the reference's on the first ``images`` images.

    With ``replays`` the top suspects' replay folders are written there. What keeps the runtime from
    being compared is part of the result. Raises ``UsageError`` for the reference itself.
    """
    if name == suite.reference:
        raise UsageError(f"expected a candidate, found {name!r}, the reference of {suite.name}")
    if images < 1:
        raise UsageError(f"images: expected at least 1 image, found {images}")
    try:
        return _Comparison(suite, name, images).run(replays)
    except (RuntimeFailure, SuiteError) as error:
        return LayerResult(name, None, Failure.of(error))
    except AdapterError as error:
        lost = suite.runtimes[str(error.facts.get("runtime", name))]
        return LayerResult(name, None, Failure.of(typed(lost, error)))
    except ParityError as error:
        failure = Failure.of(error)
        return LayerResult(name, None, replace(failure, message=f"{name}: {failure.message}"))


class _Comparison:
    """One candidate beside the reference, both open for looking."""

    def __init__(self, suite: Suite, name: str, images: int) -> None:
        self._suite = suite
        self._name = name
        self._images = golden.images(suite)
        self._chosen = suite.images[:images]

    def run(self, replays: Path | None) -> LayerResult:
        reference = open_runtime(self._suite, self._suite.reference, self._images)
        try:
            candidate = open_runtime(self._suite, self._name, self._images)
        except BaseException:
            reference.close()
            raise
        try:
            outputs = self._outputs(reference, candidate)
            table = compare_layers(
                reference.subject,
                candidate.subject,
                (self._feeds(reference, candidate, image) for image in self._chosen),
                bool(candidate.subject.grids),
                outputs=outputs,
            )
            written, notes = self._replays(reference, candidate, table, outputs, replays)
            return LayerResult(self._name, table, replays=written, notes=notes)
        finally:
            reference.close()
            candidate.close()

    def _feeds(
        self, reference: OpenRuntime, candidate: OpenRuntime, image: str
    ) -> tuple[Feeds, Feeds]:
        ours, theirs = (
            one.feeds(self._images.prepared(image, one.runtime.recipe).canvas)
            for one in (reference, candidate)
        )
        return ours, theirs

    def _outputs(self, reference: OpenRuntime, candidate: OpenRuntime) -> dict[str, str] | None:
        """The candidate's output tensors and the reference's of the same head.

        None where the two decode by other families: then heads of one name need not be the same.
        Nor where heads are detections: those are sets, and no tensor is their place.
        """
        ours, theirs = reference.runtime.decode, candidate.runtime.decode
        other = (ours.family, ours.function) != (theirs.family, theirs.function)
        if other or suppresses_inside(ours):
            return None
        here, there = self._heads(reference), self._heads(candidate)
        return {there[role]: here[role] for role in there if role in here} or None

    def _heads(self, opened: OpenRuntime) -> dict[str, str]:
        """Tensor of the graph by role of the family."""
        prepared = self._images.prepared(self._chosen[0], opened.runtime.recipe)
        heads = opened.subject.clean(opened.feeds(prepared.canvas))
        return decoder(self._suite, opened.runtime).bind(heads)

    def _replays(
        self,
        reference: OpenRuntime,
        candidate: OpenRuntime,
        table: LayerTable,
        outputs: dict[str, str] | None,
        folder: Path | None,
    ) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        suspects = table.suspects(SUSPECTS)
        if folder is None or not suspects:
            return (), ()
        subject = candidate.subject
        if not isinstance(subject, FileSubject):
            kind = candidate.runtime.table.kind
            return (), (f"no replay folders: an op of a {kind} runtime has no file of its own",)
        written, notes = [], []
        for place in sorted({row.local_image for row in suspects}):
            feeds = self._feeds(reference, candidate, self._chosen[place])
            rows = [row for row in suspects if row.local_image == place]
            found = replay_cases(reference.subject, subject, feeds, rows, outputs)
            for row, one in zip(rows, found, strict=True):
                target = folder / f"{row.index:03d}-{_slug(row.layer or row.candidate)}"
                try:
                    if isinstance(one, str):
                        raise ParityError(one)
                    bundle = write_bundle(target, subject, one.ops, one.inputs, one.reference)
                    written.append(bundle.folder)
                except ParityError as error:
                    notes.append(f"no replay folder of {row.candidate}: {error}")
                except OSError as error:
                    notes.append(f"no replay folder of {row.candidate} in {folder}: {why(error)}")
        return tuple(written), tuple(notes)


def _slug(name: str) -> str:
    """A layer's name as a folder's: it came from a file and may hold anything."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[-60:] or "layer"
