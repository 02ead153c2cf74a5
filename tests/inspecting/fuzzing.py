"""Seeded mutations of model files through ``inspect``, in a process that watches itself.

``python fuzzing.py FOLDER COUNT SEED`` prints one JSON object: how often each class was seen, and
whatever must not be: something run, imported or written, an exception, a hang.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEEDS = (
    "net.onnx", "qdq_int8.onnx", "float.tflite", "full.tflite", "net.h5", "net.weights.h5",
    "net.keras", "program.pt2", "net.pth", "legacy.pth", "whole.pth", "script.pt",
    "net.safetensors", "frozen.pb", "saved/saved_model.pb", "saved/variables/variables.index",
)  # fmt: skip
SECONDS = 20
MEMORY = 2 * 2**30
_NOT_DONE = {"exec", "marshal.loads", "pickle.find_class", "ctypes.dlopen", "subprocess.Popen"}
_FRAMEWORKS = ("torch", "tensorflow", "keras", "onnx", "h5py", "ai_edge_litert", "onnxruntime")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four small things done to the bytes."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_KINDS)(found, rng)
    return bytes(found)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 3, 30))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _extreme(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data) - 8))
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01"))
    data[at : at + width] = value * width


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(max(1, len(data))) :]


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    del data[at : at + rng.choice((1, 2, 8, 100, 5000))]


def _double(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    piece = data[at : at + rng.choice((1, 4, 64, 3000))]
    where = rng.randrange(max(1, len(data)))
    data[where:where] = piece


def _noise(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(1, len(data)))
    data[at : at + 16] = rng.randbytes(16)


def _head(data: bytearray, rng: random.Random) -> None:
    """The first bytes hold the offsets and counts."""
    at = rng.randrange(max(1, min(len(data), 256)))
    data[at : at + 1] = rng.randbytes(1)


_KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _extreme, _extreme, _cut, _drop, _double, _noise, _head,
)  # fmt: skip


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


def run(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Look at so many mutations; every file of the folder is looked at unspoilt first."""
    from parity.inspecting.findings import to_data
    from parity.inspecting.looking import inspect
    from parity.inspecting.text import text

    for name in (*SEEDS, "saved"):
        text([inspect(folder / name, None)])
    saved = {name: (folder / name).read_bytes() for name in SEEDS}
    rng, watch = random.Random(seed), Watch()
    classes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = 0.0
    work = folder / "mutated"
    work.mkdir(exist_ok=True)
    for index in range(count):
        name = rng.choice(SEEDS)
        target, looked = _placed(work, name, mutated(saved[name], rng), folder)
        started = time.perf_counter()
        signal.alarm(SECONDS)
        watch.on = True
        try:
            found = inspect(looked, None)
            json.dumps(to_data([found]), allow_nan=False)
            shown = text([found])
            watch.on = False
            classes[classify(found)] += 1
            if any(not (one.isprintable() or one == "\n") for one in shown):
                wrong.append(f"{index} {name}: unescaped text")
        except BaseException as error:
            watch.on = False
            wrong.append(f"{index} {name}: {type(error).__name__}: {error!s:.200}")
        finally:
            signal.alarm(0)
        slowest = max(slowest, time.perf_counter() - started)
        target.write_bytes(saved[name])
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


def _placed(work: Path, name: str, data: bytes, folder: Path) -> tuple[Path, Path]:
    """Where the mutation is written, and what is then looked at."""
    if not name.startswith("saved/"):
        target = work / Path(name).name
        target.write_bytes(data)
        return target, target
    target = folder / name
    target.write_bytes(data)
    return target, folder / "saved"


def main() -> None:
    """Run under a limit of memory, with an alarm for what hangs."""

    def hang(signum: int, frame: Any) -> None:
        raise TimeoutError(f"not done within {SECONDS} s")

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, hang)
    folder, count, seed = sys.argv[1:]
    sys.stdout.write(json.dumps(run(Path(folder), int(count), int(seed))) + "\n")


if __name__ == "__main__":
    main()
