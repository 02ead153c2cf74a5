"""Facts about this machine that change numbers."""

import functools
import os
import platform
import re
import sys
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

# What of a processor decides which kernels a library picks, and so the last bits of its numbers.
_CPU_FLAGS = (
    "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp",
    "asimdhp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip


def machine() -> Dict[str, Any]:
    """Facts for every identity."""
    return {
        "device": "cpu",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{sys.platform}-{platform.machine()}",
        "cpu_features": cpu_features(),
    }


@functools.lru_cache(maxsize=None)
def cpu_features() -> Tuple[str, ...]:
    """Those features of the processor that decide which kernels run; empty where unknown."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            match = re.search(r"^(?:flags|Features)\s*:(.*)$", handle.read(), re.M)
    except OSError:
        return ()
    present = set(match.group(1).split()) if match else set()
    return tuple(flag for flag in _CPU_FLAGS if flag in present)


def processors() -> int:
    """How many processors this process may use."""
    affinity: Optional[Callable[[int], Any]] = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
