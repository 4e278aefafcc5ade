"""Brings the bytes of a file into the archive's storage, from where the last run stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from miniscope_nwb.errors import ShareError, UnreachableError
from miniscope_nwb.share.archive import BAD_REQUEST, MISSING, OK, Archive
from miniscope_nwb.share.etag import FileDigest
from miniscope_nwb.share.journal import Journal, Upload, write_rate
from miniscope_nwb.share.parts import ExpiredError, send_parts, storage_words
from miniscope_nwb.share.transport import Reply

_MAX_STARTS = 4  # of one file in one run
_XML_ERROR = b"<Error>"


@dataclass(frozen=True, slots=True)
class SentBlob:
    """Bytes that are in the storage and checked by the archive."""

    blob_id: str
    resumed_at: int  # first part that this run sent of an upload that an earlier run began; else 0
    n_bytes_sent: int  # by this run
    seconds: float


def send_blob(
    archive: Archive,
    path: Path,
    digest: FileDigest,
    *,
    dandiset: str,
    state: Path,
    progress: Callable[[int, int, int], None],
) -> SentBlob:
    """Send the bytes of a file, or what an earlier run has not sent of them.

    Parameters
    ----------
    state
        Folder of the journals.
    progress
        Is told bytes there, bytes in all, and bytes that this run sent.

    Raises
    ------
    FileChangedError
        If the file is no longer what `digest` says.
    UnreachableError
        If archive or storage do not answer for hours.
    """
    journal = Journal(state, api=archive.instance.api, dandiset=dandiset, etag=digest.etag)
    sent = _Sent(digest, progress)
    with journal.locked():
        for attempt in range(1, _MAX_STARTS + 1):
            known = journal.load()
            if known is None or not _fits(known[0], digest):
                begun = _begin(archive, digest, dandiset=dandiset, journal=journal)
                if isinstance(begun, str):
                    return sent.blob(begun)
                known = (begun, {})
            elif attempt == 1:
                sent.resume(known[1])
            try:
                with sent.timed():
                    _send_missing(archive, path, digest, known, journal=journal, sent=sent)
                blob_id = _finish(archive, digest, known, journal=journal)
            except ExpiredError as error:
                journal.forget()
                sent.start_anew()
                archive.transport.say(f"{path.name} is sent anew: {error}")
                continue
            journal.forget()
            blob = sent.blob(blob_id)
            if blob.n_bytes_sent:
                rate = blob.n_bytes_sent / max(blob.seconds, 1e-3)
                write_rate(state, archive.instance.name, rate)
            return blob
    raise UnreachableError(
        f"The storage has dropped the upload of {path} {_MAX_STARTS} times: run the same command "
        "again later, and tell the archive's help desk if that goes on."
    )


class _Sent:
    """Counts what is there, what this run sent, and where it went on."""

    def __init__(self, digest: FileDigest, progress: Callable[[int, int, int], None]) -> None:
        self._digest, self._progress = digest, progress
        self._guard = threading.Lock()
        self.n_there = self.n_sent = self.resumed_at = 0
        self._seconds = 0.0

    def resume(self, arrived: dict[int, str]) -> None:
        right = {
            part.number: part.size
            for part in self._digest.parts
            if arrived.get(part.number) == self._digest.part_md5s[part.number - 1]
        }
        self.n_there = sum(right.values())
        if right:
            numbers = range(1, len(self._digest.part_md5s) + 2)
            self.resumed_at = next(n for n in numbers if n not in right)
        self._progress(self.n_there, self._digest.size, self.n_sent)

    def start_anew(self) -> None:
        self.n_there = self.resumed_at = 0

    def add(self, n_bytes: int) -> None:
        with self._guard:  # several workers
            self.n_there += n_bytes
            self.n_sent += n_bytes
            n_there, n_sent = self.n_there, self.n_sent
        self._progress(n_there, self._digest.size, n_sent)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time of sending; joining the parts is the storage's work, not the line's."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._seconds += time.monotonic() - started

    def blob(self, blob_id: str) -> SentBlob:
        return SentBlob(blob_id, self.resumed_at, self.n_sent, self._seconds)


def _fits(upload: Upload, digest: FileDigest) -> bool:
    """Whether an upload is cut as the file's checksums are."""
    ours = [(part.number, part.size) for part in digest.parts]
    return [(part.number, part.size) for part in upload.parts] == ours


def _begin(
    archive: Archive, digest: FileDigest, *, dandiset: str, journal: Journal
) -> Upload | str:
    """Begin an upload and write it down; return the blob's id where the bytes are known."""
    upload = archive.initialize(dandiset, size=digest.size, etag=digest.etag)
    if isinstance(upload, str):
        if not upload:
            raise ShareError(
                f"{archive.instance.name} says that it has the bytes of this file, and not where: "
                "run the same command again in some minutes."
            )
        return upload
    if not _fits(upload, digest):
        sizes = {part.size for part in upload.parts}
        raise ShareError(
            f"{archive.instance.name} cuts a file of {digest.size} bytes into {len(upload.parts)} "
            f"parts of {max(sizes, default=0)} bytes, this program into {len(digest.part_md5s)} of "
            f"{digest.part_bytes}: update miniscope-nwb."
        )
    journal.start(upload)
    return upload


def _send_missing(
    archive: Archive,
    path: Path,
    digest: FileDigest,
    known: tuple[Upload, dict[int, str]],
    *,
    journal: Journal,
    sent: _Sent,
) -> None:
    upload, arrived = known
    send_parts(
        archive.transport,
        path,
        digest,
        upload,
        arrived=arrived,
        journal=journal,
        progress=sent.add,
    )


def _finish(
    archive: Archive,
    digest: FileDigest,
    known: tuple[Upload, dict[int, str]],
    *,
    journal: Journal,
) -> str:
    """Let the storage join the parts and the archive check them; return the blob's id.

    Any of these answers may be lost, so every step may find that it was done before.
    """
    upload, arrived = known
    parts = [
        {"part_number": part.number, "size": part.size, "etag": arrived[part.number]}
        for part in upload.parts
    ]
    reply = archive.upload_step(upload.upload_id, "complete", {"parts": parts})
    if reply.status == OK:
        _join(archive, reply)
    elif reply.status == BAD_REQUEST:
        raise ExpiredError(f"the archive does not join its parts ({archive.words(reply)})")
    reply = archive.upload_step(upload.upload_id, "validate")
    if reply.status == OK:
        return str(reply.json()["blob_id"])
    blob_id = archive.blob_of(digest.etag)
    if blob_id is not None:  # the answer of an earlier `validate` was lost, or it came otherwise
        return blob_id
    raise ExpiredError(f"the archive knows it no more ({reply.status} {archive.words(reply)})")


def _join(archive: Archive, reply: Reply) -> None:
    """Let the storage join the parts; 404 may mean that it has done so already."""
    reply = archive.join_parts(reply)
    if reply.status == MISSING or (reply.status == OK and _XML_ERROR not in reply.body):
        return
    raise ExpiredError(f"the storage does not join its parts ({storage_words(reply)})")
