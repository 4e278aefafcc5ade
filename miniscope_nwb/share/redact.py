"""Keeps keys and signed addresses out of everything that is shown, logged or raised.

A signed address is a key for whoever reads it, so the query of every address goes. Keys travel as
`Secret`, which prints as ``***``.
"""

from __future__ import annotations

import logging
import re

_QUERY = re.compile(r"(?<=[^\s?\"'<>])\?[^\s\"'<>)\]},]*=[^\s\"'<>)\]},]*")
_AUTHORIZATION = re.compile(r"(?i)\b(authorization\W{1,4})?(token|bearer)(\s+|%20)[\w.+/=-]{8,}")
# What a storage server repeats of a request that it refuses.
_SIGNATURE = re.compile(
    r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId)(\W+)[^\s\"'<>&]+"
)
_ELEMENT = re.compile(
    r"(?s)<(AWSAccessKeyId|SignatureProvided|StringToSign\w*|CanonicalRequest\w*)>.*?</\1>"
)
_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry", "requests")


class Secret:
    """A key that cannot be printed by mistake."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself, for the header of one request."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a key is not stored")


def redact(text: str, *secrets: Secret | None) -> str:
    """Take keys, signatures and the queries of addresses out of a text.

    Parameters
    ----------
    text
        Anything that may be shown: an error of a library, an answer of a server.
    *secrets
        Keys that must not be in it.
    """
    for secret in secrets:
        if secret is not None and secret.reveal():
            text = text.replace(secret.reveal(), "***")
    text = _QUERY.sub("?***", text)
    text = _ELEMENT.sub(r"<\1>***</\1>", text)
    text = _SIGNATURE.sub(r"\1\2***", text)
    return _AUTHORIZATION.sub(r"\1\2 ***", text)


class _Filter(logging.Filter):
    """Redacts the records of the libraries that log every address they ask."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite one record; none is dropped."""
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_FILTER = _Filter()


def redact_logs() -> None:
    """Make the loggers of the HTTP libraries leave out queries; may be called again."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
