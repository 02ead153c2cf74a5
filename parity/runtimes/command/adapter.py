"""A program that is called once an image, with a tensor file and the path of its answer.

``model`` is the program: a file with the right to execute, started in the suite's folder. It finds
the prepared image as a .npy file of one batch, and writes its heads as an .npz or as one .npy a
head into a folder. It must end with status 0. What it prints is of no account; the last lines of
its standard error are told where it fails. It runs with all rights of the user, so only with
``trust``. It and what it has started are ended when it returns, when it takes longer than
``timeout``, and on an interrupt.

Options: ``arguments`` (["{input}", "{output}"]; {weights} and {folder} are the paths of the
runtime's weights and of the suite), ``dtype`` of the input ("float32" | "uint8"), ``output``
("npz" | "folder": what {output} is the path of; the folder is there and empty).
"""

import os
import subprocess
import tempfile
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from ...formats import recognise
from ..contract import AdapterError, Artifact, TensorSpec
from ..shared import arrays, processes
from ..shared.machine import machine
from ..shared.opened import OpenedAdapter
from ..shared.reasons import reason
from .descriptor import DESCRIPTOR, PLACE

_INPUT = "image"
_PROGRAM = "a program, a file with the right to execute,"
_RIGHTS = "a program, which runs with all of your rights"


class Command(OpenedAdapter):
    """One program, started anew for each image."""

    kind = "command"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        self._program = os.path.abspath(artifact.model)
        found = _found(self._program)
        if found:
            raise AdapterError("not-usable", path=self._program, expected=_PROGRAM, found=found)
        if artifact.weights is None and any("{weights}" in one for one in self._given()):
            expected = "weights in the table of the runtime, as {weights} stands for their path"
            raise AdapterError("bad-option", option="arguments", expected=expected, found="nothing")
        if not artifact.trust:
            raise AdapterError("untrusted", path=self._program, findings=(_RIGHTS,))

    def _given(self) -> List[str]:
        return self.options["arguments"]  # type: ignore[no-any-return]

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The image, of whatever size the recipe gives it."""
        return (TensorSpec(_INPUT, None, self.options["dtype"]),)

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """A program declares none."""
        return ()

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        with tempfile.TemporaryDirectory(prefix="parity-") as folder:
            paths = {
                "input": os.path.join(folder, "input.npy"),
                "output": os.path.join(folder, "output"),
                "weights": self.artifact.weights or "",
                "folder": os.path.abspath(self.artifact.folder or "."),
            }
            if self.options["output"] == "npz":
                paths["output"] += ".npz"
            else:
                os.mkdir(paths["output"])
            np.save(paths["input"], feeds[_INPUT], allow_pickle=False)
            ended = self._call(paths, folder)
            return self._answer(paths["output"], ended)

    def _call(self, paths: Mapping[str, str], scratch: str) -> processes.Ended:
        command = [
            self._program,
            *(PLACE.sub(lambda match: paths[match[1]], one) for one in self._given()),
        ]
        try:
            ended = processes.run(command, paths["folder"], self.artifact.timeout, scratch)
        except (OSError, subprocess.SubprocessError) as error:
            raise self._failed("to start", reason(error), ()) from error
        if ended.late:
            expected = f"to end within timeout = {self.artifact.timeout:g} s"
            raise self._failed(expected, "it still running, and ended it", ended.lines)
        if ended.status:
            raise self._failed("to end with status 0", ended.how, ended.lines)
        return ended

    def _answer(self, path: str, ended: processes.Ended) -> Dict[str, np.ndarray]:
        whole = self.options["output"] == "npz"
        try:
            return arrays.of_archive(path) if whole else arrays.of_folder(path)
        except arrays.Unreadable as error:
            what = "an .npz of its heads to {output}"
            expected = f"to write {what if whole else 'a .npy of each head into {output}'}"
            raise self._failed(expected, str(error), ended.lines) from error

    def _failed(self, expected: str, found: str, lines: Tuple[str, ...]) -> AdapterError:
        program = os.path.basename(self._program)
        return AdapterError(
            "program-failed", program=program, expected=expected, found=found, lines=lines
        )

    def identity(self) -> Dict[str, Any]:
        """The program's name and this machine; its file's hash is with the artifacts."""
        facts = machine()
        for ours in ("python", "numpy"):
            del facts[ours]
        return {"library": os.path.basename(self._program), "version": "not said", **facts}


def _found(path: str) -> str:
    """What is there in the place of a program; "" where it is one."""
    if not os.path.isfile(path):
        return "nothing" if not os.path.exists(path) else "a folder"
    if not os.access(path, os.X_OK):
        return f"{recognise(path).phrase} without it (chmod +x gives it)"
    return ""
