"""What the computer offers: cores, memory, room on disk, and whether a file can be cloned."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path

from miniscope_nwb.check.finding import Finding

GIGABYTE = 1e9
# Peak of `convert`, whatever the length of the recording, and some room for the system.
MEMORY_NEEDED = 1.0 * GIGABYTE
# Twenty minutes of a V4 scope at 20 frames/s become about 6 GB.
WORKING_SPACE = 10 * GIGABYTE
TEMPORARY_SPACE = 1 * GIGABYTE
# Linux: ioctl number of FICLONE (linux/fs.h), which makes a file share another's blocks.
_FICLONE = 0x40049409


def examine_machine() -> list[Finding]:
    """Count cores and memory."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory()
    is_enough = memory.available >= MEMORY_NEEDED
    return [
        Finding("cores", "ok", f"{cores} for this process"),
        Finding(
            "memory",
            "ok" if is_enough else "warning",
            f"{memory.available / GIGABYTE:.1f} GB free of {memory.total / GIGABYTE:.1f} GB; "
            "`convert` takes up to 0.6 GB",
            "" if is_enough else "Close other programs before converting.",
        ),
    ]


def examine_folders(working: Path) -> list[Finding]:
    """Look at the folder where files are written, and at the one for temporary files."""
    temporary = Path(tempfile.gettempdir())
    return [
        *_examine_folder("working folder", working.resolve(), WORKING_SPACE, tests_clone=True),
        *_examine_folder("temporary folder", temporary, TEMPORARY_SPACE, tests_clone=False),
    ]


def _examine_folder(topic: str, folder: Path, needed: float, *, tests_clone: bool) -> list[Finding]:
    if not folder.is_dir():
        return [Finding(topic, "error", f"{folder} is not a folder", "Name one that exists.")]
    free = shutil.disk_usage(folder).free
    is_enough = free >= needed
    kind = file_system(folder)
    room = Finding(
        topic,
        "ok" if is_enough else "warning",
        f"{folder}: {free / GIGABYTE:.1f} GB free" + (f", {kind}" if kind else ""),
        ""
        if is_enough
        else f"Free some room: below {needed / GIGABYTE:.0f} GB a long recording may not fit.",
    )
    try:
        can_clone = _can_clone(folder)
    except OSError as problem:
        return [
            room,
            Finding(
                topic,
                "warning",
                f"{folder} cannot be written to ({problem.strerror or problem})",
                "Write elsewhere with -o, or ask for the right to write there.",
            ),
        ]
    if not tests_clone:
        return [room]
    how = (
        "clones files: behaviour videos beside the NWB file take no time and no room"
        if can_clone
        else "copies files: behaviour videos beside the NWB file take their full size again"
    )
    return [room, Finding(topic, "ok" if can_clone else "note", how)]


def file_system(folder: Path) -> str:
    """Return the name of the file system below `folder` ("ext4", "NTFS"), or ``""``."""
    import psutil

    here = os.path.normcase(folder.resolve())
    best = ("", "")
    for partition in psutil.disk_partitions(all=True):
        mount = os.path.normcase(partition.mountpoint)
        is_above = here == mount or here.startswith(mount.rstrip(os.sep) + os.sep)
        if is_above and len(mount) >= len(best[0]):
            best = (mount, partition.fstype)
    return best[1]


def _can_clone(folder: Path) -> bool:
    """Try to clone a small file in `folder`; raises `OSError` where nothing can be written."""
    with tempfile.TemporaryDirectory(prefix=".miniscope-nwb-", dir=folder) as scratch:
        source, target = Path(scratch, "source"), Path(scratch, "target")
        source.write_bytes(b"\0" * 65536)  # whole blocks on every file system
        try:
            return _clone(source, target)
        except OSError:
            return False


def _clone(source: Path, target: Path) -> bool:
    """Clone where this system knows how; False where it does not."""
    if platform.system() == "Linux":
        import fcntl

        with source.open("rb") as old, target.open("wb") as new:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        return True
    return False  # `convert` knows no other system's way
