"""One HTTP request that survives what lines and servers do: waits, repeats, time limits.

Nothing that leaves this module (answers' texts, errors, log lines) holds a key or a signed address.
"""

from __future__ import annotations

import json as json_format
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from miniscope_nwb import __version__
from miniscope_nwb.errors import AccessError, UnreachableError
from miniscope_nwb.share.redact import Secret, redact, redact_logs
from miniscope_nwb.share.settings import Settings

TOO_MANY = 429
_OK, _ELSEWHERE = 200, 300
_MAX_TEXT = 500  # of a server's own words in a message
_NOT_ITS_OWN = " with something else than an archive's answer (does the network want a login?)"


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; header names are in lower case, and neither they nor it are printed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the answer's values; None where it is empty or no JSON."""
        try:
            return json_format.loads(self.body) if self.body else None
        except ValueError:
            return None

    def holds(self, kind: type[Any], needs: Iterable[str]) -> bool:
        """Whether the answer's values are of this type and have these keys."""
        value = self.json()
        return isinstance(value, kind) and all(name in value for name in needs)

    @property
    def is_yes(self) -> bool:
        """Whether the server did what it was asked for."""
        return _OK <= self.status < _ELSEWHERE

    @property
    def etag(self) -> str:
        """The storage's checksum, without quotes."""
        return self.headers.get("etag", "").strip('"')


class Stopped(Exception):  # noqa: N818  (no fault: the user has had enough)
    """The work is given up: another part failed, or the user pressed Ctrl-C."""


class Transport:
    """Sends requests, each worker thread over connections of its own.

    Parameters
    ----------
    settings
        Time limits and waits.
    say
        Is told, in one sentence, why it waits.
    patience_s
        How long one request is repeated; may be set anew at any time.
    """

    def __init__(
        self, settings: Settings, *, say: Callable[[str], None], patience_s: float | None = None
    ) -> None:
        self.settings = settings
        self.say = say
        self.patience_s = settings.patience_s if patience_s is None else patience_s
        self.stop = threading.Event()
        self.has_answers = self.has_sent = False  # whether anything was answered, or taken
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        redact_logs()

    def send(
        self,
        method: str,
        url: str | Secret,
        *,
        body: Iterable[Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: Secret | None = None,
        once_more: frozenset[int] = frozenset(),
        is_answer: Callable[[Reply], bool] = lambda _: True,
    ) -> Reply:
        """Send one request until a server has really answered it.

        Repeated are cut lines, time limits, 429 and 5xx, with waits that double up to a minute.

        Parameters
        ----------
        url
            A signed address comes as a secret, so that not even a traceback shows it.
        body
            Bytes, or something of known length that can be iterated over again.
        key
            Goes into the header of this request alone.
        once_more
            Statuses that are believed only the second time.
        is_answer
            Tells an answer of the server from a page that stands before it, such as the one that
            wants a login to the network; such a page is waited away.

        Raises
        ------
        UnreachableError
            If it goes on for longer than `patience_s`.
        AccessError
            If the address or the server's certificate is wrong.
        Stopped
            If the work was given up meanwhile.
        """
        host = _host(url)
        waiting = _Waiting(self, method, host)
        doubted = set(once_more)
        while True:
            reply, problem = self._send_once(method, url, body=body, headers=headers or {}, key=key)
            if reply is None:
                waiting.wait(problem)
            elif reply.status == TOO_MANY or reply.status >= requests.codes.server_error:
                waiting.wait(f"{reply.status}{_retry_words(reply)}", at_least_s=_retry_after(reply))
            elif reply.status in doubted:
                doubted.discard(reply.status)
                waiting.wait(str(reply.status))
            elif not is_answer(reply):
                waiting.wait(f"{reply.status}{_NOT_ITS_OWN}")
            else:
                self.has_answers = True
                self.has_sent |= method == "PUT" and reply.is_yes
                return reply

    def _send_once(
        self,
        method: str,
        url: str | Secret,
        *,
        body: Iterable[Any] | bytes | None,
        headers: Mapping[str, str],
        key: Secret | None,
    ) -> tuple[Reply | None, str]:
        """Return an answer, or why there is none; the libraries' errors hold whole addresses."""
        if self.stop.is_set():
            raise Stopped
        refused = ""
        try:
            answer = self._session().request(
                method,
                url.reveal() if isinstance(url, Secret) else url,
                data=body,
                headers=dict(headers),
                auth=_authorize(key),
                allow_redirects=False,
                timeout=(self.settings.connect_timeout_s, self.settings.read_timeout_s),
            )
            reply = Reply(
                answer.status_code,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.content,
            )
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                refused = f"{_host(url)} shows no valid certificate"
            problem = "the encrypted line was cut"
        except requests.exceptions.Timeout:
            problem = "no answer in time"
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            refused = f"{_host(url)} is no address"
            problem = refused
        except requests.exceptions.RequestException as error:
            problem = _reason(error)
        else:
            return reply, ""
        if refused:  # outside of `except`: the library's error must not hang on ours
            raise AccessError(f"{refused}; check --instance, and the clock of this computer.")
        return None, problem

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = f"miniscope-nwb/{__version__}"
            self._local.session = session
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """Close all connections."""
        for session in self._sessions:
            session.close()


def _host(url: str | Secret) -> str:
    return urlsplit(url.reveal() if isinstance(url, Secret) else url).netloc


class _Waiting:
    """The waits of one request, longer and longer, until patience is at its end."""

    def __init__(self, transport: Transport, method: str, host: str) -> None:
        self._transport = transport
        self._what = f"{method} {host}"
        self._host = host
        self._since = time.monotonic()
        self._next_s = transport.settings.first_wait_s

    def wait(self, reason: str, *, at_least_s: float = 0.0) -> None:
        settings = self._transport.settings
        waited = time.monotonic() - self._since
        # Workers that failed together must not come back together.
        pause = max(self._next_s * random.uniform(0.5, 1.0), at_least_s)
        if waited + pause > self._transport.patience_s:
            check = "the connection" if self._transport.has_answers else "connection and --instance"
            kept = "; nothing that was sent is lost" if self._transport.has_sent else ""
            raise UnreachableError(
                f"{self._host} does not answer as it should ({reason}, for {waited:.0f} s): check "
                f"{check}, then run the same command again{kept}."
            )
        self._transport.say(f"{self._what}: {reason}; trying again in {pause:.1f} s")
        self._next_s = min(self._next_s * 2, settings.longest_wait_s)
        if self._transport.stop.wait(pause):
            raise Stopped


def _authorize(key: Secret | None) -> Callable[[Any], Any]:
    """Make what sets the header; set even without a key, or ``~/.netrc`` would be asked."""

    def add(request: Any) -> Any:
        if key is not None:
            request.headers["Authorization"] = f"token {key.reveal()}"
        return request

    return add


def _retry_after(reply: Reply) -> float:
    """Return for how many seconds the server wants to be left alone (a number or a date)."""
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return 0.0
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _retry_words(reply: Reply) -> str:
    return " (too many requests)" if reply.status == TOO_MANY else " (the server is in trouble)"


def _reason(error: Exception) -> str:
    """Say what cut the line, in the words of the innermost error."""
    seen: Any = error
    while True:
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((item for item in seen.args if isinstance(item, BaseException)), None)
        if inner is None or inner is seen:
            break
        seen = inner
    name = type(seen).__name__
    words = getattr(seen, "strerror", None) or str(seen.args[-1] if seen.args else name)
    return redact(str(words) if len(str(words)) < _MAX_TEXT else name)
