"""What a network and a server do to a client: refusals, cut lines, lost answers, wrong bytes."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_BLOCK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the stand-in received; its query is left out, it may hold a signature."""

    server: str  # "api" or "s3"
    method: str
    path: str
    n_bytes: int  # of the body, as announced


@dataclass(slots=True)
class Fault:
    """What happens to the next matching requests.

    Parameters
    ----------
    server
        ``"api"``, ``"s3"`` or ``""`` for both.
    method
        HTTP method, ``""`` for any.
    path
        Regular expression, searched in path and query.
    times, skip
        How many requests are hit, after how many that are let through.
    status, headers, body
        The answer given instead of the server's own.
    cut_after
        The line is cut after this many bytes of the request's body.
    loses_answer
        The server does its work, and the line is cut before its answer.
    stall_s
        Seconds of silence before anything else happens.
    flip_byte
        This byte of the request's body changes on its way.
    """

    server: str = ""
    method: str = ""
    path: str = ""
    times: int = 1
    skip: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    cut_after: int | None = None
    loses_answer: bool = False
    stall_s: float = 0.0
    flip_byte: int | None = None

    def matches(self, server: str, method: str, target: str) -> bool:
        """Say whether a request is one of those to be hit."""
        return (
            self.server in ("", server)
            and self.method in ("", method)
            and re.search(self.path, target) is not None
        )


class Faults:
    """The faults that wait, and the requests that came; shared by both servers."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.requests: list[Request] = []
        self._lock = threading.Lock()

    def take(self, request: Request, query: str) -> Fault | None:
        """Note a request; return the fault that hits it."""
        target = f"{request.path}?{query}" if query else request.path
        with self._lock:
            self.requests.append(request)
            for fault in self.waiting:
                if not fault.matches(request.server, request.method, target):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None


class FaultyApp:
    """A WSGI application whose requests meet the faults first."""

    def __init__(self, app: WsgiApp, server: str, faults: Faults) -> None:
        self.app, self.server, self.faults = app, server, faults

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request, or do to it what its fault says."""
        if self.server == "s3" and "HTTP_AUTHORIZATION" in environ:  # the archive's own request
            return self.app(environ, start_response)
        n_bytes = int(environ.get("CONTENT_LENGTH") or 0)
        request = Request(self.server, environ["REQUEST_METHOD"], environ["PATH_INFO"], n_bytes)
        fault = self.faults.take(request, environ.get("QUERY_STRING", ""))
        if fault is None:
            return self.app(environ, start_response)
        if fault.stall_s:
            environ["wsgi.input"] = BytesIO(_read(environ, n_bytes))
            time.sleep(fault.stall_s)
            if self.server == "s3" and _has_hung_up(environ):  # the rest of a killed upload
                return _cut(environ)
        if fault.cut_after is not None:
            _read(environ, min(fault.cut_after, n_bytes))
            return _cut(environ)
        if fault.status:
            _read(environ, n_bytes)  # else the client may see a cut line instead of the answer
            start_response(f"{fault.status} Fault", list(fault.headers.items()))
            return [fault.body.encode()]
        if fault.flip_byte is not None:
            _flip(environ, fault.flip_byte, n_bytes)
        if fault.loses_answer:
            answer = self.app(environ, lambda *_: None)
            for _ in answer:
                pass
            return _cut(environ)
        return self.app(environ, start_response)


def _read(environ: dict[str, Any], n_bytes: int) -> bytes:
    taken = bytearray()
    while len(taken) < n_bytes:
        block = environ["wsgi.input"].read(min(_BLOCK_BYTES, n_bytes - len(taken)))
        if not block:
            break
        taken += block
    return bytes(taken)


def _has_hung_up(environ: dict[str, Any]) -> bool:
    """Whether the client has closed its end of the line."""
    line = environ["werkzeug.socket"]
    line.setblocking(False)
    try:
        return not line.recv(1, socket.MSG_PEEK)
    except BlockingIOError:  # open, and nothing to read
        return False
    except OSError:
        return True
    finally:
        line.setblocking(True)


def _cut(environ: dict[str, Any]) -> Iterable[bytes]:
    """Close the line without an answer."""
    with suppress(OSError):  # it may be closed already
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("cut by a fault")


def _flip(environ: dict[str, Any], place: int, n_bytes: int) -> None:
    body = bytearray(_read(environ, n_bytes))
    if body:
        body[place % len(body)] ^= 1
    environ["wsgi.input"] = BytesIO(bytes(body))
