"""What runs apart leaves nothing behind: checked after every test of this folder."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from quick_environments import SITE

from parity.isolation import folders

MARK = "PARITY_TESTS_OF_WORKERS"


@dataclass(frozen=True)
class Traces:
    """Where a test's workers keep files, and the mark that its processes bear."""

    disk: Path
    memory: Path
    mark: str

    def files(self) -> list[str]:
        """Folders of workers."""
        return sorted(
            str(one) for base in (self.disk, self.memory) for one in base.glob("parity-*")
        )

    def processes(self) -> list[int]:
        """Keepers and workers that the test, or a process of it, has started."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
                variables = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"/worker/start.py\0" in command and f"{MARK}={self.mark}".encode() in variables:
                found.append(int(entry.name))
        return found

    def wait_for_end_of(self, process: int, seconds: float = 15) -> None:
        """Wait until a process is gone: it may still answer a call until it is."""
        deadline = time.monotonic() + seconds
        while process in self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)

    def wait_for_nothing(self, seconds: float = 15) -> None:
        """Wait until the last of it is gone, which a killed parent does not see."""
        deadline = time.monotonic() + seconds
        while (self.files() or self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """Fails a test that leaves a process or a file."""
    mark = uuid.uuid4().hex
    shared = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
    found = Traces(tmp_path / "disk", shared / f"parity-tests-{mark}", mark)
    found.disk.mkdir()
    found.memory.mkdir()
    monkeypatch.setenv(MARK, mark)
    monkeypatch.setenv("TMPDIR", str(found.disk))
    monkeypatch.setattr(tempfile, "tempdir", str(found.disk))
    monkeypatch.setattr(folders, "SHARED_MEMORY", found.memory)
    yield found
    left = found.files(), found.processes()
    shutil.rmtree(found.memory)
    assert left == ([], [])


@pytest.fixture(scope="session")
def numpy_wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A requirement called numpy that needs no network: it leads to the numpy of these tests."""
    path = tmp_path_factory.mktemp("wheel") / "numpy-1.0-py3-none-any.whl"
    info = "numpy-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("numpy_of_the_tests.pth", f"{SITE}\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return f"numpy @ {path.as_uri()}"
