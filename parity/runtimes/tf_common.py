"""TensorFlow's process-wide settings, which only take effect before its first operation."""

import contextlib
import os
import sys
import tempfile
from typing import Any, Dict, Iterator

from . import support
from .contract import Library

LIBRARY = Library("tensorflow", "tensorflow", "pip install 'detector-parity[tensorflow]'")


def start(threads: int) -> Any:
    """Import TensorFlow, quietly, and ask for so many threads while that is still possible."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with support.quiet(), _hushed():
        tf = support.open_library(LIBRARY)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # TensorFlow has already started: identity() says what is in force
        pass
    return tf


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
    actual = tf.config.threading.get_intra_op_parallelism_threads() or support.processors()
    found: Dict[str, Any] = {
        "threads": actual,
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads()
        or support.processors(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }
    if actual != asked:
        found["threads_asked"] = asked
    return found
