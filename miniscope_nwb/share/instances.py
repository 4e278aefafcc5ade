"""Which archive is meant: one that dandi knows by name, or any by its address."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from miniscope_nwb.errors import AccessError

DEFAULT_INSTANCE = "dandi"
# Of an archive that is named by its address: "host:port" makes no name of a shell variable.
URL_KEY_VARIABLE = "MINISCOPE_NWB_API_KEY"
# Where dandi itself lets the archive's web page be found on another machine.
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One archive.

    `api` is the address of its programming interface, without a slash at the end; of an archive
    that is named by its address it is only where to ask first (see `is_known`).
    """

    name: str  # "dandi", or "host:port"
    api: str
    web: str  # "" where nobody has said it yet
    key_variable: str  # environment variable that holds the key
    is_known: bool  # in dandi's own table: its address is fixed

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read along, or there is no way."""
        address = urlsplit(self.api)
        return address.scheme == "https" or address.hostname in _LOOPBACK


def find_instance(named: str) -> Instance:
    """Return the archive of a name or an address.

    Parameters
    ----------
    named
        A name in dandi's table (``dandi``, ``dandi-sandbox``, ``ember-dandi``, ...), or the
        address of an archive or of its programming interface.

    Raises
    ------
    AccessError
        If there is none of that name, or the address is none.
    """
    known = _known_instances()
    plain = named.strip().rstrip("/")
    for instance in known.values():
        if plain in {instance.name, instance.api, instance.web}:
            return instance
    if plain.lower().startswith(("http://", "https://")):
        return _from_address(plain)
    raise AccessError(
        f"There is no archive called {named!r}: known are {', '.join(known)}; any other is named "
        "by its address (https://...)."
    )


def _known_instances() -> dict[str, Instance]:
    os.environ.setdefault("DANDI_NO_ET", "1")  # the import would ask the net for newer versions
    from dandi.consts import known_instances

    return {
        name: Instance(
            name=name,
            api=found.api.rstrip("/"),
            web=(found.gui or "").rstrip("/"),
            key_variable=f"{name.upper().replace('-', '_')}_API_KEY",
            is_known=True,
        )
        for name, found in known_instances.items()
    }


def _from_address(address: str) -> Instance:
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise AccessError(
            "The address of the archive must be like https://archive.example.org/api: a host and "
            "a path, without user, password or query."
        )
    path = parts.path.rstrip("/") or "/api"
    return Instance(
        name=f"{host}:{port}" if port else host,
        api=f"{parts.scheme.lower()}://{parts.netloc}{path}",
        web="",
        key_variable=URL_KEY_VARIABLE,
        is_known=False,
    )
