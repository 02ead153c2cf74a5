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


# With these a library takes other kernels than it would, or other precision, without a word.
VARIABLES = (
    "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE",
    "ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TF_DETERMINISTIC_OPS", "TF_XLA_FLAGS", "XLA_FLAGS", "GLIBC_TUNABLES",
)  # fmt: skip


def machine() -> Dict[str, Any]:
    """Facts for every identity; ``variables`` are those set here that change numbers unseen."""
    return {
        "device": "cpu",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": f"{sys.platform}-{platform.machine()}",
        "cpu_features": cpu_features(),
        "variables": {name: os.environ[name] for name in VARIABLES if os.environ.get(name)},
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
