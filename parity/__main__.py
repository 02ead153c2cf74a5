"""``python -m parity`` is ``parity``, wherever it is started.

``-m`` puts the working directory first on Python's path: in a suite's folder its numpy.py or
json.py would be taken for the library. Nothing of parity is looked up there.
"""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()) and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

from parity.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
