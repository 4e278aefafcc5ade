"""Size and checksums of a file, part by part, in one pass and little memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.errors import ShareError
from miniscope_nwb.share.settings import MIB, PART_BYTES

MAX_PARTS = 10_000  # of an upload to S3
MAX_BYTES = 5 * 2**40  # of an object in S3
_BLOCK_BYTES = MIB


class FileChangedError(ShareError):
    """The file is another one than when its checksums were made."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file; parts are numbered from 1."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system says of a file; another stamp means another content."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Ask the file system.

        Raises
        ------
        FileChangedError
            If the file is gone.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise FileChangedError(
                f"{path} cannot be read any more ({error.strerror or error}): put it back and run "
                "the same command again."
            ) from error
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Checksums of a whole file.

    `etag` is the archive's: the MD5 of the binary MD5s of all parts, ``-``, their number.
    """

    stamp: FileStamp
    part_bytes: int
    part_md5s: tuple[str, ...]
    etag: str
    sha256: str

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stamp.size

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts in order."""
        return cut(self.size, part_bytes=self.part_bytes)


def part_size(n_bytes: int, *, part_bytes: int = PART_BYTES) -> int:
    """Return the size of the parts of a file: larger ones where there would be 10,000 or more.

    The rule is that of ``dandischema.digests.dandietag``.
    """
    if math.ceil(n_bytes / part_bytes) >= MAX_PARTS:
        return math.ceil(n_bytes / MAX_PARTS)
    return part_bytes


def cut(n_bytes: int, *, part_bytes: int) -> tuple[Part, ...]:
    """Cut a number of bytes into parts; the last one may be smaller.

    Parameters
    ----------
    part_bytes
        Size of a part, as `part_size` gives it.
    """
    return tuple(
        Part(number, offset, min(part_bytes, n_bytes - offset))
        for number, offset in enumerate(range(0, n_bytes, part_bytes), start=1)
    )


def etag_of(part_md5s: tuple[str, ...]) -> str:
    """Combine the MD5s of the parts (hexadecimal) into the archive's etag."""
    whole = hashlib.md5(b"".join(bytes.fromhex(md5) for md5 in part_md5s), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(part_md5s)}"


def hash_file(
    path: Path,
    *,
    part_bytes: int = PART_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> FileDigest:
    """Read a file once and give its checksums; no cache is asked.

    Parameters
    ----------
    part_bytes
        Size of a part of a file of less than 10,000 parts.
    progress
        Is told the bytes done and the bytes in all, after every part.

    Raises
    ------
    FileChangedError
        If the file changes while it is read.
    ShareError
        If the file is empty or larger than the archive's storage takes.
    """
    stamp = FileStamp.of(path)
    if stamp.size == 0:
        raise ShareError(f"{path} is empty: the archive takes no file without content.")
    if stamp.size > MAX_BYTES:
        raise ShareError(f"{path} has more than 5 TiB, the most that the archive's storage takes.")
    size = part_size(stamp.size, part_bytes=part_bytes)
    whole, md5s = hashlib.sha256(), []
    block = memoryview(bytearray(min(_BLOCK_BYTES, size)))
    with path.open("rb", buffering=0) as file:
        for part in cut(stamp.size, part_bytes=size):
            md5 = hashlib.md5(usedforsecurity=False)
            left = part.size
            while left:
                n_read = file.readinto(block[: min(left, len(block))])
                if not n_read:
                    raise changed(path)
                md5.update(block[:n_read])
                whole.update(block[:n_read])
                left -= n_read
            md5s.append(md5.hexdigest())
            if progress is not None:
                progress(part.offset + part.size, stamp.size)
    if FileStamp.of(path) != stamp:
        raise changed(path)
    return FileDigest(stamp, size, tuple(md5s), etag_of(tuple(md5s)), whole.hexdigest())


def changed(path: Path) -> FileChangedError:
    """Make the error of a file that changes under our hands."""
    return FileChangedError(
        f"{path} changed while it was read: close the program that writes to it, then run the "
        "same command again."
    )
