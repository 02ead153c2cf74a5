"""Keras' versions in words, and its texts, which are JSON."""

import json
from typing import Any, Optional

from ..source import Unreadable


def generation(version: str) -> str:
    """``Keras 2`` for 2.11.0."""
    major = version.split(".")[0]
    return f"Keras {major}" if major.isdecimal() else "Keras"


def author(version: str) -> Optional[str]:
    """What wrote the file; None where that is not said."""
    return f"Keras {version}" if version else None


def parsed(text: str, where: str) -> Any:
    """JSON. Raises Unreadable, which names where it stands."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:120] or type(error).__name__
        raise Unreadable(f"{where} is no JSON: {reason}") from error
