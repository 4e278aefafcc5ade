"""A web server that sends pieces of files, counts what it sends, and fails on request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Takes the request; True where it was answered.
Rule = Callable[[BaseHTTPRequestHandler], bool]


class RangeServer(ThreadingHTTPServer):
    """Files by path, rules that come before them, and what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Path] = {}
        self.rules: list[Rule] = []
        self.asked: list[tuple[str, dict[str, str]]] = []  # path with query, headers
        self.n_bytes = 0
        self.has_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def n_requests(self) -> int:
        return len(self.asked)

    def forget(self) -> None:
        self.asked.clear()
        self.n_bytes = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        for rule in list(self.server.rules):
            if rule(self):
                return
        path = self.server.files.get(self.path.partition("?")[0])
        if path is None:
            answer(self, 404)
            return
        size = path.stat().st_size
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if found is None or not self.server.has_ranges:
            answer(self, 200, path.read_bytes())
            return
        start, stop = int(found[1]), min(int(found[2]) + 1, size)
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(stop - start)
        answer(
            self, 206, data, {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "ETag": '"1"'}
        )


def answer(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> bool:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    try:
        handler.wfile.write(body)
    except OSError:  # whoever asked has gone
        return True
    handler.server.n_bytes += len(body)
    return True


@contextmanager
def serving(files: dict[str, Path]):
    server = RangeServer()
    server.files.update(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
