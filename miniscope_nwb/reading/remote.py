"""Files that lie on a server or in an archive, opened for reading pieces of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from miniscope_nwb.remote.address import is_download, shown, web_address
from miniscope_nwb.remote.file import RemoteFile
from miniscope_nwb.remote.http import Authorize, Waits, open_address


def open_remote(
    url: str,
    *,
    instance: str | None = None,
    api_key_file: Path | None = None,
    waits: Waits | None = None,
) -> RemoteFile:
    """Open an NWB file by its address.

    A private file of an archive is opened by its download address,
    ``https://api.dandiarchive.org/api/assets/<id>/download/``. The key is sent to that archive
    alone, and only if it does not give the file without.

    Parameters
    ----------
    url
        ``https://...`` or ``s3://bucket/key`` (public).
    instance
        The archive, where dandi does not know it by name: its address.
    api_key_file
        File with the key; by default the archive's variable (``DANDI_API_KEY``) or the keyring.
    waits
        How long is waited for a server.

    Raises
    ------
    NwbContentError, AccessError, UnreachableError
        If it cannot be opened; one sentence without key or signed address.
    """
    from miniscope_nwb.share.redact import redact_logs

    redact_logs()  # the library below writes every address into its log
    address = web_address(url)
    authorize = _authorize(address, instance, api_key_file) if is_download(address) else None
    return open_address(address, name=shown(url), authorize=authorize, waits=waits)


def _authorize(address: str, instance: str | None, key_file: Path | None) -> Authorize:
    """Make what looks for the key when the archive asks for one."""

    def header() -> str:
        from miniscope_nwb.share.instances import find_instance
        from miniscope_nwb.share.keys import require_key

        found = find_instance(instance or f"https://{urlsplit(address).netloc}/api")
        if urlsplit(found.api).netloc != urlsplit(address).netloc:
            return ""  # the key of one archive is not for another host
        if not (found.is_known or instance or key_file) or not found.is_encrypted:
            return ""  # nobody said that this host is an archive of theirs
        return f"token {require_key(found, key_file=key_file).reveal()}"

    return header
