"""No process and no file outlives whoever needs it, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apart_suites
import numpy as np
import pytest

from parity.isolation import IsolatedAdapter, Launch, Worker, Workplace, folders
from parity.runtimes.contract import AdapterError, Artifact

FEEDS = {"image": np.zeros((1, 32, 32, 3), np.float32)}
HANGING = """
import sys
from pathlib import Path
import numpy as np
from parity.isolation import Launch, Workplace, folders
from parity.runtimes.contract import Artifact

folders.SHARED_MEMORY = Path(sys.argv[2])
options = {"inputs": {"image": [1, 32, 32, 3]}}
place = Workplace(Launch(), "fake")
adapter = place.open(Artifact("faulty:" + sys.argv[3], folder=sys.argv[1], options=options))
print("open", flush=True)
adapter.run({"image": np.zeros((1, 32, 32, 3), np.float32)})
"""


def artifact(tmp_path: Path, function: str = "healthy") -> Artifact:
    folder = apart_suites.write(tmp_path / "suite")
    options = {"inputs": {"image": [1, 32, 32, 3]}}
    return Artifact(f"faulty:{function}", folder=str(folder), options=options)


def test_a_worker_has_two_processes_and_its_files_while_it_runs(
    tmp_path: Path, traces: Any
) -> None:
    """What the other tests look for is there to be seen, and gone after close()."""
    adapter = Workplace(Launch(), "fake").open(artifact(tmp_path))
    adapter.run(FEEDS)
    assert len(traces.processes()) == 2
    assert len(traces.files()) == 2
    adapter.close()
    assert (traces.files(), traces.processes()) == ([], [])


def test_a_worker_serves_until_its_last_adapter_is_closed(tmp_path: Path, traces: Any) -> None:
    """Adapters of one workplace share a worker; a new one is started when all were closed."""
    place = Workplace(Launch(), "fake")
    first, second = place.open(artifact(tmp_path)), place.open(artifact(tmp_path))
    assert len(traces.processes()) == 2
    first.close()
    assert sorted(second.run(FEEDS)) == ["boxes", "scores"]
    second.close()
    assert traces.processes() == []
    third = place.open(artifact(tmp_path))
    assert sorted(third.run(FEEDS)) == ["boxes", "scores"]
    third.close()


def test_one_that_is_dropped_is_cleared_up(tmp_path: Path, traces: Any) -> None:
    """Nobody closed it, and nobody holds it any more."""
    Workplace(Launch(), "fake").open(artifact(tmp_path)).run(FEEDS)
    import gc

    gc.collect()
    assert (traces.files(), traces.processes()) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("function", ["hangs", "hangs_in_native_code", "leaves_a_child"])
def test_a_parent_that_is_stopped_leaves_nothing(
    tmp_path: Path, traces: Any, number: int, function: str
) -> None:
    """Ctrl-C and kill -9 while a runtime hangs, or has left a process of its own."""
    folder = apart_suites.write(tmp_path / "suite")
    command = [sys.executable, "-c", HANGING, str(folder), str(traces.memory), function]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"open\n"
        time.sleep(0.2)
        os.kill(parent.pid, number)
        parent.wait(30)
    traces.wait_for_nothing()
    assert (traces.files(), traces.processes()) == ([], [])


def test_the_command_can_be_interrupted(tmp_path: Path, traces: Any) -> None:
    """Ctrl-C while a runtime without any limit hangs: it ends soon, and with the code for that."""
    folder = apart_suites.write(tmp_path / "suite", hang="hangs_in_native_code; isolated = true")
    command = [sys.executable, "-m", "parity", "check", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 60
        while len(traces.processes()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2.0)
        run.send_signal(signal.SIGINT)
        _, words = run.communicate(timeout=30)
    assert (run.returncode, words) == (130, "error: interrupted\n")
    traces.wait_for_nothing()


def test_closing_one_that_hangs_is_soon_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others share its worker; they are lost with it, after a few seconds."""
    monkeypatch.setattr("parity.isolation.worker._CLOSING", 0.2)
    place = Workplace(Launch(), "fake")
    first, second = place.open(artifact(tmp_path, "hangs")), place.open(artifact(tmp_path))
    first._worker._request("run", first._number, [FEEDS])
    first.close()
    with pytest.raises(AdapterError) as caught:
        second.run(FEEDS)
    assert caught.value.code == "timed-out"
    second.close()


def test_a_worker_dies_with_its_keeper(tmp_path: Path, traces: Any) -> None:
    """Both the keeper and the parent may be killed; the next worker removes the files."""
    adapter = Workplace(Launch(), "fake").open(artifact(tmp_path))
    (worker,) = [one for one in traces.processes() if one == adapter._worker.pid]
    (keeper,) = [one for one in traces.processes() if one != worker]
    os.kill(keeper, signal.SIGKILL)
    traces.wait_for_end_of(worker)
    with pytest.raises(AdapterError) as caught:
        adapter.run(FEEDS)
    assert caught.value.code == "worker-lost"
    assert caught.value.facts["how"] == "is gone without a word"
    traces.wait_for_nothing()


def test_folders_of_processes_that_are_gone_are_swept(tmp_path: Path, traces: Any) -> None:
    """Those that nobody locks, after a minute; young ones and locked ones are left alone."""
    old, young = traces.memory / "parity-worker-old", traces.memory / "parity-worker-young"
    old.mkdir()
    young.mkdir()
    held = folders.make()
    for one in (old, *held.tensors):
        os.utime(one, (time.time() - 3600,) * 2)
    adapter = Workplace(Launch(), "fake").open(artifact(tmp_path))
    assert not old.exists()
    assert young.exists()
    assert all(one.exists() for one in held.tensors)
    adapter.close()
    held.remove()
    held.unlock()
    young.rmdir()


def test_a_killed_worker_stays_lost(tmp_path: Path) -> None:
    """Every later call says the same at once, closing is fine."""
    adapter = Workplace(Launch(), "fake").open(artifact(tmp_path))
    os.kill(adapter._worker.pid, signal.SIGKILL)
    reasons = []
    for _ in range(3):
        with pytest.raises(AdapterError) as caught:
            adapter.run(FEEDS)
        reasons.append((caught.value.code, str(caught.value.facts)))
    assert len(set(reasons)) == 1
    adapter.close()


def test_a_workplace_does_not_start_a_lost_worker_anew(tmp_path: Path) -> None:
    """What comes after fails for the same reason."""
    place = Workplace(Launch(), "fake")
    adapter = place.open(artifact(tmp_path, "exits"))
    with pytest.raises(AdapterError):
        adapter.run(FEEDS)
    adapter.close()
    with pytest.raises(AdapterError) as caught:
        place.open(artifact(tmp_path))
    assert caught.value.facts["how"] == "ended by itself with exit code 3"


def test_an_interpreter_that_is_none_is_said(tmp_path: Path) -> None:
    """The path does not start, or does not understand."""
    with pytest.raises(AdapterError) as caught:
        Worker(Launch(python=tmp_path / "no-python"))
    assert caught.value.code == "broken-library"
    assert caught.value.facts["reason"] == (
        f"expected {tmp_path}/no-python to start, found: No such file or directory"
    )
    with pytest.raises(AdapterError) as caught:
        Worker(Launch(python=Path("/bin/cat")))
    assert caught.value.code == "worker-lost"
    assert "cat: " in caught.value.facts["output"][-1]


def test_under_xdist_nothing_is_left(tmp_path: Path, traces: Any) -> None:
    """Two pytest workers, each with runtimes that crash, hang and are fine."""
    folder = apart_suites.write(
        tmp_path / "suite",
        crash="segfault; isolated = true",
        hang="hangs; timeout = 0.5",
        fine="healthy; isolated = true",
    )
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", str(folder)]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--rootdir={folder}"],
        capture_output=True, text=True, cwd=folder, timeout=300,
    )  # fmt: skip
    assert "6 failed, 3 passed" in done.stdout, done.stdout
    traces.wait_for_nothing()


def test_arrays_live_as_long_as_they_are_held(tmp_path: Path) -> None:
    """A view of shared memory is not written anew while somebody looks at it."""
    with Worker(Launch()) as worker:
        adapter = IsolatedAdapter(worker, "fake", artifact(tmp_path, "echoes"))
        held = []
        for number in range(5):
            fed = np.full((1, 32, 32, 3), number, np.float32)
            held.append(worker.ask("run", adapter._number, [{"image": fed}])["is"]["image"])
        assert [array.max() for array in held] == [0, 1, 2, 3, 4]
        assert not held[0].flags.writeable
        names = {len(worker._reader._files)}
        for _ in range(5):
            adapter.run(FEEDS)
        assert len(worker._reader._files) <= names.pop() + 1, "files are used again"
        adapter.close()
