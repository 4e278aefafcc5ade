"""Both servers of the archive on this machine, and what a test may do to them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from miniscope_nwb.testing.archive.api import Api
from miniscope_nwb.testing.archive.faults import Fault, Faults, FaultyApp, Request, WsgiApp
from miniscope_nwb.testing.archive.state import Asset, State
from miniscope_nwb.testing.archive.storage import Storage, blob_of, storage_app

_HOST = "127.0.0.1"
_DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"


class StandIn:
    """A DANDI archive of its own; use it as a context manager.

    It has an open dandiset, ``000001``, and an embargoed one, ``000002``; both belong to the
    user whose key is `key`. `stranger_key` is an approved user's who owns neither, `pending_key`
    one's who waits to be approved.

    Parameters
    ----------
    part_bytes
        Size of the parts of an upload; the real archive's is 64 MiB.
    sha256_after_s, validation_after_s
        How long the archive takes for its own checksum and validation; None: for ever.

    Raises
    ------
    MiniscopeError
        If what only ``miniscope-nwb[test]`` brings is not installed.
    """

    dandiset, embargoed = "000001", "000002"

    def __init__(
        self,
        *,
        part_bytes: int = 64 * 2**20,
        sha256_after_s: float | None = 0.0,
        validation_after_s: float | None = 0.0,
    ) -> None:
        self.state = State(part_bytes, sha256_after_s, validation_after_s)
        self.key = self.state.add_user("owner@example.com", "Owner, Local")
        self.stranger_key = self.state.add_user("stranger@example.com", "Stranger, Far")
        self.pending_key = self.state.add_user("new@example.com", "New, Very", status="PENDING")
        owner = self.state.users[self.key]
        described = {"description": "Made for a test.", "license": ["spdx:CC-BY-4.0"]}
        self.state.add_dandiset(owner, "Open test dandiset", described)
        self.state.add_dandiset(owner, "Embargoed test dandiset", described, is_embargoed=True)
        self.faults = Faults()
        self._storage = Storage()
        self._s3 = _Server(self._guarded(storage_app()), "s3", self.faults)
        self._api = _Server(self._serve_api, "api", self.faults)

    def __enter__(self) -> StandIn:
        self._s3.start()
        self._api.start()
        self._storage.open(self._s3.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.faults.waiting.clear()
        if not self._s3.is_up:
            self._s3.start()
        self._storage.clear()
        for server in (self._api, self._s3):
            if server.is_up:
                server.stop()

    @property
    def url(self) -> str:
        """Address of the HTTP interface, ``http://127.0.0.1:PORT/api``."""
        return f"{self._api.url}/api"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, to both servers, in the order in which they came."""
        return self.faults.requests

    def add_fault(self, **choices: Any) -> Fault:
        """Let something happen to the next matching requests; see `Fault`."""
        fault = Fault(**choices)
        self.faults.waiting.append(fault)
        return fault

    def assets(self, dandiset: str = dandiset) -> dict[str, Asset]:
        """Return the assets of a draft by their path."""
        return self.state.dandisets[dandiset].assets

    def content(self, path: str, dandiset: str = dandiset) -> bytes:
        """Return the stored bytes of an asset."""
        return self._storage.read(self.assets(dandiset)[path].blob_id)

    def tamper(self, path: str, *, byte: int = 0, dandiset: str = dandiset) -> None:
        """Change one byte of a stored asset, and what the archive says of it accordingly."""
        asset = self.assets(dandiset)[path]
        content = bytearray(self._storage.read(asset.blob_id))
        content[byte] ^= 1
        self._storage.replace(asset.blob_id, bytes(content))
        blob = self.state.blobs[asset.blob_id]
        blob.etag, blob.sha256 = self._etag(bytes(content)), None

    def _etag(self, content: bytes) -> str:
        """Return the checksum of an upload in parts, as S3 and DANDI make it."""
        size = self.state.part_bytes
        parts = [content[start : start + size] for start in range(0, len(content), size)]
        sums = b"".join(hashlib.md5(part).digest() for part in parts)
        return f"{hashlib.md5(sums).hexdigest()}-{len(parts)}"

    def restart(self) -> None:
        """Stop the HTTP interface and start it again, at the same address."""
        self._api.stop()
        self._api.start()

    def take_storage_away(self) -> None:
        """Stop the storage; uploads that were begun stay."""
        self._s3.stop()

    def bring_storage_back(self) -> None:
        """Start the storage again, at the same address."""
        self._s3.start()

    def _serve_api(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return Api(self.state, self._storage, self.url)(environ, start_response)

    def _guarded(self, app: WsgiApp) -> WsgiApp:
        """Give embargoed bytes to signed addresses alone, as the archive's bucket does."""

        def guard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            is_signed = "X-Amz-Signature" in environ.get("QUERY_STRING", "")
            is_own = "HTTP_AUTHORIZATION" in environ  # the archive itself
            embargoed = self.state.is_blob_embargoed(blob_of(environ["PATH_INFO"]))
            if embargoed and not (is_signed or is_own):
                start_response("403 Forbidden", [("Content-Type", "application/xml")])
                return [_DENIED]
            return app(environ, start_response)

        return guard


class _Server:
    """One HTTP server in a thread; after a stop it starts again at the same port."""

    def __init__(self, app: WsgiApp, name: str, faults: Faults) -> None:
        self._app, self._name = FaultyApp(app, name, faults), name
        self._port, self._server, self._thread = 0, None, threading.Thread()

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self._port}"

    @property
    def is_up(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, type: str, message: str, *arguments: Any) -> None:
                pass

        server: Any = make_server(
            _HOST, self._port, self._app, threaded=True, request_handler=Quiet
        )
        self._server, self._port = server, server.server_port
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True,
            name=f"stand-in {self._name}",
        )  # fmt: skip
        self._thread.start()

    def stop(self) -> None:
        server: Any = self._server
        server.shutdown()
        self._thread.join()
        server.server_close()
        self._server = None
