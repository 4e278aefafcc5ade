"""Pieces of a file from a server: few requests, repeated where a line or a server fails.

An archive answers with a signed address of its storage, which is good for hours. The key goes to
the archive alone; signed addresses and keys stand in no message.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from miniscope_nwb import __version__
from miniscope_nwb.errors import AccessError, NwbContentError, UnreachableError
from miniscope_nwb.remote.address import shown
from miniscope_nwb.remote.file import BLOCK_BYTES, RemoteFile

Authorize = Callable[[], str]  # value of the header ``Authorization``; "": there is no key
_OK, _PARTIAL = 200, 206
_TOO_MANY, _IN_TROUBLE = 429, 500
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSED = (401, 403, 404)  # a private file is not even said to be there
_MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Waits:
    """How long is waited for a server, in seconds."""

    connect_s: float = 20.0
    read_s: float = 60.0
    first_s: float = 0.5  # before the first repetition; doubled for each
    n_repeats: int = 5


class _Server:
    """The line to one file."""

    def __init__(self, url: str, authorize: Authorize | None, waits: Waits) -> None:
        import requests

        self._url, self._authorize, self._waits = url, authorize, waits
        self._session = requests.Session()
        self._session.auth = _leave_as_it_is  # or ~/.netrc would be asked
        self._session.headers["User-Agent"] = f"miniscope-nwb/{__version__}"
        self._session.headers["Accept-Encoding"] = "identity"
        self._place = ""  # where the bytes lie: the end of all redirections
        self._version = ""  # the server's mark of the file's content

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def first(self, n_bytes: int) -> tuple[bytes, int]:
        """Fetch the beginning of the file; returns it and the size of the file."""
        reply = self._get(0, n_bytes)
        self._version = reply.headers.get("ETag", "")
        total = reply.headers.get("Content-Range", "").rpartition("/")[2]
        if not total.isdigit():
            raise NwbContentError(
                f"{self._name} does not say how long it is: download it and open the copy."
            )
        return reply.content, int(total)

    def piece(self, start: int, stop: int) -> bytes:
        """Fetch the bytes [start, stop)."""
        reply = self._get(start, stop)
        if reply.headers.get("ETag", "") != self._version:
            raise NwbContentError(f"{self._name} was changed meanwhile: open it again.")
        return bytes(reply.content)

    @property
    def _name(self) -> str:
        return shown(self._url)

    def _get(self, start: int, stop: int) -> Any:
        """Ask until the server has really answered."""
        problem, pause, is_renewed = "", self._waits.first_s, False
        for attempt in range(self._waits.n_repeats + 1):
            if attempt:
                time.sleep(pause)
                pause *= 2
            reply, problem = self._ask(start, stop)
            if reply is None:
                continue
            status = reply.status_code
            if status == _PARTIAL and len(reply.content) == _expected(reply, start, stop):
                return reply
            if status == _OK:
                raise NwbContentError(
                    f"{self._name}: the server sends whole files only, so pieces cannot be read: "
                    "download it and open the copy."
                )
            if status == _PARTIAL:
                problem = "the answer was cut short, or is of another place of the file"
            elif status == _TOO_MANY or status >= _IN_TROUBLE:
                problem = f"the server answered {status}"
            elif status in _REFUSED and self._is_led_on and not is_renewed:
                self._place, is_renewed = "", True  # a signed address that is too old
            else:
                raise self._refused(status)
        raise UnreachableError(
            f"{self._name} cannot be read ({problem}): check the connection and try again."
        )

    @property
    def _is_led_on(self) -> bool:
        """Whether the bytes lie elsewhere than where they were asked for."""
        return self._place not in ("", self._url)

    def _ask(self, start: int, stop: int) -> tuple[Any, str]:
        """Send one request, to where the bytes lie; None and why where there is no answer."""
        import requests

        try:
            if not self._place:
                self._place, last = self._find(start, stop)
                if last is not None:
                    return last, ""
            return self._request(self._place, start, stop), ""
        except requests.exceptions.Timeout:
            return None, "no answer in time"
        except requests.exceptions.RequestException as error:
            reason = type(error).__name__  # the text holds the whole address
        return None, reason

    def _find(self, start: int, stop: int) -> tuple[str, Any]:
        """Follow redirections to where the bytes lie; the key is for the first host alone."""
        place, header = self._url, ""
        for _ in range(_MAX_REDIRECTS + 1):
            reply = self._request(place, start, stop, header)
            if reply.status_code in _REFUSED and place == self._url and not header:
                header = self._authorize() if self._authorize is not None else ""
                if header:
                    continue
            if reply.status_code not in _REDIRECTS:
                return ("" if header else place), reply
            region = reply.headers.get("x-amz-bucket-region")
            location = reply.headers.get("Location") or _in_region(place, region)
            if not location:
                return place, reply
            place, header = urljoin(place, location), ""
        raise NwbContentError(f"{self._name} leads round in a circle: check the address.")

    def _request(self, place: str, start: int, stop: int, header: str = "") -> Any:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if header:
            headers["Authorization"] = header
        reply = self._session.get(
            place,
            headers=headers,
            allow_redirects=False,
            stream=True,
            timeout=(self._waits.connect_s, self._waits.read_s),
        )
        if reply.status_code == _OK:
            reply.close()  # the whole file would come
        else:
            _ = reply.content
        return reply

    def _refused(self, status: int) -> AccessError | NwbContentError:
        if status in _REFUSED and self._authorize is not None:
            return AccessError(
                f"{self._name} is not there, or is private and the archive knows no key of an "
                f"owner ({status}): check the address, and the key."
            )
        return NwbContentError(
            f"{self._name} is not there or not public ({status}): check the address."
        )


def open_address(
    url: str, *, name: str = "", authorize: Authorize | None = None, waits: Waits | None = None
) -> RemoteFile:
    """Open a file on a server; its first block comes with this.

    Parameters
    ----------
    url
        http or https address; redirections are followed.
    name
        For people; default: the address without its query.
    authorize
        Gives the key to the host of `url`, where it refuses to answer without.
    waits
        How long is waited.

    Raises
    ------
    NwbContentError, AccessError, UnreachableError
        If there is no such file, it is private, or the server does not answer; one sentence
        without the query of any address.
    """
    server = _Server(url, authorize, waits or Waits())
    try:
        first, n_bytes = server.first(BLOCK_BYTES)
    except BaseException:  # whatever it is, Ctrl-C too: nobody else could close the connection
        server.close()
        raise
    return RemoteFile(name or shown(url), server.piece, n_bytes, first=first, close=server.close)


def _expected(reply: Any, start: int, stop: int) -> int:
    """How many bytes an answer should have: fewer at the end of the file; -1: it is another's."""
    span, _, total = reply.headers.get("Content-Range", "").rpartition(" ")[2].partition("/")
    if span.partition("-")[0] != str(start):
        return -1
    return (min(stop, int(total)) if total.isdigit() else stop) - start


def _in_region(place: str, region: str | None) -> str:
    """Address of a bucket in its region, which Amazon names without leading there."""
    if not region:
        return ""
    host = urlsplit(place).netloc
    return place.replace(host, host.replace("s3.amazonaws.com", f"s3.{region}.amazonaws.com"), 1)


def _leave_as_it_is(request: Any) -> Any:
    return request
