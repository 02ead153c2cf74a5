"""A small suite of fake runtimes, some of which do what no runtime should."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.support.suites import boxes_scores, fake, flat, small_suite, toml

FAULTS = dedent(
    '''
    import ctypes
    import os
    import signal
    import socket
    import subprocess
    import sys
    import time

    import numpy as np

    BOXES = np.array([[[2, 2, 12, 12], [20, 4, 30, 20]]], dtype=np.float32)
    CALLS = []


    def healthy(feeds):
        CALLS.append(1)
        return {"boxes": BOXES, "scores": np.array([[[0.9, 0.0], [0.0, 0.8]]], np.float32)}


    def segfault(feeds):
        sys.stderr.write("about to read where nothing is\\n")
        ctypes.string_at(0)


    def killed(feeds):
        os.kill(os.getpid(), signal.SIGKILL)


    def hangs(feeds):
        print("waiting for the accelerator")
        time.sleep(1000)


    def hangs_in_native_code(feeds):
        ctypes.PyDLL(None).sleep(1000)  # holds the interpreter's lock


    def allocates(feeds):
        hoard = []
        while True:
            hoard.append(np.ones(16 << 20, np.uint8))


    def exits(feeds):
        sys.stderr.write("licence expired\\n")
        sys.stderr.flush()
        os._exit(3)


    def leaves(feeds):
        sys.exit(4)


    def breaks_the_pipe(feeds):
        for descriptor in range(3, 256):
            try:
                socket.socket(fileno=os.dup(descriptor)).shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return healthy(feeds)


    def writes_garbage(feeds):
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, b"W0000 delegate: {not json}\\n")
            except OSError:
                pass
        return healthy(feeds)


    def noisy(feeds):
        lines = b'INFO: created a delegate\\n{"id": 1, "is": null}\\n' * 20
        for descriptor in (1, 2):
            for _ in range(2000):
                os.write(descriptor, lines)
        print("and more")
        return healthy(feeds)


    def leaves_a_child(feeds):
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(5)


    def later(feeds):
        """Well on the first image, gone on the second."""
        if CALLS:
            os.abort()
        return healthy(feeds)


    def echoes(feeds):
        return dict(feeds)


    def doubles(feeds):
        """Goes on in two processes."""
        os.fork()
        return healthy(feeds)


    def starts_many(feeds):
        """Others that share its memory, or seem to for a moment."""
        held = np.ones(150 << 20, np.uint8)
        waiting = os.fork()
        if not waiting:
            time.sleep(0.2)
            os._exit(0)
        for _ in range(200):
            subprocess.run(["/bin/true"], check=True)
        os.waitpid(waiting, 0)
        return healthy(feeds)


    def overwrites(feeds):
        found = healthy(feeds)
        feeds["image"][:] = 255 - feeds["image"]
        return found


    def sees(feeds):
        """Boxes that are where the image is bright."""
        found = healthy(feeds)
        return {**found, "scores": found["scores"] * np.float32(feeds["image"].mean() > 100)}


    def texts(feeds):
        found = healthy(feeds)
        return {**found, "scores": found["scores"].astype(object)}


    def raises(feeds):
        raise RuntimeError("the accelerator fell off")
    '''
)

SIZE = (32, 32)


def write(folder: Path, images: int = 2, **runtimes: str) -> Path:
    """A suite; each runtime is given as "function" or "function; more TOML"."""
    tables = {}
    for name, given in {"native": "healthy", **runtimes}.items():
        function, _, more = given.partition("; ")
        tables[name] = toml(fake(f"faulty:{function}", (1, *SIZE, 3))) + more
    colours = [(40 * number, 90, 10) for number in range(images)]
    return small_suite(
        folder,
        tables,
        name="apart",
        images=flat(*colours, size=SIZE, names="{}.png"),
        size=SIZE,
        preprocess='kernel = "opencv:linear"',
        decode=boxes_scores(nms_iou=0.5),
        files={"faulty.py": FAULTS},
    )
