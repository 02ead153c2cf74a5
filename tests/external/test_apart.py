"""Programs and recordings in a process of their own: the same results, and nothing left behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from external_suites import (
    IMAGES,
    as_archives,
    heads,
    judged,
    reasons,
    runtime,
    write_suite,
)
from programs import NPZ
from test_command import device, gone

from parity.errors import SuiteError


def test_a_recording_apart_is_read_alike(tmp_path: Path) -> None:
    """The image's id and what the suite calls its images reach the other process."""
    table = '[runtimes.phone]\nkind = "recorded"\nmodel = "phone"\nisolated = true\n'
    suite = write_suite(tmp_path, table)
    dump = {one: heads(one) for one in IMAGES}
    as_archives(tmp_path / "phone", {**dump, "images/c.png": dump[IMAGES[0]]})
    found = runtime(judged(suite), "phone")
    assert found.verdict == "pass"
    assert found.identity["isolated"] is True
    assert found.notes == ("it also holds 1 image that the suite does not have: images/c.png",)


def test_a_program_apart_is_ended_by_its_own_timeout(tmp_path: Path) -> None:
    """Its last words are told, not those of the process that called it."""
    body = 'print("waiting", file=sys.stderr, flush=True)\ntime.sleep(60)\n'
    found = judged(device(tmp_path, body, "timeout = 1\nisolated = true\n"))
    assert reasons(found, "device")[0] == (
        "device: expected the program detector to end within timeout = 1 s, found it still "
        "running, and ended it; the last lines of its standard error:\n  waiting"
    )


def test_memory_of_what_a_program_leaves_behind_is_limited(tmp_path: Path) -> None:
    """A process whose parent has ended counts as well, and ends with the others."""
    body = """
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                open("pid", "w").write(str(os.getpid()))
                held = bytearray(400 << 20)
                for at in range(0, len(held), 4096): held[at] = 1
                time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """
    found = judged(device(tmp_path, body, 'memory_limit = "200MiB"\n'))
    assert "at most memory_limit = 200 MiB, found " in reasons(found, "device")[0]
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_has_no_environment_of_ours(tmp_path: Path) -> None:
    """It would run with what this process has, so nothing of another version is promised."""
    suite = device(tmp_path, NPZ, 'requires = ["numpy==1.26.4"]\n')
    with pytest.raises(SuiteError) as caught:
        judged(suite)
    assert caught.value.problems == (
        "runtimes.device: expected no requires and no python for kind 'command', which runs with "
        "what it brings along: name an interpreter or a script that finds it in model",
    )


def test_memory_of_a_program_is_limited(tmp_path: Path) -> None:
    """What the program occupies counts; it ends with the process that called it."""
    body = """
        open("pid", "w").write(str(os.getpid()))
        held = bytearray(400 << 20)
        for at in range(0, len(held), 4096): held[at] = 1
        time.sleep(60)
    """
    started = time.monotonic()
    found = judged(device(tmp_path, body, 'memory_limit = "200MiB"\n'))
    assert "at most memory_limit = 200 MiB, found " in reasons(found, "device")[0]
    assert time.monotonic() - started < 30
    assert gone(int((tmp_path / "pid").read_text()))
