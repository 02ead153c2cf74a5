"""Opening an exported program: what torch only logs of a failure is raised."""

import logging
from typing import Any, List


class _Told(logging.Filter):
    """Keeps the exceptions that a logger tells, and takes their tracebacks off the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: List[BaseException] = []

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.errors.append(error)
        return error is None


def load(torch: Any, path: str) -> Any:
    """``torch.export.load``; the cause stands in its log, and it raises "check the warnings"."""
    log, told = logging.getLogger("torch.export"), _Told()
    log.addFilter(told)
    try:
        return torch.export.load(path)
    except Exception as error:
        raise (told.errors or [error])[0] from None
    finally:
        log.removeFilter(told)
