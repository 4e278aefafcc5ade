"""What kind of address a file has, and how it is shown: without its query, which may be a key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from miniscope_nwb.errors import NwbContentError

_DOWNLOAD = re.compile(r"/api/(?:dandisets/\d{6}/versions/[^/]+/)?assets/[0-9a-f-]{36}/download/?")


def is_remote(path: str | Path) -> bool:
    """Whether it is an address and no file here."""
    return isinstance(path, str) and path.lower().startswith(("http://", "https://", "s3://"))


def web_address(url: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the http address of a file.

    ``s3://bucket/key`` is taken for public. It is looked for at ``AWS_ENDPOINT_URL_S3`` or
    ``AWS_ENDPOINT_URL`` where one is set, else at Amazon.

    Raises
    ------
    NwbContentError
        If the address names no file.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NwbContentError(
            "The address of the file is none: its host or port is not written as it should be; "
            "give one such as https://host/path/file.nwb."
        ) from None
    if not parts.netloc or parts.path in ("", "/"):
        raise NwbContentError(
            f"{shown(url)} names no file: give an address such as https://host/path/file.nwb or "
            "s3://bucket/path/file.nwb."
        )
    if parts.username or parts.password:
        raise NwbContentError(
            f"{shown(url)} holds a user or password: leave it out, it would be sent in the open."
        )
    if parts.scheme.lower() != "s3":
        return url
    variables = os.environ if environment is None else environment
    key = quote(parts.path.lstrip("/"))
    endpoint = variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{parts.netloc}/{key}"
    if "." in parts.netloc:  # no certificate covers such a host
        return f"https://s3.amazonaws.com/{parts.netloc}/{key}"
    return f"https://{parts.netloc}.s3.amazonaws.com/{key}"


def is_download(url: str) -> bool:
    """Whether an archive's interface gives the file, which may be private."""
    return _DOWNLOAD.fullmatch(urlsplit(url).path) is not None


def shown(url: str) -> str:
    """Return an address as it may be shown: without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
