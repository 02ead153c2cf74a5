"""Seeded mutations of model files through ``inspect``, in a process that watches itself.

``python fuzzing.py MODELS FOLDER COUNT SEED`` prints one JSON object: how often each class was
seen, and whatever must not be: something run, imported or written, an exception, a hang.
"""

from __future__ import annotations

import codecs
import json
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import mutating

SECONDS = 20
MEMORY = 2 * 2**30
_NOT_DONE = {"exec", "marshal.loads", "pickle.find_class", "ctypes.dlopen", "subprocess.Popen"}
_FRAMEWORKS = ("torch", "tensorflow", "keras", "onnx", "h5py", "ai_edge_litert", "onnxruntime")


class Watch:
    """Python's audit events while a file is looked at: what was run, imported or written."""

    def __init__(self) -> None:
        self.on = False
        self.seen: Counter[str] = Counter()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        writes = (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        )
        framework = event == "import" and str(arguments[0]).split(".")[0] in _FRAMEWORKS
        if event in _NOT_DONE or writes or framework or event.startswith(("socket.", "os.system")):
            self.seen[f"{event} {arguments[:2]!r:.200}"] += 1


def classify(found: Any) -> str:
    """The class of an inspection: its kind, and whether it was told to be damaged."""
    if found.faults:
        return f"{found.kind}: fault"
    return f"{found.kind}: {'runs code' if found.code else 'read'}"


def run(models: Path, folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Look at so many mutations; every file of ``models`` is looked at unspoilt first."""
    from parity.inspecting.findings import to_data
    from parity.inspecting.looking import inspect
    from parity.inspecting.text import text

    for codec in ("raw_unicode_escape", "unicode_escape", "cp437"):  # Python imports them when used
        codecs.lookup(codec)
    canary = folder / "canary"
    for name in (*mutating.SEEDS, "saved"):
        text([inspect(models / name, None)])
    watch = Watch()
    classes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = 0.0
    for sample in mutating.samples(models, folder, count, seed, str(canary)):
        started = time.perf_counter()
        signal.alarm(SECONDS)
        watch.on = True
        try:
            found = inspect(sample.looked_at, None)
            json.dumps(to_data([found]), allow_nan=False)
            shown = text([found])
            watch.on = False
            classes[classify(found)] += 1
            if any(not (one.isprintable() or one == "\n") for one in shown):
                wrong.append(f"{sample.path}: unescaped text")
        except BaseException as error:
            watch.on = False
            wrong.append(f"{sample.path}: {type(error).__name__}: {error!s:.200}")
        finally:
            signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - started)
    wrong += [f"{canary} was made"] if canary.exists() else []
    return {
        "count": count,
        "classes": dict(sorted(classes.items())),
        "wrong": wrong,
        "done": dict(watch.seen),
        "slowest": slowest,
        "peak": _peak(),
    }


def _peak() -> int:
    """Bytes; of this process alone where Linux tells: ru_maxrss counts its parent before it."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Run under a limit of memory, with an alarm for what hangs."""

    def hang(signum: int, frame: Any) -> None:
        raise TimeoutError(f"not done within {SECONDS} s")

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, hang)
    models, folder, count, seed = sys.argv[1:]
    found = run(Path(models), Path(folder), int(count), int(seed))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
