"""Sends the parts of a file that have not arrived, two at a time, out of the open file."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from miniscope_nwb.errors import ShareError, UnreachableError
from miniscope_nwb.share.archive import FORBIDDEN, MISSING, OK
from miniscope_nwb.share.etag import FileDigest, FileStamp, Part, changed
from miniscope_nwb.share.journal import Journal, Upload, UploadPart
from miniscope_nwb.share.redact import redact
from miniscope_nwb.share.transport import Reply, Stopped, Transport

_BLOCK_BYTES = 256 * 1024
_LOOK_S = 0.5  # a thread is waited for at a time
_GRACE_S = 2.0  # after Ctrl-C, for parts that are just done
_MAX_WRONG = 5  # answers with a wrong checksum for one part: the line, not chance, is broken


class ExpiredError(ShareError):
    """The storage knows the upload no more, or its addresses are too old: begin anew."""


class Slice:
    """One part of a file as the body of a request: read block by block, hashed on its way.

    It can be iterated over again, when the line was cut.
    """

    def __init__(self, path: Path, part: Part, stamp: FileStamp, transport: Transport) -> None:
        self._path, self._part, self._stamp = path, part, stamp
        self._transport = transport
        self.md5 = ""  # of what was sent, after the last block

    def __len__(self) -> int:
        return self._part.size

    def __iter__(self) -> Iterator[memoryview]:
        try:
            yield from self._blocks()
        except OSError as error:  # else it would be taken for a cut line, and tried for hours
            raise ShareError(
                f"{self._path} cannot be read ({error.strerror or error}): check the disk."
            ) from error

    def _blocks(self) -> Iterator[memoryview]:
        md5, left = hashlib.md5(usedforsecurity=False), self._part.size
        block = memoryview(bytearray(min(_BLOCK_BYTES, left)))
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._part.offset)
            while left:
                if self._transport.stop.is_set():
                    raise Stopped
                n_read = file.readinto(block[: min(left, len(block))])
                if not n_read:
                    raise changed(self._path)
                md5.update(block[:n_read])
                left -= n_read
                yield block[:n_read]
        self.md5 = md5.hexdigest()
        if FileStamp.of(self._path) != self._stamp:
            raise changed(self._path)


def send_parts(
    transport: Transport,
    path: Path,
    digest: FileDigest,
    upload: Upload,
    *,
    arrived: dict[int, str],
    journal: Journal,
    progress: Callable[[int], None],
) -> None:
    """Send what is missing of an upload; returns when all parts have arrived.

    Parameters
    ----------
    arrived
        Etags of the parts that the journal tells of, by number; is added to.
    progress
        Is told the bytes of every part that has arrived.

    Raises
    ------
    ExpiredError
        If the storage knows the upload no more.
    FileChangedError
        If the file is no longer what `digest` says.
    UnreachableError
        If the storage does not answer for hours, or stores other bytes than were sent.
    """
    missing = [part for part in upload.parts if not _is_right(part, digest, arrived)]

    def send(part: UploadPart) -> None:
        etag = _send_part(transport, path, digest, part)
        journal.add(part.number, etag)
        arrived[part.number] = etag
        progress(part.size)

    failed = _work_off(missing, send, transport)
    if failed:  # the others only stopped because of it
        raise next((error for error in failed if not isinstance(error, Stopped)), failed[0])


def _work_off(
    parts: Sequence[UploadPart], send: Callable[[UploadPart], None], transport: Transport
) -> list[BaseException]:
    """Send parts in threads of their own; return their errors, after the first of which all stop.

    The threads end with the process: after Ctrl-C nobody waits for a server that has fallen
    silent. A part that still arrives then is in the journal, or is sent again.
    """
    waiting, failed = deque(parts), list[BaseException]()

    def work() -> None:
        try:
            while not transport.stop.is_set():
                send(waiting.popleft())
        except IndexError:  # all are taken
            pass
        except BaseException as error:  # noqa: BLE001  (raised where the parts are waited for)
            failed.append(error)
            transport.stop.set()  # no other part is begun, and none goes on, after a failure

    n_threads = min(transport.settings.n_in_flight, len(parts))
    threads = [threading.Thread(target=work, name="part", daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(_LOOK_S)  # with a time limit, or Ctrl-C would wait on some systems
    except BaseException:  # Ctrl-C: the threads stop at their next block or wait
        transport.stop.set()
        until = time.monotonic() + _GRACE_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        raise
    transport.stop.clear()
    return failed


def _is_right(part: UploadPart, digest: FileDigest, arrived: dict[int, str]) -> bool:
    return arrived.get(part.number) == digest.part_md5s[part.number - 1]


def _send_part(transport: Transport, path: Path, digest: FileDigest, target: UploadPart) -> str:
    """Send one part until the storage has answered with its right checksum."""
    part = digest.parts[target.number - 1]
    expected = digest.part_md5s[target.number - 1]
    for _ in range(_MAX_WRONG):
        body = Slice(path, part, digest.stamp, transport)
        reply = transport.send(
            "PUT",
            target.url,
            body=body,
            once_more=frozenset({FORBIDDEN}),
        )
        if reply.status in {FORBIDDEN, MISSING}:
            raise ExpiredError(
                f"the storage takes no more parts of this upload ({reply.status} "
                f"{storage_words(reply)})"
            )
        if reply.status != OK:
            raise ShareError(
                f"The storage refused part {part.number} of {path}: {reply.status} "
                f"{storage_words(reply)}."
            )
        if body.md5 != expected:
            raise changed(path)
        if reply.etag == expected:
            return expected
        transport.say(f"part {part.number} of {path.name} arrived with changed bytes: sent again")
    raise UnreachableError(
        f"Part {part.number} of {path} arrived {_MAX_WRONG} times with other bytes than were sent: "
        "something on the line changes them. Try another network, then run the same command again."
    )


def storage_words(reply: Reply) -> str:
    """Return the code and the sentence of the storage's XML, and nothing else of it."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(reply.body.strip())
    except ElementTree.ParseError:
        return ""
    found = {node.tag.rpartition("}")[2]: (node.text or "").strip() for node in root}
    return redact(" ".join(found[name] for name in ("Code", "Message") if found.get(name)))
