"""A text file that appears whole or not at all; what was there stays until the new one is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_text_file(path: Path, text: str) -> None:
    """Write a text file beside its name and rename it when all of it is on the disk.

    What fails on the way, a full disk for one, leaves neither half a file nor an empty one. A link
    keeps leading to its file; what is no file (``/dev/stdout``, a pipe) is written to as it is.

    Parameters
    ----------
    path
        The file; one that is there is replaced and its permissions are kept.
    text
        Written as UTF-8, line ends as they are.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    content = text.encode("utf-8")
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            if target.exists():
                part.chmod(target.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
