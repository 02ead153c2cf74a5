"""What both the scan of pickles and torch say of a pickle that is too new."""

import pickle
import platform
from typing import Any, Dict


def pickle_version(protocol: int) -> Dict[str, Any]:
    """Facts of ``version``: a pickle that is too new is Python's affair and not the library's."""
    return {
        "what": "pickle protocol",
        "found": str(protocol),
        "limit": str(pickle.HIGHEST_PROTOCOL),
        "too": "new",
        "library": f"Python {platform.python_version()}",
    }
