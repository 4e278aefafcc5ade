"""Which parts of an upload have arrived, so that the next run sends only the others.

One file an upload, in the state folder of the user, for nobody else to read: it holds the signed
addresses of the parts. Its name is a hash of archive, dandiset and etag. The first line is the
archive's answer to `initialize`; every part that has arrived adds a line. A line that a killed
process wrote by half is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from miniscope_nwb.errors import OutputError, UnreachableError
from miniscope_nwb.nwb.lock import sole
from miniscope_nwb.share.redact import Secret
from miniscope_nwb.text_file import write_text_file

STATE_VARIABLE = "MINISCOPE_NWB_STATE"  # another state folder
_FORMAT = 1
_EXPIRES_S = 8 * 24 * 3600  # a day more than the archive's addresses last
_RATES, _TRUSTED = "rates.json", "archives.json"


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One part and where it goes."""

    number: int
    size: int
    url: Secret


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that the archive has begun."""

    upload_id: str
    parts: tuple[UploadPart, ...]


def state_folder() -> Path:
    """Return the folder of the journals; it may not exist yet."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_state_path

    return user_state_path("miniscope-nwb", appauthor=False) / "uploads"


class Journal:
    """The journal of one file on its way to one dandiset.

    Parameters
    ----------
    folder
        See `state_folder`.
    api, dandiset, etag
        Which upload it is.
    """

    def __init__(self, folder: Path, *, api: str, dandiset: str, etag: str) -> None:
        key = hashlib.sha256("\n".join((api, dandiset, etag)).encode()).hexdigest()
        self._path = folder / f"{key[:32]}.jsonl"
        self._guard = threading.Lock()

    def load(self) -> tuple[Upload, dict[int, str]] | None:
        """Return the upload and the etags of the parts that have arrived, or None."""
        try:
            lines = self._path.read_text(encoding="utf-8").split("\n")
            head = json.loads(lines[0])
            if head["format"] != _FORMAT:
                return None
            parts = tuple(
                UploadPart(int(part["number"]), int(part["size"]), Secret(part["url"]))
                for part in head["parts"]
            )
            upload = Upload(str(head["upload_id"]), parts)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        arrived = {}
        for line in lines[1:-1]:  # behind the last line end stands nothing, or half a line
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                arrived[int(row["part"])] = str(row["etag"])
        return upload, arrived

    def start(self, upload: Upload) -> None:
        """Write down a new upload; what was known of an older one is forgotten.

        Raises
        ------
        OutputError
            If the state folder cannot be written to.
        """
        head = {
            "format": _FORMAT,
            "upload_id": upload.upload_id,
            "parts": [
                {"number": part.number, "size": part.size, "url": part.url.reveal()}
                for part in upload.parts
            ],
        }
        part_file = self._path.with_suffix(".part")
        try:
            make_private_folder(self._path.parent)
            part_file.unlink(missing_ok=True)
            with _private(part_file) as file:
                file.write(json.dumps(head).encode() + b"\n")
            part_file.replace(self._path)
        except OSError as error:
            raise _not_writable(self._path.parent, error) from error

    def add(self, part: int, etag: str) -> None:
        """Write down that a part has arrived; safe to call from several threads."""
        line = json.dumps({"part": part, "etag": etag}).encode() + b"\n"
        try:
            with self._guard, self._path.open("r+b") as file:
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    if file.read(1) != b"\n":  # half a line of a killed process: it must not
                        line = b"\n" + line  # swallow this one
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _not_writable(self._path.parent, error) from error

    def forget(self) -> None:
        """Remove the journal: the upload is finished, or worth nothing any more."""
        with suppress(OSError):
            self._path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let only one process send this file; the system frees the lock of a killed one.

        Raises
        ------
        UnreachableError
            If another process sends it now.
        OutputError
            If the state folder cannot be written to.
        """
        with ExitStack() as held:
            try:
                make_private_folder(self._path.parent)
                held.enter_context(sole(self._path.with_suffix(".lock")))
            except BlockingIOError:
                raise UnreachableError(
                    "Another miniscope-nwb sends the same file to the same dandiset: wait until it "
                    "is done, then run the same command again."
                ) from None
            except OSError as error:
                raise _not_writable(self._path.parent, error) from error
            yield


def make_private_folder(folder: Path) -> None:
    """Make the state folder, which only the user may enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def check_state_folder(folder: Path) -> None:
    """Stop before the work where no journal could be kept.

    Raises
    ------
    OutputError
        Names the folder.
    """
    _remove_old(folder)
    probe = folder / f"probe-{os.getpid()}"
    try:
        make_private_folder(folder)
        with _private(probe) as file:
            file.write(b"x")
        probe.unlink()
    except OSError as error:
        raise _not_writable(folder, error) from error


def _remove_old(folder: Path) -> None:
    """Remove journals whose addresses have expired: their files changed or were given up."""
    with suppress(OSError):
        for path in folder.glob("*.jsonl"):
            if time.time() - path.stat().st_mtime > _EXPIRES_S:
                path.unlink()


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """Make a file that only the user may read, on disk when the block ends; whole or not at all."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _not_writable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The journal of the upload cannot be written to {folder} ({error.strerror or error}): "
        f"free some room, or name another folder in the variable {STATE_VARIABLE}."
    )


def read_trusted(folder: Path) -> frozenset[str]:
    """Return the addresses of archives that the user has named and sent files to."""
    try:
        said = json.loads((folder / _TRUSTED).read_text(encoding="utf-8"))
        return frozenset(str(item) for item in said)
    except (OSError, ValueError, TypeError):
        return frozenset()


def trust(folder: Path, api: str) -> None:
    """Remember that the user himself named this archive: a record's word is not enough."""
    known = read_trusted(folder)
    if api not in known:
        _replace(folder / _TRUSTED, sorted({*known, api}))


def _replace(path: Path, value: object) -> None:
    """Write a small file at once; no matter where it cannot be written."""
    with suppress(OSError):
        make_private_folder(path.parent)
        write_text_file(path, json.dumps(value))


def read_rates(folder: Path) -> Mapping[str, float]:
    """Return the bytes a second that each storage took the last time."""
    try:
        said = json.loads((folder / _RATES).read_text(encoding="utf-8"))
        return {str(host): float(rate) for host, rate in said.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_rate(folder: Path, name: str, bytes_per_s: float) -> None:
    """Remember how fast it went, for the next estimate; no matter where it cannot be written."""
    _replace(folder / _RATES, {**read_rates(folder), name: round(bytes_per_s)})
