"""One suite while it is judged: what is open, what was found so far."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parity import golden
from parity.agreement import (
    ImageAgreement,
)
from parity.diagnosis import hints, probe, quantised_hint, recipe_keys, settings_notes
from parity.errors import (
    NotJudged,
    ParityError,
    RuntimeFailure,
    SuiteError,
    UsageError,
    unforeseen,
)
from parity.harness import likeness, noting
from parity.harness.heads import heads_of
from parity.harness.inputs import fed_otherwise
from parity.harness.judging import budget_of, judged_sides, verdict_of
from parity.harness.precision import average_precision, not_evaluated
from parity.harness.reference import SOURCES, Reference, choose
from parity.harness.scoping import in_part
from parity.harness.unjudged import Unjudged
from parity.pipeline import Pipeline, Stages
from parity.record import (
    Failure,
    ImageRecord,
    RuntimeRecord,
    with_images,
)
from parity.session import missing
from parity.suite import Suite
from parity.suite.problems import unknown_name
from parity.suite.tolerance import beyond_input


class Run:
    """Judges the runtimes of one suite, image by image, each image once.

    ``reference`` is "auto" (native, or the golden where the framework is not installed) or
    "golden". ``shared`` is a folder in which several processes share the reference's heads.
    Raises ``UsageError`` for another reference.
    """

    def __init__(self, suite: Suite, reference: str = "auto", shared: Path | None = None) -> None:
        if reference not in SOURCES:
            raise UsageError(unknown_name("reference", str(reference), SOURCES))
        self.suite = suite
        self.images = golden.images(suite)
        self._wanted = reference
        self._shared = shared
        self._references: dict[str, Reference | ParityError] = {}
        self._pipelines: dict[str, Pipeline | ParityError] = {}
        self._found: dict[tuple[str, str], ImageRecord] = {}
        self._doubts: dict[str, tuple[str, ...]] = {}
        self._started: dict[str, RuntimeRecord] = {}
        self._last: dict[str, Stages] = {}
        self._largest: dict[str, tuple[int, int]] = {}
        self._unjudged = Unjudged()

    def beside(self, suite: Suite) -> Run:
        """Judges the same runtimes, as they are open here, against another of them.

        ``suite`` is this run's with another reference and no runtime of its own. An image that one
        of the two runs has just judged is not run again by the other.
        """
        other = Run(suite, self._wanted)
        other.images, other._pipelines, other._last = self.images, self._pipelines, self._last
        return other

    @property
    def source(self) -> str:
        """Where the reference comes from: "native" or "golden"."""
        return self._reference(self._wanted).heads.source

    def reference_milliseconds(self) -> float | None:
        """The reference's median time of an image, where it ran in this process."""
        found = self._references.get(self._wanted)
        return found.milliseconds() if isinstance(found, Reference) else None

    def judged(self, name: str) -> bool:
        """Whether the runtime has something to be judged against: the reference has its golden."""
        return name != self.suite.reference or golden.exists(self.suite)

    def missing(self, name: str) -> str | None:
        """Why a runtime cannot run here because something is not installed; else None."""
        runtime = self.suite.runtimes[name]
        return missing(runtime) or self.images.missing(runtime.recipe)

    def open(self, name: str) -> RuntimeRecord:
        """Open a runtime (once) and say what it is; its failure is part of the record."""
        if name not in self._started:
            self._started[name] = self._opened(name)
        return self._started[name]

    def image(self, name: str, image: str) -> ImageRecord:
        """Judge one runtime on one image (once); a failure becomes the image's error verdict."""
        key = (name, image)
        if key not in self._found:
            try:
                self._found[key] = self._judged(name, image)
            except ParityError as error:
                self._found[key] = ImageRecord(image, "error", failure=Failure.of(error))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # sys.exit, pytest.skip: the others' results stand
                failure = Failure.of(RuntimeFailure(name, unforeseen(error)))
                self._found[key] = ImageRecord(image, "error", failure=failure)
        return self._found[key]

    def runtime(self, name: str) -> RuntimeRecord:
        """Judge one runtime on all images, those that were judged before included."""
        record = self.open(name)
        if record.failure is not None or not self.judged(name):
            return record
        images = tuple(self.image(name, image) for image in self.suite.images)
        causes = {image.failure.likeness if image.failure is not None else None for image in images}
        failure = images[0].failure if len(causes) == 1 else None
        if failure is not None and failure.kind == NotJudged.__name__:
            return replace(record, verdict="error", failure=failure, images=images)
        compared = {one.image: one.agreement for one in images if one.agreement is not None}
        found = budget_of(compared, self.suite.runtimes[name].tolerance, images)
        record = self._unjudged.told(record, self.suite.reference)
        record = replace(
            with_images(record, images),
            layout=self.pipeline(name).layout,
            verdict=verdict_of(images, found.findings),
            budget=found,
            notes=record.notes + noting.deliberate(images),
        )
        try:
            self._need_limit(name)
            precision = average_precision(self.suite, images)
        except ParityError as error:
            return replace(record, verdict="error", failure=Failure.of(error))
        notes = record.notes + not_evaluated(self.suite)
        return replace(record, average_precision=precision, notes=notes, hints=self._hints(record))

    def _need_limit(self, name: str) -> None:
        """Refuse a tolerance whose corner limit no box could exceed, on no image of the suite."""
        wide = beyond_input(self.suite.runtimes[name].tolerance, self._largest.get(name, (0, 0)))
        if wide is not None and name in self._largest:
            raise SuiteError(str(self.suite.path), [wide])

    def so_far(self, name: str) -> RuntimeRecord | None:
        """A runtime as far as it was judged; None where there is nothing to say of it yet."""
        record = self._started.get(name)
        found = (one for (runtime, _), one in self._found.items() if runtime == name)
        return None if record is None else in_part(record, found)

    def doubts(self) -> tuple[str, ...]:
        """What is probably declared wrongly, once for all runtimes of which it is said."""
        return noting.doubtful({name: self.doubts_of(name) for name in self.suite.runtimes})

    def doubts_of(self, name: str) -> tuple[str, ...]:
        """What is probably declared wrongly of one runtime, open or released."""
        pipeline = self._pipelines.get(name)
        said = pipeline.doubts if isinstance(pipeline, Pipeline) else None
        return said or self._doubts.get(name, ())

    def close(self) -> None:
        """Release every runtime that is open."""
        for pipeline in self._pipelines.values():
            if isinstance(pipeline, Pipeline):
                pipeline.close()

    def release(self, name: str) -> None:
        """Close one runtime; it is opened again if it is needed again."""
        pipeline = self._pipelines.get(name)
        if isinstance(pipeline, Pipeline):
            self._doubts[name] = pipeline.doubts or ()
            pipeline.close()
            del self._pipelines[name]
        self._last.pop(name, None)

    def pipeline(self, name: str) -> Pipeline:
        """One open runtime. Raises what kept it from opening."""
        if name not in self._pipelines:
            try:
                self._pipelines[name] = Pipeline(self.suite, name, self.images)
            except ParityError as error:
                self._pipelines[name] = error
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._pipelines[name] = RuntimeFailure(name, unforeseen(error))
        found = self._pipelines[name]
        if isinstance(found, ParityError):
            raise found
        return found

    def _reference(self, wanted: str) -> Reference:
        if wanted not in self._references:
            try:
                heads = choose(self.suite, self.images, wanted, self._shared, self._open_reference)
                self._references[wanted] = Reference(self.suite, self.images, heads)
            except ParityError as error:
                self._references[wanted] = error
        found = self._references[wanted]
        if isinstance(found, ParityError):
            raise found
        return found

    def _against(self, name: str) -> Reference:
        """What a runtime is judged against: the reference, or for itself its golden."""
        return self._reference("golden" if name == self.suite.reference else self._wanted)

    def _open_reference(self) -> Pipeline:
        return self.pipeline(self.suite.reference)

    def _stages(self, name: str, image: str) -> Stages:
        """A runtime's stages; the native reference, which is judged for drift, runs only once."""
        if name == self.suite.reference and self._wanted != "golden":
            return self._reference(self._wanted).stages(image)
        if name not in self._last or self._last[name].image != image:
            band = self.suite.runtimes[name].tolerance.band
            self._last[name] = self.pipeline(name).stages(image, band)
        return self._last[name]

    def _judged(self, name: str, image: str) -> ImageRecord:
        runtime = self.suite.runtimes[name]
        try:
            against = self._against(name)
            reference = against.stages(image)
        except ParityError as error:
            raise NotJudged(name, error) from error
        candidate = self._stages(name, image)
        sizes = (self._largest.get(name, (0, 0)), reference.prepared.size)
        self._largest[name] = max(sizes, key=max)
        decoders = against.decoder, self.pipeline(name).decoder
        self._unjudged.look((decoders[0], reference), name, (decoders[1], candidate))
        ours = self.suite.runtimes[self.suite.reference]
        findings, heads = heads_of(ours, runtime, reference, candidate, len(self.suite.classes))
        agreement: ImageAgreement | None = None
        if reference.side is not None and candidate.side is not None:
            scale = reference.prepared.placement.scale
            agreement = judged_sides(runtime, reference.side, candidate.side, scale)
            findings = [*findings, *agreement.findings]
        return ImageRecord(
            image=image,
            verdict="fail" if findings else "pass",
            findings=tuple(findings),
            agreement=agreement,
            heads=heads,
            milliseconds=candidate.milliseconds,
            inputs=fed_otherwise(
                ours.recipe, runtime.recipe, reference.prepared, candidate.prepared
            ),
            size=reference.prepared.image_size,
        )

    def _opened(self, name: str) -> RuntimeRecord:
        runtime = self.suite.runtimes[name]
        is_reference = name == self.suite.reference
        record = RuntimeRecord(
            name=name,
            kind=runtime.table.kind,
            role="reference" if is_reference else "candidate",
            verdict=None,
            tolerance=runtime.tolerance,
            against="",
            recipe=runtime.recipe.describe(),
            recipe_digest=runtime.recipe.digest(),
            decode=runtime.decode.nms_label,
            notes=settings_notes(self.suite, runtime)
            + noting.stood_in(self.images, runtime.recipe),
            recipe_keys=recipe_keys(
                self.suite.runtimes[self.suite.reference].recipe, runtime.recipe
            ),
        )
        try:
            record = likeness.with_artifacts(self.suite, record)
            session = self.pipeline(name).session
            notes = record.notes + session.notes() + noting.stand_ins(self.suite, runtime)
            record = replace(record, identity=session.identity(), notes=notes)
            if self.judged(name):
                try:
                    against = self._against(name)
                except ParityError as error:
                    raise NotJudged(name, error) from error
                record = replace(record, against=against.heads.source)
                record = replace(
                    record, notes=record.notes + noting.of_golden(self.suite, against, record)
                )
        except ParityError as error:
            return replace(record, verdict="error", failure=Failure.of(error))
        except OSError as error:
            failure = Failure.of(RuntimeFailure(name, unforeseen(error)))
            return replace(record, verdict="error", failure=failure)
        return record

    def _hints(self, record: RuntimeRecord) -> tuple[str, ...]:
        """What the failure looks like, and which other input would have made it agree."""
        failed = any(image.verdict == "fail" for image in record.images)
        if record.verdict != "fail" and not failed:
            return ()
        runtime = self.suite.runtimes[record.name]
        found = hints(record, self.suite.classes)
        found += quantised_hint(runtime, self.suite.folder)
        try:
            against = self._against(record.name)
            found = noting.recorded_otherwise(self.suite, self.images, against, record) + found
            return found + probe(self.suite, self.pipeline(record.name), against.stages, record)
        except ParityError:
            return found
