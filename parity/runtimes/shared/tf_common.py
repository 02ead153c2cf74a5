"""TensorFlow's process-wide settings, which only take effect before its first operation."""

import contextlib
import os
import sys
import tempfile
from typing import Any, Dict, Iterator, Optional, Tuple

from ..contract import AdapterError, library_of
from .libraries import open_library
from .loading import quiet
from .machine import processors

LIBRARY = library_of(
    "tensorflow",
    "tensorflow",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-intel",
    "tensorflow-macos",
    "tf-nightly",
)


def start(threads: int) -> Any:
    """Import TensorFlow, quietly, and ask for so many threads while that is still possible."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet(), _hushed():
        tf = open_library(LIBRARY)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow has already started: identity() says what is in force
        pass
    return tf


def device(value: Any) -> Optional[str]:
    """The rule for ``device``: "cpu" or "gpu"; where none is asked for TensorFlow chooses."""
    if value not in (None, "cpu", "gpu"):
        raise ValueError("cpu or gpu")
    return value  # type: ignore[no-any-return]


def place(tf: Any, asked: Optional[str]) -> None:
    """Hide the GPUs from TensorFlow, or see that it has one; ``not-applied`` where it cannot be.

    A process has one choice for all of its runtimes, made before its first operation.
    """
    if asked is None:
        return
    if asked == "cpu" and tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # it has started
            tf.config.set_visible_devices([], "GPU")
    seen = _device(tf)
    if seen != asked:
        remedy = "Say isolated = true under this runtime, for a process of its own."
        if asked == "gpu" and not tf.config.list_physical_devices("GPU"):
            remedy = (
                "Install a TensorFlow for GPUs, with its driver, or take it out of the options."
            )
        what = "a TensorFlow that {} GPU here".format("sees no" if seen == "cpu" else "uses a")
        raise AdapterError("not-applied", option="device", asked=asked, found=what, remedy=remedy)


def _device(tf: Any) -> str:
    return "gpu" if tf.config.get_visible_devices("GPU") else "cpu"


def note(tf: Any, asked: Optional[int]) -> Tuple[str, ...]:
    """What to say where the suite asks for so many threads and TensorFlow had started already."""
    actual = tf.config.threading.get_intra_op_parallelism_threads() or processors()
    if asked is None or actual == asked:
        return ()
    return (
        f"threads = {asked} was asked for, and TensorFlow had started with {actual} in this "
        f"process: isolated = true gives this runtime a process of its own",
    )


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """TensorFlow greets on file descriptor 2 while it loads, whatever its log level says."""
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as greeting:
        os.dup2(greeting.fileno(), 2)
        try:
            yield
        except BaseException:
            greeting.seek(0)
            os.write(terminal, greeting.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def facts(tf: Any, asked: int) -> Dict[str, Any]:
    """What is in force: 0 means "as many as there are processors" to TensorFlow."""
    actual = tf.config.threading.get_intra_op_parallelism_threads() or processors()
    found: Dict[str, Any] = {
        "threads": actual,
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads() or processors(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "device": _device(tf),
    }
    if actual != asked:
        found["threads_asked"] = asked
    return found
