"""The errors a user can meet: what was expected, what was found, where, and what to do."""

from __future__ import annotations

import errno
import re

_NUMBER = re.compile(r"\[Errno -?\d+\] ?")  # words follow it, which say the same
_ROOM = "free some, or let TMPDIR name a folder on another disk"
_RIGHTS = "run it as somebody who may, or change the rights"
_REFUSALS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EROFS: "let TMPDIR or the option that names it say another folder",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "end programs that hold many files open",
    errno.EIO: "the disk or the network that it is on fails",
}


class ParityError(Exception):
    """Base of every error that this package raises on purpose.

    ``cause`` is a word for scripts, such as "damaged"; "" where the class says all there is.
    The system's numbers, as in "[Errno 2]", are left out of whatever a message repeats.
    """

    exit_code = 3
    cause = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(_NUMBER.sub("", message))


class SuiteError(ParityError):
    """The suite (``parity.toml`` or a file that it names) is wrong: exit code 2.

    ``problems`` holds every finding, each one line that starts with the key path or file;
    ``remedy`` is what to do about all of them, and is none itself.
    """

    exit_code = 2

    def __init__(self, where: str, problems: list[str], remedy: str = "") -> None:
        self.where = where
        self.problems = tuple(_NUMBER.sub("", line) for line in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        told = [*problems, *([remedy] if remedy else [])]
        super().__init__("\n".join([f"{where}: {count}", *(f"  {line}" for line in told)]))


class UsageError(ParityError):
    """The command was asked for something that does not exist: exit code 2."""

    exit_code = 2


class ImageError(SuiteError):
    """An image cannot be read or prepared as the recipe says."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, [problem])


class LibraryMissing(SuiteError):
    """The library of a resize kernel or decoder is not installed here."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(setting, [reason])


class GoldenError(SuiteError):
    """The recorded results are missing, stale or damaged."""


class RuntimeFailure(ParityError):
    """A runtime could not be loaded or run: exit code 3. ``runtime`` is its name in the suite."""

    def __init__(self, runtime: str, message: str) -> None:
        self.runtime = runtime
        super().__init__(f"{runtime}: {message}")


class RuntimeMissing(RuntimeFailure):
    """The library of a runtime is not installed here."""


class RuntimeBroken(RuntimeFailure):
    """The library of a runtime is installed here and does not import: no reason to skip it."""

    cause = "broken-library"


class ArtifactError(RuntimeFailure):
    """The model file does not load; the classes below say why, where that is known."""

    cause = "not-loadable"


class MissingFile(ArtifactError):
    """Nothing is at the path of the model or of its weights."""

    cause = "missing-file"


class NotDownloaded(ArtifactError):
    """In the place of the file lies a Git LFS pointer or a web page."""

    cause = "not-downloaded"


class OtherFormat(ArtifactError):
    """The file is sound, perhaps, but of another format than this kind of runtime opens."""

    cause = "other-format"


class DamagedFile(ArtifactError):
    """The file is empty, cut off or corrupt."""

    cause = "damaged"


class ExternalDataError(ArtifactError):
    """Weights are expected in a file beside the model, which is missing or too short."""

    cause = "external-data"


class UnsupportedVersion(ArtifactError):
    """The file, or an op in it, is too new or too old for the installed library."""

    cause = "version"


class NotRegistered(ArtifactError):
    """A layer, op or class that the file names is not known to the library here."""

    cause = "not-registered"


class FlexMissing(NotRegistered):
    """A TFLite file has TensorFlow's own ops (Flex), and the interpreter has no such delegate."""

    cause = "flex"


class WeightsAlone(ArtifactError):
    """Weights were named where a whole model is expected."""

    cause = "weights-alone"


class ModelAsWeights(ArtifactError):
    """A whole model was named where weights alone are expected."""

    cause = "model-as-weights"


class WeightsMismatch(ArtifactError):
    """The weights do not fit the network: missing, unexpected, or of another shape."""

    cause = "missing-weights"


class UntrustedError(RuntimeFailure):
    """The model file would run code of its own, and the suite does not say ``trust = true``."""

    cause = "untrusted"


class OptionError(RuntimeFailure):
    """``options`` of a runtime name something that its adapter does not know."""

    exit_code = 2


class NotApplied(RuntimeFailure):
    """A provider, device or delegate that ``options`` ask for is not what runs."""

    cause = "not-applied"


class NotJudged(RuntimeFailure):
    """A runtime without a verdict because what it is judged against failed."""

    def __init__(self, runtime: str, reference: ParityError) -> None:
        self.exit_code = reference.exit_code
        self.cause = reference.cause
        super().__init__(runtime, f"not judged, because its reference failed: {reference}")


class LostTest(RuntimeFailure):
    """A test of the runtime ended without a verdict, as where its process died."""

    cause = "lost"


class InputError(RuntimeFailure):
    """The prepared image does not fit the runtime's input: its shape or its dtype."""

    cause = "bad-input"


class HeadsError(RuntimeFailure):
    """The outputs cannot be bound to the heads of the declared family, or do not decode."""


class RunError(RuntimeFailure):
    """The runtime raised while it ran."""

    cause = "run-failed"


class OutOfMemory(RunError):
    """Opening the model or running it took more memory than there is, or than it may take."""

    cause = "out-of-memory"


class ExportError(ParityError):
    """An artifact could not be made: exit code 3. ``runtime`` is its name in the suite."""

    def __init__(self, runtime: str, message: str) -> None:
        self.runtime = runtime
        super().__init__(f"{runtime}: {message}")


def why(error: OSError | ValueError) -> str:
    """What the system complains of, without its number and its path: both say nothing more."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said[:1].lower() + said[1:])


def of_the_system(error: BaseException) -> str | None:
    """What to say where the machine, not anybody's code, refused a file; else None."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    place = "" if error.filename is None else f" ({error.filename})"
    return f"expected to read and write files, found {why(error)}{place}: {_REFUSALS[error.errno]}"


def unforeseen(error: BaseException) -> str:
    """What to say of an exception that nobody foresaw: where it was raised, and that it is ours."""
    told = of_the_system(error)
    if told is not None:
        return told
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace is not None else None
    place = "" if code is None or trace is None else f" in {code.co_name}, line {trace.tb_lineno}"
    return (
        f"expected a verdict, found {type(error).__name__}{place}: {error}. "
        f"This is a defect of parity or of a function that the suite names; please report it."
    )
