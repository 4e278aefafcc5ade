"""Makes an asset of a blob, and reads it back before anybody believes that it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from miniscope_nwb.errors import DifferenceError, ShareError
from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import MISSING, OK, Archive, Asset, AssetDetails
from miniscope_nwb.share.check import SharedFile
from miniscope_nwb.share.etag import FileDigest

PENDING, INVALID = "Pending", "Invalid"
_MAX_TRIES = 3  # of one asset: somebody else changes the same path


@dataclass(frozen=True, slots=True)
class Checked:
    """What the archive has found out by itself, as far as it has come."""

    sha256: str = ""  # "" while it has not computed it
    validation: str = PENDING
    errors: tuple[str, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing more to wait for."""
        return bool(self.sha256) and self.validation not in {"", PENDING, "Validating"}


def put_asset(
    archive: Archive,
    dandiset: Dandiset,
    *,
    metadata: dict[str, Any],
    blob_id: str,
    replacing: Asset | None,
) -> None:
    """Give a blob its path in the dandiset; an answer that was lost before is found out.

    Parameters
    ----------
    replacing
        The asset that stands there now and may be replaced; None where there was none.

    Raises
    ------
    DifferenceError
        If meanwhile somebody put something else there.
    """
    path, old = str(metadata["path"]), replacing
    for _ in range(_MAX_TRIES):
        reply = archive.put_asset(
            dandiset.identifier, metadata=metadata, blob_id=blob_id, replacing=old
        )
        if reply.status not in {MISSING, 409}:
            return
        there = archive.asset_at(dandiset.identifier, path)
        if there is not None and there.blob_id == blob_id:
            return  # an earlier request did it, whose answer was lost
        if there is not None and replacing is None:
            raise DifferenceError(
                f"{path} was put into dandiset {dandiset.identifier} by somebody else just now, "
                "with other bytes: look at it, and use --replace if yours is the right one."
            )
        if there is None and reply.status != MISSING:
            raise archive.refused(reply, doing=f"adding {path} to dandiset {dandiset.identifier}")
        old = there
    raise ShareError(
        f"{path} cannot be put into dandiset {dandiset.identifier}: it changes there all the "
        "time. Ask who else works on it, then run the same command again."
    )


def read_back(
    archive: Archive, dandiset: Dandiset, file: SharedFile, digest: FileDigest
) -> tuple[Asset, AssetDetails]:
    """Ask archive and storage what they hold now, and compare it with the file.

    Raises
    ------
    DifferenceError
        If size or etag are not the file's.
    """
    asset = archive.asset_at(dandiset.identifier, file.asset_path)
    if asset is None:
        raise DifferenceError(
            f"{file.asset_path} is not in dandiset {dandiset.identifier} although it was sent: run "
            "the same command again."
        )
    details = archive.details(dandiset.identifier, asset)
    wrong = compare(details, digest) or compare_storage(
        archive, asset, details, digest, is_private=dandiset.is_private
    )
    if wrong:
        raise DifferenceError(f"{wrong}. Run `share verify` on it")
    return asset, details


def compare(details: AssetDetails, digest: FileDigest) -> str:
    """Compare what the archive says with the file; return the difference, ``""`` without."""
    if details.size != digest.size:
        return f"the archive holds {details.size} bytes, the file has {digest.size}"
    if details.etag != digest.etag:
        return f"the archive's checksum is {details.etag}, the file's {digest.etag}"
    if details.sha256 and details.sha256 != digest.sha256:
        return f"the archive's SHA-256 is {details.sha256}, the file's {digest.sha256}"
    return ""


def compare_storage(
    archive: Archive, asset: Asset, details: AssetDetails, digest: FileDigest, *, is_private: bool
) -> str:
    """Compare what the storage itself says with the file; return the difference."""
    reply = archive.head_of_blob(asset, details, is_private=is_private)
    if reply.status != OK:
        return f"the archive lists the file, but its storage does not give it ({reply.status})"
    size = reply.headers.get("content-length", "")
    if size and size != str(digest.size):
        return f"the archive's storage holds {size} bytes, the file has {digest.size}"
    if reply.etag and reply.etag != digest.etag:
        return f"the checksum in the archive's storage is {reply.etag}, the file's {digest.etag}"
    return ""


def ask_checked(archive: Archive, dandiset: Dandiset, asset: Asset) -> Checked:
    """Ask once what the archive has found out by itself."""
    sha256 = archive.details(dandiset.identifier, asset).sha256
    verdict, errors = archive.validation(dandiset.identifier, asset.asset_id)
    return Checked(sha256, verdict or PENDING, errors)


def wait_for_checks(
    archive: Archive,
    dandiset: Dandiset,
    assets: list[Asset],
    *,
    wait_s: float,
    told: Callable[[int], None],
) -> list[Checked]:
    """Wait until the archive has checked all assets, or for so many seconds.

    Parameters
    ----------
    told
        Is told how many are not finished, whenever that changes.
    """
    found = [ask_checked(archive, dandiset, asset) for asset in assets]
    until = time.monotonic() + wait_s
    n_before = 0
    while True:
        open_ones = [number for number, item in enumerate(found) if not item.is_finished]
        if not open_ones or time.monotonic() >= until:
            return found
        if len(open_ones) != n_before:
            n_before = len(open_ones)
            told(n_before)
        pause = archive.transport.settings.poll_s
        archive.transport.stop.wait(min(pause, max(0.0, until - time.monotonic())))
        for number in open_ones:
            found[number] = ask_checked(archive, dandiset, assets[number])


def web_page(archive: Archive, dandiset: Dandiset, path: str) -> str:
    """Return the page on which people find a file."""
    folder = quote(path.rpartition("/")[0], safe="")
    web = archive.instance.web or archive.instance.api.removesuffix("/api")
    return f"{web}/dandiset/{dandiset.identifier}/draft/files?location={folder}"
