"""A conversation with one worker: requests, answers, streams, and how it was lost."""

from __future__ import annotations

import contextlib
import json
import selectors
import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity.isolation import ending, process
from parity.isolation.launch import Launch
from parity.runtimes.contract import AdapterError
from parity.worker import packing, shelf

_START = 120.0  # seconds in which an interpreter imports numpy, on a machine that is busy
_CLOSING = 10.0  # seconds for an adapter to let go, after Ctrl-C while it hangs too
_LONGEST = 256 << 20  # bytes of one line; beyond that it is no answer
_DOING = {"open": "opened the model", "run": "ran an image", "": "started"}


class _Stray(ValueError):
    """What came over the control socket is no answer."""


class Worker:
    """One worker, running from the constructor on; it ends with its last holder.

    Adapters that are open hold it, and so does a ``with`` block. Once it is lost every request
    raises the ``AdapterError`` that says how, at no further cost. ``ended`` is true of one that was
    closed, and false of one that was lost.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.ended = False
        self._holders = 0
        self._next = 0
        self._done: list[str] = []
        self._streams: dict[int, deque[dict[str, Any]]] = {}
        self._received = bytearray()
        self._failure: AdapterError | None = None
        self._processes, self._finish = process.start(launch, self)
        folders = [str(folder) for folder in self._processes.folders.tensors]
        self._writer = shelf.Writer(folders, "h")
        self._reader = shelf.Reader(folders, self._done.append)
        self._selector = selectors.DefaultSelector()
        for end in (self._processes.control, self._processes.lifeline):
            self._selector.register(end, selectors.EVENT_READ)
        self._streams[0] = deque()
        told = self._awaited(0, _START, "")["is"]
        self.pid: int = told["pid"]
        self._check_python(str(told["python"]))

    def ask(self, name: str, of: int, given: Sequence[Any]) -> dict[str, Any]:
        """One request's answer: ``is`` (unpacked) and further news. Raises ``AdapterError``."""
        number = self._request(name, of, given)
        answer = self._awaited(number, self._limit(name), name)
        return answer | {"is": self._unpacked(answer.get("is"), name)}

    def stream(self, name: str, of: int, given: Sequence[Any]) -> Iterator[Any]:
        """The parts of one request's answer. Raises ``AdapterError``."""
        number = self._request(name, of, given)
        try:
            while "next" in (message := self._message(number, self._limit(name), name)):
                yield self._unpacked(message["next"], name)
            self._raise(message, name)
        finally:
            self._streams.pop(number, None)

    def hold(self) -> None:
        """One more needs the worker."""
        self._holders += 1

    def release(self, of: int) -> None:
        """Close an adapter, which others outlive; the last one is not asked, as it may hang."""
        if self._holders > 1:
            with contextlib.suppress(AdapterError):
                self.ask("close", of, [])
        self.leave()

    def leave(self) -> None:
        """One needs it no more; the last one ends it."""
        self._holders -= 1
        if self._holders <= 0:
            self.close()

    def close(self) -> None:
        """End it, whatever it is doing; every later request fails."""
        if self._failure is None:
            self.ended = True
            self._failure = AdapterError("run-failed", reason="the runtime has been closed")
            self._stop(at_once=True)

    def __enter__(self) -> Self:
        self.hold()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def _check_python(self, found: str) -> None:
        """The interpreter may have been exchanged since its environment was looked at."""
        expected = self.launch.version
        if expected and not f"{found}.".startswith(f"{expected}."):
            self.close()
            where = self.launch.python.parents[1]
            why = f"expected Python {expected} in {where}, found {found}"
            why += process.rebuilt(self.launch)
            raise AdapterError("broken-library", library="", install="", reason=why)

    def _limit(self, name: str) -> float | None:
        if name == "close":
            return _CLOSING
        return self.launch.timeout if name == "run" else self.launch.patience

    def _request(self, name: str, of: int, given: Sequence[Any]) -> int:
        if self._failure is not None:
            raise self._failure
        for number in self._streams:  # so that neither side waits for the other to read
            self._drain(number, name)
        self._next += 1
        done, self._done[:] = list(self._done), []
        try:
            packed = [packing.pack(item, self._writer.put) for item in given]
        except (OSError, ValueError) as error:
            self._done += done
            raise AdapterError("run-failed", reason=f"no tensor for the worker: {error}") from error
        except TypeError as error:  # an option that TOML has and JSON has not, as a date
            self._done += done
            raise AdapterError("run-failed", reason=f"for the worker: {error}") from error
        request = {"id": self._next, "do": name, "of": of, "with": packed, "done": done}
        self._streams[self._next] = deque()
        try:
            self._processes.control.settimeout(self._limit(name))
            self._processes.control.sendall(json.dumps(request).encode() + b"\n")
        except TimeoutError:
            self._lose(name, late=self._limit(name))
        except OSError:
            self._lose(name)
        return self._next

    def _awaited(self, number: int, limit: float | None, name: str) -> dict[str, Any]:
        try:
            message = self._message(number, limit, name)
        finally:
            self._streams.pop(number, None)
        self._raise(message, name)
        return message

    def _message(self, number: int, limit: float | None, name: str) -> dict[str, Any]:
        """The next message of one request; those of others are kept for them."""
        if self._failure is not None and not self._streams[number]:
            raise self._failure
        deadline = None if limit is None else time.monotonic() + limit
        while not self._streams[number]:
            self._receive(deadline, limit, name)
        return self._streams[number].popleft()

    def _drain(self, number: int, name: str) -> None:
        limit = self._limit(name)
        deadline = None if limit is None else time.monotonic() + limit
        queue = self._streams[number]
        while not queue or "next" in queue[-1]:
            self._receive(deadline, limit, name)

    def _receive(self, deadline: float | None, limit: float | None, name: str) -> None:
        """Wait for whatever comes next and put it where it belongs."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = {key.fileobj for key, _ in self._selector.select(left)}
        if not ready:
            self._lose(name, late=limit)
        chunk = b""
        if self._processes.control in ready:
            with contextlib.suppress(OSError):
                chunk = self._processes.control.recv(1 << 18)
        if not chunk:  # the worker has ended, or at least talks no more
            self._lose(name)
        self._received += chunk
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        try:
            if len(rest) > _LONGEST:
                raise _Stray(rest[:80].decode("utf-8", "replace"))
            for line in lines:
                self._sort(bytes(line))
        except _Stray as stray:
            self._lose(name, stray=str(stray))

    def _sort(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            queue = self._streams.get(message["id"])
            self._writer.let_go(message.get("done", ()))
            if queue is not None:
                queue.append(message)
            elif "next" in message:  # nobody reads that stream any more
                packing.unpack(message["next"], self._reader.get)
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            raise _Stray(line[:80].decode("utf-8", "replace")) from error

    def _unpacked(self, data: Any, name: str) -> Any:
        try:
            return packing.unpack(data, self._reader.get)
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            self._lose(name, stray=str(error))

    def unpacked(self, data: Any) -> Any:
        """What came with an answer as news."""
        return self._unpacked(data, "")

    def _raise(self, message: dict[str, Any], name: str) -> None:
        if "raised" in message:
            found = message["raised"]
            facts = self._unpacked(found["facts"], name)
            raise AdapterError(str(found["code"]), **facts)

    def _lose(self, name: str, late: float | None = None, stray: str | None = None) -> Any:
        """Stop what is left of it, and raise how it was lost, now and ever after."""
        doing = _DOING.get(name, "showed its layers")
        report = self._stop(at_once=late is not None or stray is not None)
        if late is not None:
            failure = ending.timed_out(late, report)
        elif stray is not None:
            failure = ending.garbled(stray, report)
        else:
            failure = ending.lost(self.launch.memory, report, self._words)
        failure.facts.update(runtime=self.launch.runtime, doing=doing)
        self._failure = failure
        raise failure

    def _stop(self, at_once: bool) -> dict[str, Any]:
        self._finish.detach()
        self._selector.close()
        report = self._processes.end(at_once)
        self._words = self._processes.words()
        self._processes.clear()
        return report


def owned(heads: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Heads in memory of their own, which the next run leaves alone."""
    return {name: np.array(value, copy=True, order="C") for name, value in heads.items()}
