"""A program that is called once an image takes part as one more runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from external_suites import (
    IMAGES,
    as_archives,
    detections,
    image,
    judged,
    reasons,
    runtime,
    write_suite,
)
from programs import NPY, NPZ, write_program

from parity.errors import RuntimeFailure
from parity.layers.subjects.opening import open_subject
from parity.runtimes.command.adapter import Command
from parity.runtimes.contract import AdapterError, Artifact
from parity.suite import load

DEVICE = """
[runtimes.device]
kind = "command"
model = "./detector"
layout = "NHWC"
trust = true
"""
KILLED = 5.0  # seconds within which whatever was killed must be gone


def device(folder: Path, body: str, more: str = "") -> Path:
    """A suite beside a program."""
    write_suite(folder, DEVICE + more)
    write_program(folder, body)
    return folder


def reason(folder: Path, body: str, more: str = "") -> str:
    """Why the first image has no verdict."""
    return reasons(judged(device(folder, body, more)), "device")[0]


def gone(pid: int) -> bool:
    """Whether a process has ended, or ends within a moment."""
    deadline = time.monotonic() + KILLED
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # ended; whoever adopted it has not looked yet
            return True
        time.sleep(0.01)
    return False


def test_a_program_agrees(tmp_path: Path) -> None:
    """It is called with the prepared image and the path of its answer."""
    found = judged(device(tmp_path, NPZ))
    assert runtime(found, "device").verdict == "pass"
    assert runtime(found, "device").layout == "NHWC"
    assert [one.max_abs for one in image(found, "device").heads] == [0.0, 0.0]


def test_a_folder_of_npy_files_will_do(tmp_path: Path) -> None:
    """A program that can write no archive writes one .npy a head."""
    found = judged(device(tmp_path, NPY, 'options = { output = "folder" }\n'))
    assert runtime(found, "device").verdict == "pass"


def test_a_program_may_be_the_reference(tmp_path: Path) -> None:
    """Then the native runtime is judged against it."""
    suite = write_suite(tmp_path, DEVICE, reference="device")
    write_program(tmp_path, NPZ)
    assert runtime(judged(suite), "native").verdict == "pass"


def test_a_program_that_differs_fails(tmp_path: Path) -> None:
    """Its heads are judged as those of any runtime: here it mixes up its two images."""
    found = judged(device(tmp_path, NPZ.replace("bright()", "not bright()")))
    assert [one.verdict for one in runtime(found, "device").images] == ["fail", "fail"]


def test_a_program_may_write_detections(tmp_path: Path) -> None:
    """Boxes of the original image, as a recording holds them; nothing is decoded."""
    suite = device(tmp_path, NPZ, 'decode = { family = "detections", score_floor = 0.2 }\n')
    as_archives(tmp_path / "ready", {one: detections(one) for one in IMAGES})
    assert runtime(judged(suite), "device").verdict == "pass"


def test_the_input_is_a_plain_npy(tmp_path: Path) -> None:
    """Version 1.0, little-endian float32 in C order, a batch of one in the declared layout."""
    body = "open('seen.npy', 'wb').write(seen)\n" + NPZ
    judged(device(tmp_path, body))
    content = (tmp_path / "seen.npy").read_bytes()
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 32, 32, 3), }"
    assert content.startswith(b"\x93NUMPY\x01\x00")
    assert content[10 : 10 + len(header)] == header
    assert len(content) == 128 + 4 * 32 * 32 * 3


def test_the_input_may_be_uint8_and_nchw(tmp_path: Path) -> None:
    """As the runtime's options and layout say."""
    suite = write_suite(
        tmp_path,
        DEVICE.replace("NHWC", "NCHW") + 'options = { dtype = "uint8" }\n',
    )
    write_program(tmp_path, "open('seen.npy', 'wb').write(seen)\n" + NPZ)
    assert runtime(judged(suite), "device").verdict == "pass"
    seen = np.load(tmp_path / "seen.npy")
    assert (seen.dtype, seen.shape) == (np.uint8, (1, 3, 32, 32))


def test_the_layout_must_be_said(tmp_path: Path) -> None:
    """A program declares no shape that could tell it."""
    suite = write_suite(tmp_path, DEVICE.replace('layout = "NHWC"\n', ""))
    write_program(tmp_path, NPZ)
    assert reasons(judged(suite), "device")[0] == (
        "device: input image: expected a shape that tells the layout, found no shape; "
        'say layout = "NCHW" or layout = "NHWC" in the table of this runtime'
    )


def test_arguments_place_the_paths(tmp_path: Path) -> None:
    """Flags of the program's own, the weights and the suite's folder."""
    body = """
assert sys.argv[1] == "--threads=2" and sys.argv[2] == "--out", sys.argv
assert open(sys.argv[4]).read() == "w" and os.path.samefile(sys.argv[6], os.getcwd()), sys.argv
seen = open(sys.argv[5].partition("--in=")[2], "rb").read()
sys.argv[2] = sys.argv[3]
"""
    arguments = '["--threads=2", "--out", "{output}", "{weights}", "--in={input}", "{folder}"]'
    more = f'weights = "net.bin"\noptions = {{ arguments = {arguments} }}\n'
    suite = device(tmp_path, body + NPZ, more)
    (tmp_path / "net.bin").write_text("w")
    found = runtime(judged(suite), "device")
    assert found.verdict == "pass"
    assert [one.path for one in found.artifacts] == ["detector", "net.bin"]


@pytest.mark.parametrize("arguments", ['["{input}"]', '["{input}", "{output}", "{image}"]', '"x"'])
def test_wrong_arguments_are_refused(tmp_path: Path, arguments: str) -> None:
    """A program that is not told where to write, or a place that does not exist."""
    suite = device(tmp_path, NPZ, f"options = {{ arguments = {arguments} }}\n")
    found = judged(suite)
    assert runtime(found, "device").reason.startswith(
        "device: options.arguments: expected a list of texts with {input} and {output} in "
        "them, and {weights} and {folder} where needed, found arguments = "
    )
    assert found.exit_code == 2


def test_weights_must_be_there_to_be_placed(tmp_path: Path) -> None:
    """{weights} without weights is a slip."""
    more = 'options = { arguments = ["{weights}", "{input}", "{output}"] }\n'
    assert runtime(judged(device(tmp_path, NPZ, more)), "device").reason == (
        "device: options.arguments: expected weights in the table of the runtime, as {weights} "
        "stands for their path, found nothing"
    )


def test_a_program_needs_trust(tmp_path: Path) -> None:
    """It is not started, and the message says what would let it."""
    suite = write_suite(tmp_path, DEVICE.replace("trust = true", ""))
    write_program(tmp_path, "open('started', 'w').close()\n" + NPZ)
    assert runtime(judged(suite), "device").reason == (
        f"device: expected a model without code of its own at {tmp_path}/detector, found a "
        "program, which runs with all of your rights. If you trust whoever made it, "
        "say trust = true under [runtimes.device]."
    )
    assert not (tmp_path / "started").exists()


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    """The path is told."""
    suite = write_suite(tmp_path, DEVICE)
    assert runtime(judged(suite), "device").reason == (
        "device: expected a program, a file with the right to execute, at "
        f"{tmp_path}/detector, found nothing. "
        "Correct the path in parity.toml, or the program that wrote it."
    )


def test_a_program_without_the_right_to_execute(tmp_path: Path) -> None:
    """The usual loss of a copied file, with its remedy."""
    suite = device(tmp_path, NPZ)
    (tmp_path / "detector").chmod(0o644)
    assert "found a text file without it (chmod +x gives it). " in (
        runtime(judged(suite), "device").reason
    )


def test_a_program_of_another_machine(tmp_path: Path) -> None:
    """What the system says of a file that it cannot start is passed on."""
    suite = device(tmp_path, NPZ)
    (tmp_path / "detector").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(57))
    assert reasons(judged(suite), "device")[0].startswith(
        "device: expected the program detector to start, found OSError: "
    )


def test_a_parent_that_ignores_the_end_of_programs(tmp_path: Path) -> None:
    """Whoever started this process may have had SIGCHLD ignored: a crash is told all the same."""
    suite = device(tmp_path, "raise SystemExit(3)")
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        found = reasons(judged(suite), "device")
        after = signal.getsignal(signal.SIGCHLD)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (
        found == ["device: expected the program detector to end with status 0, found status 3"] * 2
    )
    assert after == signal.SIG_IGN


def test_a_failing_program_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Its status and the end of its standard error, without colours."""
    body = """
        for i in range(100): print("line", i, file=sys.stderr)
        print("\\x1b[31mno such kernel\\x1b[0m", file=sys.stderr)
        sys.exit(3)
    """
    assert reason(tmp_path, body) == (
        "device: expected the program detector to end with status 0, found status 3; "
        "the last lines of its standard error:\n"
        "  line 96\n  line 97\n  line 98\n  line 99\n  no such kernel"
    )


def test_a_crash_is_told_by_its_signal(tmp_path: Path) -> None:
    """A segmentation fault ends the program alone."""
    suite = device(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    found = judged(suite)
    assert (
        reasons(found, "device")
        == ["device: expected the program detector to end with status 0, found signal SIGSEGV"] * 2
    )


def test_one_bad_image_leaves_the_others(tmp_path: Path) -> None:
    """The error is that of the image on which the program failed."""
    body = "if bright(): sys.exit(1)\n" + NPZ
    found = judged(device(tmp_path, body))
    assert [one.verdict for one in runtime(found, "device").images] == ["pass", "error"]


def test_noise_is_harmless(tmp_path: Path) -> None:
    """Megabytes on both streams neither block the program nor reach the results."""
    noise = """
for stream in (sys.stdout, sys.stderr):
    stream.write("{}\\n" * 1000000)
"""
    assert runtime(judged(device(tmp_path, noise + NPZ)), "device").verdict == "pass"


def _text(path: Path) -> None:
    path.write_text("boxes")


def _npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _cut(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, boxes=np.zeros(300))
        file.truncate(300)


def _names(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, boxes=np.array(["x"]))


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (None, "nothing"),
        (_text, "a text file"),
        (_npy, "a NumPy array (.npy)"),
        (_cut, "a truncated or damaged zip archive"),
        (_names, "'boxes', an array of <U1, not of numbers"),
    ],
)
def test_an_answer_that_is_none(
    tmp_path: Path, write: Callable[[Path], None] | None, found: str
) -> None:
    """The program ended well and left nothing that could be read."""
    suite = device(tmp_path, "write(sys.argv[2], 'answer')" if write else "")
    if write is not None:
        write(tmp_path / "answer")
    assert reasons(judged(suite), "device")[0] == (
        "device: expected the program detector to write an .npz of its heads to {output}, "
        f"found {found}"
    )


def test_an_empty_folder_is_no_answer(tmp_path: Path) -> None:
    """The folder was there before the program was."""
    assert reason(tmp_path, "print('done')", 'options = { output = "folder" }\n') == (
        "device: expected the program detector to write a .npy of each head into {output}, "
        "found a folder without .npy files"
    )


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    """After timeout seconds nothing of it runs, and the error says so."""
    body = """
        child = subprocess.Popen(["sleep", "60"])
        open("pids", "a").write(f"{os.getpid()} {child.pid}\\n")
        print("waiting for the accelerator", file=sys.stderr, flush=True)
        time.sleep(60)
    """
    started = time.monotonic()
    assert reason(tmp_path, body, "timeout = 1\n") == (
        "device: expected the program detector to end within timeout = 1 s, found it still "
        "running, and ended it; the last lines of its standard error:\n"
        "  waiting for the accelerator"
    )
    assert time.monotonic() - started < 10
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 4
    assert all(gone(pid) for pid in pids)


def test_a_program_that_leaves_a_child_behind(tmp_path: Path) -> None:
    """The child is ended when the program is, and does not hold up the next image."""
    body = NPZ + 'open("pids", "a").write(f"{subprocess.Popen([\'sleep\', \'60\']).pid}\\n")\n'
    started = time.monotonic()
    assert runtime(judged(device(tmp_path, body + NPZ)), "device").verdict == "pass"
    assert time.monotonic() - started < 10
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "error: interrupted\n"), (signal.SIGKILL, -9, "")],
)
def test_no_program_outlives_the_command(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    """Ctrl-C in the middle of an image, or a kill that leaves no time to clear up; nor a file."""
    body = """
        child = subprocess.Popen(["sleep", "60"])
        open("pids.new", "w").write(f"{os.getpid()} {child.pid}")
        os.rename("pids.new", "pids")
        time.sleep(60)
    """
    suite = device(tmp_path, body)
    (tmp_path / "scratch").mkdir()
    command = subprocess.Popen(
        [sys.executable, "-m", "parity", "check", str(suite)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "scratch")},
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pids").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    command.send_signal(number)
    assert command.communicate(timeout=20)[1] == said
    assert command.returncode == code
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())
    deadline = time.monotonic() + KILLED
    while os.listdir(tmp_path / "scratch"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inputs and outputs are removed, also of a program that failed."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    judged(device(tmp_path / "good", NPZ))
    judged(device(tmp_path / "bad", "sys.exit(1)"))
    assert os.listdir(scratch) == []


def test_an_answer_is_never_that_of_the_image_before(tmp_path: Path) -> None:
    """Each call has a folder of its own: a program that writes only once fails the second time."""
    once = "if os.path.exists('once'): sys.exit(0)\nopen('once', 'w').close()\n" + NPZ
    found = judged(device(tmp_path, once))
    assert [one.verdict for one in runtime(found, "device").images] == ["pass", "error"]
    assert reasons(found, "device")[1].endswith("to {output}, found nothing")


def test_the_program_is_recorded(tmp_path: Path) -> None:
    """Its name is the library, its file is hashed, and this machine is part of the identity."""
    found = runtime(judged(device(tmp_path, NPZ)), "device")
    assert {"library": "detector", "version": "not said", "device": "cpu"}.items() <= (
        found.identity.items()
    )
    assert [one.path for one in found.artifacts] == ["detector"]


def test_layers_of_a_program_cannot_be_seen(tmp_path: Path) -> None:
    """parity layers says so."""
    with pytest.raises(RuntimeFailure) as caught:
        open_subject(load(device(tmp_path, NPZ)), "device")
    assert str(caught.value) == (
        "device: expected a command runtime whose layers can be seen, found one whose layers "
        "cannot: this runtime does not show what is inside a network"
    )


def test_a_closed_program_is_not_started(tmp_path: Path) -> None:
    """As every adapter."""
    program = write_program(tmp_path, NPZ)
    adapter = Command(Artifact(str(program), folder=str(tmp_path), trust=True))
    adapter.close()
    with pytest.raises(AdapterError) as caught:
        adapter.run({"image": np.zeros((1, 4, 4, 3), np.float32)})
    assert caught.value.facts == {"reason": "the runtime has been closed"}
