"""What the archive already holds of a file, and so what has to be done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import Archive, Asset, AssetDetails
from miniscope_nwb.share.check import SharedFile
from miniscope_nwb.share.etag import FileDigest
from miniscope_nwb.share.record import AssetRecord

State = Literal[
    "new",
    "same",
    "changed here",  # since the upload that the record tells of, or nobody knows where
    "changed there",
    "bytes already in the archive",  # under another path or in another dandiset
    "path in the way",  # the path is a folder there, or one of its folders is a file
]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What is to be done with one file."""

    file: SharedFile
    digest: FileDigest
    state: State
    asset: Asset | None = None  # at the path now
    details: AssetDetails | None = None  # of that asset
    blob_id: str = ""  # where the bytes are there already
    in_the_way: str = ""  # path of the asset that is in the way

    @property
    def n_parts_to_send(self) -> int:
        """Number of parts that are not in the archive, as far as it tells."""
        is_there = self.state == "same" or self.blob_id or self.state == "path in the way"
        return 0 if is_there else len(self.digest.part_md5s)


def plan_file(
    archive: Archive,
    dandiset: Dandiset,
    file: SharedFile,
    digest: FileDigest,
    *,
    record: AssetRecord | None,
) -> FilePlan:
    """Compare a file with what stands at its path.

    Checksums decide, never dates: changed bytes with an older date are changed bytes.

    Parameters
    ----------
    record
        What was recorded of the last upload to this dandiset, if anything.
    """
    asset, blocking = find_there(archive, dandiset, file.asset_path)
    if blocking:
        return FilePlan(file, digest, "path in the way", in_the_way=blocking)
    if asset is not None:
        details = archive.details(dandiset.identifier, asset)
        if (details.size, details.etag) == (digest.size, digest.etag):
            return FilePlan(file, digest, "same", asset, details, asset.blob_id)
        blob = archive.blob_of(digest.etag) or ""
        state = _which_changed(digest, details, record)
        return FilePlan(file, digest, state, asset, details, blob)
    blob = archive.blob_of(digest.etag) or ""
    return FilePlan(file, digest, "bytes already in the archive" if blob else "new", blob_id=blob)


def find_there(archive: Archive, dandiset: Dandiset, path: str) -> tuple[Asset | None, str]:
    """Return the asset at a path, and the path of one that is in the way, or ``""``."""
    asset = None
    for found in archive.assets(dandiset.identifier, prefix=path):  # prefix, in any case
        if found.path == path:
            asset = found
        elif found.path.startswith(f"{path}/"):
            return None, found.path
    return asset, "" if asset else _file_among_folders(archive, dandiset, path)


def _which_changed(
    digest: FileDigest, details: AssetDetails, record: AssetRecord | None
) -> Literal["changed here", "changed there"]:
    """Say which side is another one than when the file was last sent."""
    if record is not None and record.etag == digest.etag:
        return "changed there"
    return "changed here"


def _file_among_folders(archive: Archive, dandiset: Dandiset, path: str) -> str:
    """Return the path of an asset where one of our folders would have to be, or ``""``."""
    folders = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
    return next(
        (
            found.path
            for name in folders
            for found in archive.assets(dandiset.identifier, prefix=name, is_whole=True)
            if found.path == name
        ),
        "",
    )


def difference(plan: FilePlan) -> str:
    """Say how file and asset differ, with both sizes and dates."""
    from datetime import UTC, datetime

    stamp = plan.digest.stamp
    here = datetime.fromtimestamp(stamp.mtime_ns / 1e9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    there_size = plan.details.size if plan.details else 0
    there = (plan.details.blob_modified if plan.details else "") or "unknown"
    entered = plan.asset.modified if plan.asset else ""
    return (
        f"here {stamp.size} bytes, last changed {here} UTC; in the archive {there_size} bytes, "
        f"last changed {there}, entered there {entered or 'at an unknown time'}"
    )


def in_the_way(plan: FilePlan, dandiset: Dandiset) -> str:
    """Say what stands where the file should go."""
    return (
        f"{plan.in_the_way} stands in the way in dandiset {dandiset.identifier}: a path is a file "
        "or a folder. Remove or rename it on the web page, if it is yours"
    )


def refused(plan: FilePlan) -> str:
    """Say why other bytes are not replaced unasked."""
    return (
        f"the archive holds other bytes under this path ({plan.state}): {difference(plan)}. Find "
        "out which is right; --replace puts this file in the other's place"
    )
