"""What a runtime offers: providers, delegates, devices, threads; asked in a process of its own.

A framework takes seconds and hundreds of megabytes, and a broken one may crash: so it is imported
elsewhere, under a time limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

_SECONDS = 120
_PROGRAMS = {
    "onnxruntime": """
import onnxruntime
print("\\n" + json.dumps({"providers": onnxruntime.get_available_providers()}))
""",
    "tflite": """
from ai_edge_litert import interpreter
names = [name for name in dir(interpreter.OpResolverType) if name.isupper()]
print("\\n" + json.dumps({"delegates": ["xnnpack", "none"], "resolvers": names}))
""",
    "torch": """
import torch
print("\\n" + json.dumps({
    "threads": torch.get_num_threads(),
    "capability": torch.backends.cpu.get_cpu_capability(),
    "onednn": torch.backends.mkldnn.is_available(),
    "engines": torch.backends.quantized.supported_engines,
    "devices": ["cpu"] + (["cuda"] if torch.cuda.is_available() else []),
}))
""",
    "keras": """
import keras
print("\\n" + json.dumps({"backend": keras.backend.backend()}))
""",
    "savedmodel": """
import tensorflow
found = tensorflow.config.list_physical_devices()
print("\\n" + json.dumps({"devices": [one.name for one in found]}))
""",
}


@dataclass(frozen=True)
class Delegates:
    """The facts, or the reason why the library could not be asked."""

    facts: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def delegates(kind: str) -> Delegates:
    """Import a runtime's library in a process of its own and ask it."""
    program = "import json, warnings\nwarnings.simplefilter('ignore')\n" + _PROGRAMS[kind]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", program],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=environment,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return Delegates(problem=f"its library did not load within {_SECONDS} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        return Delegates(problem=f"its library cannot be imported: {lines[-1].strip()[:300]}")
    return Delegates(json.loads(done.stdout.splitlines()[-1]))
