"""An archive and a dandiset, entered in the order that costs least: name, key, rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from miniscope_nwb.share.access import (
    Dandiset,
    check_rights,
    check_schema,
    dandiset_number,
    enter,
    read_dandiset,
)
from miniscope_nwb.share.archive import Archive
from miniscope_nwb.share.instances import find_instance
from miniscope_nwb.share.journal import read_trusted, state_folder
from miniscope_nwb.share.keys import find_key, require_key, say_readable
from miniscope_nwb.share.settings import Settings
from miniscope_nwb.share.transport import Transport


def open_archive(
    named: str,
    *,
    key_file: Path | None,
    needs_key: bool,
    settings: Settings,
    say: Callable[[str], None],
    is_named_by_user: bool = True,
) -> tuple[Archive, Mapping[str, Any]]:
    """Enter an archive.

    Parameters
    ----------
    named
        Name or address.
    key_file
        File with the key; default: see `keys`.
    needs_key
        Whether to stop where there is no key.
    settings
        Time limits and waits.
    say
        Is told why it waits, and of a key that others can read.
    is_named_by_user
        Or by a record, which somebody may have put beside a file: then no key goes to an address
        that the user has never named.

    Returns
    -------
    tuple
        The archive, and what it says of itself.

    Raises
    ------
    AccessError
        If there is no such archive, or no key where one is needed.
    UnreachableError
        If it does not answer.
    """
    instance = find_instance(named)
    look = require_key if needs_key else find_key
    key = look(instance, key_file=key_file)
    if key_file is not None and (warning := say_readable(key_file)):
        say(warning)
    if not (is_named_by_user or instance.is_known or instance.api in read_trusted(state_folder())):
        key = None
    transport = Transport(settings, say=say, patience_s=settings.first_patience_s)
    return enter(instance, key, transport)


def open_dandiset(
    archive: Archive, info: Mapping[str, Any], number: str, *, to_write: bool
) -> Dandiset:
    """Enter a dandiset, and find out whether we may write into it.

    Parameters
    ----------
    info
        What the archive says of itself.
    number
        Six digits.
    to_write
        Whether rights and schema are checked too.

    Raises
    ------
    AccessError
        If there is no such dandiset, or we have no right.
    """
    schema = check_schema(archive.instance, info) if to_write else ""
    dandiset = read_dandiset(archive, dandiset_number(number), schema_version=schema)
    return check_rights(archive, dandiset) if to_write else dandiset
