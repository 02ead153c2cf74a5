"""The worker: opens adapters and answers for them until the other side closes the control socket.

A failure that an adapter declares travels as its code and facts. Any other exception ends nothing
either: it is the answer ``run-failed``, with its words.
"""

import faulthandler
import json
import os
import socket
import sys
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from .. import runtimes
from ..runtimes.contract import Adapter, TensorSpec
from ..runtimes.shared.reasons import reason
from . import guests, keeper, packing, shelf

TOGETHER = 16  # tensors of a stream that are announced at once
OUT_OF_MEMORY = 77  # exit code of a worker that found itself beyond its limit

Specs = Tuple[TensorSpec, ...]


def serve(control: int, limit: int, folders: Sequence[str]) -> None:
    """Answer requests, one after the other."""
    faulthandler.enable()  # a crash leaves the stack among the last lines
    connection = socket.socket(fileno=control)
    _Server(connection, limit, folders).run()


class _Server:
    def __init__(self, connection: socket.socket, limit: int, folders: Sequence[str]) -> None:
        self._connection = connection
        self._process = os.getpid()
        self._limit = limit
        self._done: List[str] = []
        self._reader = shelf.Reader(folders, self._done.append)
        self._writer = shelf.Writer(folders, "w")
        self._adapters: Dict[int, Adapter] = {}
        self._told: Dict[int, Tuple[Specs, Specs]] = {}

    def run(self) -> None:
        self._send([{"id": 0, "is": {"pid": os.getpid(), "python": sys.version.split()[0]}}])
        with self._connection.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                self._writer.let_go(request.get("done", ()))
                self._answer(request)
        os._exit(0)  # the keeper clears up; frameworks take their time to end

    def _answer(self, request: Dict[str, Any]) -> None:
        number = request["id"]
        waiting: List[Dict[str, Any]] = []
        try:
            for found in self._do(request):
                if len(waiting) >= TOGETHER:
                    self._send(waiting)
                    waiting = []
                waiting.append({"id": number, **found})
            self._check_memory()
        except BaseException as error:  # also what would end this process: that is its answer
            waiting.append({"id": number, "raised": self._failure(error)})
        done, self._done[:] = list(self._done), []
        waiting[-1]["done"] = done
        self._send(waiting)

    def _do(self, request: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
        """The parts of the answer; arrays of the request live until it is given."""
        given = [packing.unpack(item, self._reader.get) for item in request["with"]]
        which, name = request["of"], request["do"]
        if name == "open":
            yield {"is": self._open(which, *given)}
        elif name == "close":
            self._adapters.pop(which).close()
            self._told.pop(which, None)
            yield {"is": None}
        else:
            adapter = self._adapters[which]
            answer = getattr(adapter, name)(*given)
            if isinstance(answer, Iterator):
                for part in answer:
                    yield {"next": packing.pack(part, self._put)}
                answer = None
            yield {"is": packing.pack(answer, self._put), "specs": self._specs(which)}

    def _open(self, which: int, kind: str, artifact: Any) -> Any:
        if kind not in runtimes.kinds():
            guests.welcome()
        self._adapters[which] = runtimes.load(kind)(artifact)
        return self._specs(which)

    def _specs(self, which: int) -> Any:
        """Inputs and outputs where they are news; some runtimes learn them by running."""
        adapter = self._adapters[which]
        found = adapter.inputs(), adapter.outputs()
        if self._told.get(which) == found:
            return None
        self._told[which] = found
        return packing.pack(found, self._put)

    def _failure(self, error: BaseException) -> Dict[str, Any]:
        """Packages that bring adapters raise an AdapterError of their own copy of the class."""
        code: Optional[str] = getattr(error, "code", None)
        facts = getattr(error, "facts", None)
        if type(error).__name__ != "AdapterError" or not isinstance(facts, dict):
            code, facts = "run-failed", {"reason": reason(error)}
        try:
            return {"code": code, "facts": packing.pack(facts, self._put)}
        except TypeError:  # facts of a library's own types are told in words
            told = {str(name): str(value) for name, value in facts.items()}
            return {"code": code, "facts": packing.pack(told, self._put)}

    def _check_memory(self) -> None:
        """A peak between two looks of the keeper counts too."""
        if self._limit and keeper.peak(os.getpid()) > self._limit:
            os._exit(OUT_OF_MEMORY)

    def _put(self, array: np.ndarray) -> shelf.Place:
        self._end_copy()
        return self._writer.put(array)

    def _end_copy(self) -> None:
        """A copy that a runtime has forked and left running writes and answers nothing."""
        if os.getpid() != self._process:
            os._exit(0)

    def _send(self, messages: Iterable[Dict[str, Any]]) -> None:
        self._end_copy()
        lines = "".join(json.dumps(message) + "\n" for message in messages)
        self._connection.sendall(lines.encode())
