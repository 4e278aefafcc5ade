"""Who are we in the archive, and may we write into the dandiset? Asked before anything slow."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from miniscope_nwb.errors import AccessError
from miniscope_nwb.share.archive import FORBIDDEN, MISSING, OK, UNAUTHORIZED, Archive
from miniscope_nwb.share.instances import Instance
from miniscope_nwb.share.redact import Secret
from miniscope_nwb.share.transport import Transport

_DANDISET = re.compile(r"(?:DANDI:)?(\d{6})", re.IGNORECASE)
EMBARGOED, UNEMBARGOING = "EMBARGOED", "UNEMBARGOING"


@dataclass(frozen=True, slots=True)
class Dandiset:
    """A dandiset and our place in it."""

    identifier: str  # six digits
    name: str
    embargo: str  # OPEN, EMBARGOED or UNEMBARGOING
    n_assets: int  # in its draft
    user: str  # who we are there; "" without a key
    schema_version: str  # of the archive's metadata

    @property
    def is_private(self) -> bool:
        """Whether only its owners see what is in it."""
        return self.embargo != "OPEN"


def dandiset_number(text: str) -> str:
    """Return the six digits of a dandiset.

    Raises
    ------
    AccessError
        If it is no number of a dandiset.
    """
    match = _DANDISET.fullmatch(text.strip())
    if match is None:
        raise AccessError(f"{text!r} is no number of a dandiset: it has six digits, like 000123.")
    return match[1]


def enter(
    instance: Instance, key: Secret | None, transport: Transport
) -> tuple[Archive, Mapping[str, Any]]:
    """Ask an archive who it is and whether it talks to our version of dandi.

    Returns
    -------
    tuple
        The archive, its addresses as it told them, and its whole answer.

    Raises
    ------
    AccessError
        If there is no archive at that address, or our dandi is too old for it.
    """
    addresses = [instance.api]
    if not instance.is_known and not instance.api.endswith("/api"):
        addresses.append(f"{instance.api}/api")
    for address in addresses:
        reply = transport.send(
            "GET", f"{address}/info/", headers={"Accept": "application/json"}, key=None
        )
        info = reply.json()
        if reply.status == OK and isinstance(info, dict) and "services" in info:
            break
    else:
        raise AccessError(
            f"There is no archive at {instance.api} ({reply.status} to info/, without what an "
            "archive says of itself): check the address, and whether the network wants a login."
        )
    _check_version(instance, info)
    found = _as_told(instance, address, info["services"])
    if key is not None and not found.is_encrypted:
        transport.say(f"note: {found.api} is not encrypted: whoever listens can read the key")
    return Archive(found, key, transport), info


def _as_told(instance: Instance, address: str, services: Mapping[str, Any]) -> Instance:
    """Take over the addresses that an archive tells; those of a known one are fixed."""
    web = str((services.get("webui") or {}).get("url") or instance.web).rstrip("/")
    if instance.is_known:
        return replace(instance, web=instance.web or web)
    api = str((services.get("api") or {}).get("url") or address).rstrip("/")
    same_host = urlsplit(api).hostname == urlsplit(address).hostname
    # The key goes to the machine that the user named, not to where its answer points.
    return replace(instance, api=api if same_host else address, web=web)


def _check_version(instance: Instance, info: Mapping[str, Any]) -> None:
    """Refuse to work with a dandi that the archive calls too old or broken."""
    from importlib.metadata import version

    from packaging.version import InvalidVersion, Version

    ours = Version(version("dandi"))
    try:
        least = Version(str(info.get("cli-minimal-version", "0")))
        bad = {Version(str(item)) for item in info.get("cli-bad-versions") or ()}
    except InvalidVersion:
        return
    if ours < least or ours in bad:
        raise AccessError(
            f"{instance.name} does not work with dandi {ours} (it wants {least} or newer"
            f"{', and not this one' if ours in bad else ''}): pip install --upgrade dandi."
        )


def check_schema(instance: Instance, info: Mapping[str, Any]) -> str:
    """Return the archive's schema version, if metadata of ours can be made to fit it.

    Raises
    ------
    AccessError
        If the archive's is too new or too old.
    """
    os.environ.setdefault("DANDI_NO_ET", "1")
    from dandischema.consts import ALLOWED_INPUT_SCHEMAS, ALLOWED_TARGET_SCHEMAS
    from dandischema.models import get_schema_version
    from packaging.version import Version

    theirs, ours = str(info.get("schema_version", "")), get_schema_version()
    if theirs == ours or not theirs:
        return theirs or ours
    if Version(theirs) > Version(ours):
        fits = ours in info.get("allowed_schema_versions", ALLOWED_INPUT_SCHEMAS)
        remedy = "pip install --upgrade dandi dandischema"
    else:
        fits = theirs in ALLOWED_TARGET_SCHEMAS
        remedy = "ask the archive's help desk when it will be updated"
    if not fits:
        raise AccessError(
            f"{instance.name} keeps its metadata by schema {theirs}, this dandi by {ours}: "
            f"{remedy}."
        )
    return theirs


def read_dandiset(archive: Archive, identifier: str, *, schema_version: str) -> Dandiset:
    """Read a dandiset as far as we may.

    Raises
    ------
    AccessError
        If there is none of that number, or it is embargoed and not ours.
    """
    reply = archive.ask(
        "GET",
        f"dandisets/{identifier}/",
        allowed=frozenset({MISSING, FORBIDDEN, UNAUTHORIZED}),
        needs=("identifier",),
        doing=f"asking for dandiset {identifier}",
    )
    where = f"{archive.instance.name} ({archive.instance.api})"
    if reply.status == MISSING:
        raise AccessError(
            f"There is no dandiset {identifier} in {where}: check the number, and --instance."
        )
    if reply.status == UNAUTHORIZED and archive.key:
        raise archive.refused(reply, doing=f"asking for dandiset {identifier}")
    if reply.status != OK:
        whose = "not yours" if archive.key else "read with its owners' keys only"
        raise AccessError(
            f"Dandiset {identifier} in {where} is embargoed and {whose} "
            f"({archive.words(reply)}): ask one of its owners to add you."
        )
    said = reply.json()
    draft = said.get("draft_version") or {}
    return Dandiset(
        identifier=identifier,
        name=str(draft.get("name", "")),
        embargo=str(said.get("embargo_status", "OPEN")),
        n_assets=int(draft.get("asset_count", 0)),
        user="",
        schema_version=schema_version,
    )


def check_rights(archive: Archive, dandiset: Dandiset) -> Dandiset:
    """Return the dandiset with our name, if we may write into it.

    Raises
    ------
    AccessError
        If the key is wrong, we are not approved, not an owner, or the dandiset is just opened.
    """
    me = archive.ask("GET", "users/me/", needs=("username",), doing="asking who we are").json()
    name = str(me.get("name") or me.get("username") or "")
    where = archive.instance.web or archive.instance.api
    if me.get("status") != "APPROVED":
        raise AccessError(
            f"The account of {name} at {archive.instance.name} is not approved yet (it is "
            f"{me.get('status')}): wait for the archive's mail, or write to its help desk."
        )
    owners = archive.ask(
        "GET",
        f"dandisets/{dandiset.identifier}/users/",
        kind=list,
        doing=f"asking who owns dandiset {dandiset.identifier}",
    ).json()
    is_owner = any(owner.get("username") == me.get("username") for owner in owners)
    if not is_owner and not me.get("admin"):
        named = ", ".join(str(owner.get("name") or owner.get("username")) for owner in owners)
        raise AccessError(
            f"{name} is not an owner of dandiset {dandiset.identifier}: ask {named or 'its owners'}"
            f" to add you at {where}/dandiset/{dandiset.identifier}."
        )
    if dandiset.embargo == UNEMBARGOING:
        raise AccessError(
            f"Dandiset {dandiset.identifier} is just being opened to the public, and takes no "
            "files until that is done: try again later."
        )
    return replace(dandiset, user=name)
