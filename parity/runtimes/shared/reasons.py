"""What a library raised, in a few words."""

import re

from ..contract import AdapterError
from . import refusals

# Where in its own source a library raised: "/src/graph/model.cc:256 void f(const std::string&) ".
_CPP = re.compile(r"\s*/\S+\.(?:cc|cpp|h):\d+ \S.*?\)(?= [A-Z])")


def failed_run(error: BaseException) -> AdapterError:
    """What a library raised while it ran an image."""
    if refusals.of_memory(error):
        facts = refusals.memory_facts("ran an image")
        return AdapterError("out-of-memory", reason=reason(error), **facts)
    return AdapterError("run-failed", reason=reason(error))


def reason(error: BaseException, lines: int = 3) -> str:
    """The first lines of a library's message, each bounded.

    Without colours, C++ signatures and the numbers of the system's errors, whose words follow.
    """
    text = re.sub(r"\x1b\[[0-9;]*m|\[Errno -?\d+\] ?", "", str(error))
    text = _CPP.sub("", text)
    kept = [_bounded(line.strip()) for line in text.splitlines() if line.strip()][:lines]
    return "{}: {}".format(type(error).__name__, " ".join(kept)) if kept else type(error).__name__


def _bounded(line: str) -> str:
    """Libraries name the file first and the cause last, so what is long is cut in its middle."""
    return line if len(line) <= 500 else f"{line[:150]} ... {line[-345:]}"
