"""What the computer offers: cores, memory, room on disk, and whether a file can be cloned."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path

from miniscope_nwb.check.finding import Finding
from miniscope_nwb.sizes import size

GIGABYTE = 1e9
CONVERT_MEMORY = 0.6 * GIGABYTE  # 0.2 was measured with two cores; each holds frames
# Peak of `convert`, and of `process` with few threads, whatever the length of the recording, and
# some room for the system.
MEMORY_NEEDED = 1.0 * GIGABYTE
# Twenty minutes of a V4 scope at 20 frames/s become about 6 GB; `process` writes the new version of
# the file beside the old one.
WORKING_SPACE = 15 * GIGABYTE
FIELD_PX = 600  # side of the field for which the memory of `process` is told
TEMPORARY_SPACE = 1 * GIGABYTE
# Linux: ioctl number of FICLONE (linux/fs.h), which makes a file share another's blocks.
_FICLONE = 0x40049409


def examine_machine() -> list[Finding]:
    """Count cores and memory."""
    import psutil

    cores = _count_cores()
    memory = psutil.virtual_memory()
    is_enough = memory.available >= MEMORY_NEEDED
    return [
        Finding("cores", "ok", f"{cores} for this process"),
        Finding(
            "memory",
            "ok" if is_enough else "warning",
            f"{size(memory.available)} free of {size(memory.total)}; "
            f"`convert` takes up to {size(CONVERT_MEMORY)}" + _memory_of_process(cores),
            "" if is_enough else "Close other programs before converting or processing.",
        ),
    ]


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_of_process(n_threads: int) -> str:
    """Say what the engine builtin is predicted to take."""
    try:
        from miniscope_nwb.engines.base import Task
        from miniscope_nwb.engines.builtin_costs import working_memory
    except ImportError:  # the package that is missing is told as such
        return ""
    task = Task(
        n_frames=20_000,  # more change nothing
        height=FIELD_PX,
        width=FIELD_PX,
        itemsize=1,
        n_cells=300,
        n_threads=n_threads,
    )
    return (
        f", `process` about {size(working_memory(task))} for {FIELD_PX}x{FIELD_PX} px "
        f"with {n_threads} threads (engine builtin, any length; `plan` tells it for your file)"
    )


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
        f"{folder}: {size(free)} free" + (f", {kind}" if kind else ""),
        "" if is_enough else f"Free some room: below {size(needed)} a long recording may not fit.",
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
