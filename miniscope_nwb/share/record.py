"""The record beside the file, ``<stem>.dandi.json``: what was sent where, and its checksums.

It is not written into the NWB file, whose checksum would no longer be the archive's. One file
holds the records of the NWB file and of its videos, one for each dandiset that they went to::

    {"format": 1, "assets": [
        {"file": "sub-m06_ses-..._ophys.nwb", "instance": "dandi", "dandiset": "000123", ...,
         "part_bytes": 67108864, "part_md5s": ["...", ...]}]}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from miniscope_nwb.errors import OutputError, ShareError
from miniscope_nwb.share.settings import PART_BYTES
from miniscope_nwb.text_file import write_text_file

_FORMAT = 1
_HEAD_BYTES, _BYTES_A_PART = 65_536, 64  # of a record, at most: a part is a checksum in a line


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """One file in one dandiset, as it was read back after the upload."""

    file: str  # relative to the NWB file's folder, with /
    instance: str
    api: str
    dandiset: str
    version: str  # "draft", later the published one
    doi: str
    path: str  # in the dandiset
    asset_id: str  # another one after every change of the metadata
    blob_id: str  # belongs to the bytes
    size: int
    etag: str
    sha256: str  # of the file, whether or not the archive has computed its own
    is_sha256_confirmed: bool  # the archive computed the same
    validation: str  # the archive's own: Pending, Valid, Invalid
    sent: str  # when, ISO 8601 with zone
    by: str  # which version of this package
    web: str  # for people
    stream: str  # for programs; of an embargoed file it asks for the key
    part_bytes: int
    part_md5s: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one record for."""
        return (self.api, self.dandiset, self.file)


def record_path(nwb_path: Path) -> Path:
    """Return where the record of an NWB file lies."""
    return nwb_path.with_name(f"{nwb_path.stem}.dandi.json")


def read_records(nwb_path: Path) -> tuple[AssetRecord, ...]:
    """Read the records beside an NWB file; none where there is no such file.

    Raises
    ------
    ShareError
        If there is one that cannot be understood.
    """
    path = record_path(nwb_path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    try:
        said = json.loads(text)
        if said["format"] != _FORMAT:
            raise ValueError(f"its format is {said['format']}")
        return tuple(_record(item) for item in said["assets"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error


def known_records(nwb_path: Path) -> tuple[AssetRecord, ...]:
    """Read the records where they are only a help: of what cannot be read there are none."""
    try:
        return read_records(nwb_path)
    except ShareError:
        return ()


def _record(item: dict[str, Any]) -> AssetRecord:
    names = {field.name for field in fields(AssetRecord)}
    known = {name: value for name, value in item.items() if name in names}
    return AssetRecord(**{**known, "part_md5s": tuple(item["part_md5s"])})


def _unreadable(path: Path, error: Exception) -> ShareError:
    return ShareError(
        f"{path} cannot be read ({error}): move it away; `share verify --dandiset ID` works from "
        "the archive alone, and the next upload writes a new one."
    )


def find_record(
    records: Iterable[AssetRecord], *, api: str, dandiset: str, path: str
) -> AssetRecord | None:
    """Return the record of a path in a dandiset, if there is one."""
    return next((r for r in records if (r.api, r.dandiset, r.path) == (api, dandiset, path)), None)


def write_record(nwb_path: Path, record: AssetRecord) -> Path:
    """Add a record beside the NWB file; one of the same file and dandiset is replaced.

    Raises
    ------
    OutputError
        If nothing can be written there.
    """
    path = record_path(nwb_path)
    try:
        others = [item for item in read_records(nwb_path) if item.key != record.key]
    except ShareError:
        others = []
    said = {"format": _FORMAT, "assets": [asdict(item) for item in (*others, record)]}
    try:
        write_text_file(path, json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise OutputError(
            f"The record {path} cannot be written ({error.strerror or error}). The file itself is "
            "in the archive: allow writing there and run the same command again."
        ) from error
    return path


def check_record_place(nwb_path: Path) -> None:
    """Stop before the work where no record could be written.

    As much as a record takes is written beside the file, and removed: free space that a system
    tells of may be another user's, or over a quota.

    Raises
    ------
    OutputError
        Names the folder.
    """
    folder = nwb_path.absolute().parent
    if not os.access(folder, os.W_OK):
        raise OutputError(
            f"The record of the upload cannot be written to {folder}: allow writing there, or "
            "share a copy of the file in a folder of yours."
        )
    probe = folder / f".{record_path(nwb_path).name}.{os.getpid()}.probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_room(nwb_path)))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(
            f"The record of the upload cannot be written to {folder} ({error.strerror or error}): "
            "free some room there, or share a copy of the file in another folder."
        ) from error
    finally:
        with suppress(OSError):
            probe.unlink()


def _room(nwb_path: Path) -> int:
    """Return the bytes that the next record may take; it is written beside the last one."""
    path = record_path(nwb_path)
    last = path.stat().st_size if path.exists() else 0
    return last + _HEAD_BYTES + nwb_path.stat().st_size // PART_BYTES * _BYTES_A_PART
