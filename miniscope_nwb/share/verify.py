"""Is the file the one that was sent, and does the archive still hold it? Compares all three.

Every checksum is made anew from the file. Where bytes differ, the parts are named: by the record
for a change here, by reading the archive's copy for a change there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from miniscope_nwb.errors import MiniscopeError
from miniscope_nwb.share.access import Dandiset
from miniscope_nwb.share.archive import FORBIDDEN, Archive, Asset, AssetDetails
from miniscope_nwb.share.asset import compare, compare_storage
from miniscope_nwb.share.check import SharedFile
from miniscope_nwb.share.etag import FileDigest, Part, hash_file
from miniscope_nwb.share.record import AssetRecord
from miniscope_nwb.share.redact import Secret
from miniscope_nwb.share.settings import MIB

_READ_BYTES = 8 * MIB  # of the archive's copy at a time
_MAX_NAMED = 5  # parts in a sentence
_OK_READS = (200, 206)

Verdict = Literal["same", "changed here", "changed there", "different", "missing", "gone here"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One file against its record and the archive.

    `parts` are the numbers of the parts that differ, from 1; empty where nobody can tell.
    """

    file: SharedFile
    verdict: Verdict
    message: str
    dandiset: str
    etag: str
    parts: tuple[int, ...] = ()
    part_bytes: int = 0
    has_record: bool = False
    is_sha256_compared: bool = False

    @property
    def is_same(self) -> bool:
        """Whether the archive holds the file, byte for byte as far as checksums tell."""
        return self.verdict == "same"


def verify_file(
    archive: Archive,
    dandiset: Dandiset,
    file: SharedFile,
    *,
    record: AssetRecord | None,
    progress: Callable[[int, int], None],
) -> Comparison:
    """Compare a file with the archive and with the record of its upload.

    Parameters
    ----------
    record
        None where there is none any more: the archive alone is asked.
    progress
        Is told bytes done and bytes in all, of every pass over the file or the archive's copy.

    Raises
    ------
    MiniscopeError
        If the file or the archive cannot be read.
    """
    settings = archive.transport.settings
    if not file.path.is_file():
        return _gone(file, dandiset, record)
    digest = hash_file(
        file.path,
        part_bytes=record.part_bytes if record else settings.part_bytes,
        progress=progress,
    )
    asset = archive.asset_at(dandiset.identifier, file.asset_path)
    if asset is None:
        there = f"{file.asset_path} is not in dandiset {dandiset.identifier}"
        message = f"{there}: run `share upload` again, which sends only what is missing"
        return _comparison(file, dandiset, digest, record, "missing", message)
    details = archive.details(dandiset.identifier, asset)
    wrong = compare(details, digest) or compare_storage(
        archive, asset, details, digest, is_private=dandiset.is_private
    )
    if not wrong:
        return _same(file, dandiset, digest, details, record)
    verdict, parts = _where(archive, dandiset, asset, details, digest, record, progress)
    message = f"{wrong}{_named(parts, digest)}; {_WORDS[verdict]}"
    return _comparison(file, dandiset, digest, record, verdict, message, parts)


_WORDS: dict[Verdict, str] = {
    "changed here": "the file changed here since it was sent. If that was meant, upload it with "
    "--replace; if not, take the archive's copy",
    "changed there": "the archive's copy is not what was sent. If nobody replaced it there, upload "
    "the file with --replace, and tell the archive's help desk",
    "different": "they are not the same file. Find out which is right; upload --replace puts the "
    "file in the other's place",
}


def _gone(file: SharedFile, dandiset: Dandiset, record: AssetRecord | None) -> Comparison:
    message = "the file is not here any more: put it back, or take the archive's copy"
    return Comparison(
        file, "gone here", message, dandiset.identifier, "", has_record=record is not None
    )


def _same(
    file: SharedFile,
    dandiset: Dandiset,
    digest: FileDigest,
    details: AssetDetails,
    record: AssetRecord | None,
) -> Comparison:
    message = "size and etag are the archive's"
    if details.sha256:
        message += ", and so is the SHA-256"
    else:
        message += "; the archive has not computed its SHA-256"
    if record is None:
        message += "; no record beside the file: the next upload writes one"
    elif record.etag != digest.etag:
        message += "; the record beside the file is of an older upload: upload again to renew it"
    return _comparison(
        file, dandiset, digest, record, "same", message, has_sha256=bool(details.sha256)
    )


def _where(
    archive: Archive,
    dandiset: Dandiset,
    asset: Asset,
    details: AssetDetails,
    digest: FileDigest,
    record: AssetRecord | None,
    progress: Callable[[int, int], None],
) -> tuple[Verdict, tuple[int, ...]]:
    """Tell which side changed, and in which parts."""
    if record is not None and record.etag != digest.etag:
        verdict: Verdict = "changed here" if record.etag == details.etag else "different"
        return verdict, _other_parts(digest.part_md5s, record.part_md5s)
    verdict = "different" if record is None else "changed there"
    if details.size != digest.size:
        return verdict, ()
    return verdict, _parts_there(archive, dandiset, asset, details, digest, progress)


def _other_parts(here: tuple[str, ...], then: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers of the parts whose checksums differ, or which only one side has."""
    n_parts = max(len(here), len(then))
    return tuple(
        number
        for number in range(1, n_parts + 1)
        if here[number - 1 : number] != then[number - 1 : number]
    )


def _parts_there(
    archive: Archive,
    dandiset: Dandiset,
    asset: Asset,
    details: AssetDetails,
    digest: FileDigest,
    progress: Callable[[int, int], None],
) -> tuple[int, ...]:
    """Read the archive's copy once, and return the numbers of the parts that are others."""
    reader = _Reader(archive, asset, details, is_private=dandiset.is_private)
    found = []
    try:
        for part, expected in zip(digest.parts, digest.part_md5s, strict=True):
            if reader.md5(part) != expected:
                found.append(part.number)
            progress(part.offset + part.size, digest.size)
    except MiniscopeError:
        return ()  # the difference is known; only its place stays unknown
    return tuple(found)


class _Reader:
    """Reads ranges of the archive's copy, by a signed address where the plain one is refused.

    A signed address that has expired is asked for anew.
    """

    def __init__(
        self, archive: Archive, asset: Asset, details: AssetDetails, *, is_private: bool
    ) -> None:
        self._archive, self._asset = archive, asset
        self._url: str | Secret = details.urls[-1] if details.urls and not is_private else ""

    def md5(self, part: Part) -> str:
        md5, end = hashlib.md5(usedforsecurity=False), part.offset + part.size
        for start in range(part.offset, end, _READ_BYTES):
            md5.update(self._read(start, min(start + _READ_BYTES, end)))
        return md5.hexdigest()

    def _read(self, start: int, stop: int) -> bytes:
        for _ in range(2):
            if not self._url:
                self._url = self._archive.signed_address("GET", self._asset)
            headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
            reply = self._archive.transport.send("GET", self._url, headers=headers)
            if reply.status in _OK_READS and len(reply.body) == stop - start:
                return reply.body
            if reply.status != FORBIDDEN:
                break
            self._url = ""
        raise MiniscopeError(f"{self._asset.path} cannot be read from the archive ({reply.status})")


def _named(parts: tuple[int, ...], digest: FileDigest) -> str:
    """Name parts and where they are in the file."""
    if not parts:
        return ""
    size = digest.part_bytes
    named = ", ".join(
        f"part {number} (bytes {(number - 1) * size} to {min(number * size, digest.size) - 1})"
        for number in parts[:_MAX_NAMED]
    )
    more = f" and {len(parts) - _MAX_NAMED} more" if len(parts) > _MAX_NAMED else ""
    unit = f"{size // MIB} MiB" if size >= MIB and size % MIB == 0 else f"{size} bytes"
    return f"; different: {named}{more} of {len(digest.part_md5s)} parts of {unit}"


def _comparison(
    file: SharedFile,
    dandiset: Dandiset,
    digest: FileDigest,
    record: AssetRecord | None,
    verdict: Verdict,
    message: str,
    parts: tuple[int, ...] = (),
    *,
    has_sha256: bool = False,
) -> Comparison:
    return Comparison(
        file=file,
        verdict=verdict,
        message=message,
        dandiset=dandiset.identifier,
        etag=digest.etag,
        parts=parts,
        part_bytes=digest.part_bytes,
        has_record=record is not None,
        is_sha256_compared=has_sha256,
    )
