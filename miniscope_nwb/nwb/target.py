"""The place of an NWB file on disk: it appears there whole, or not at all.

A file is written under the name ``<stem>.part.nwb`` and renamed when it is complete; a run that is
killed leaves nothing under the final name, and the next run removes what it left.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.lock import process_lock, sole
from miniscope_nwb.nwb.videos import VideoFile, remove_if_empty, remove_videos, video_folder
from miniscope_nwb.session import ConversionPlan
from miniscope_nwb.sizes import size

RESERVE_BYTES = 8_000_000  # that should stay free: HDF5 is not to be trusted on a full disk
_ELSEWHERE = "name another place with -o"  # what else a user may do, where the output is named
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ERRNO_IN_TEXT = re.compile(r"errno = (\d+)")  # how HDF5 reports an error of the system


@dataclass(slots=True)
class Target:
    """Where a file is being made."""

    output: Path
    part: Path
    may_clean: bool  # the folder of videos is ours, not the raw recording
    placed: list[VideoFile] = field(default_factory=list)
    is_published: bool = False

    def publish(self, *, overwrite: bool) -> None:
        """Give the complete file its final name.

        Raises
        ------
        OutputError
            If there is a file of that name by now, and it must not be overwritten.
        """
        if overwrite:
            self.part.replace(self.output)
        else:
            self._publish_new()
        self.is_published = True
        sync_folder(self.output.parent)
        if self.may_clean:
            remove_videos(self.output, keep=self.placed)

    def _publish_new(self) -> None:
        """Rename without replacing: a link to a name that exists fails, on every POSIX system."""
        try:
            os.link(self.part, self.output)
        except FileExistsError as error:
            raise file_exists(self.output) from error
        except OSError:  # a file system without hard links
            if self.output.exists():
                raise file_exists(self.output) from None
            self.part.rename(self.output)
            return
        self.part.unlink()


def check_output(plan: ConversionPlan, output: Path) -> None:
    """Refuse names and places where no NWB file should go.

    Raises
    ------
    OutputError
        If the name does not end in ``.nwb``, the file exists and is not to be replaced, or the
        place lies in the raw recording.
    """
    if output.suffix.lower() != ".nwb":
        raise OutputError(f"{output} does not end in .nwb: name the NWB file so with -o.")
    if output.is_dir():
        raise OutputError(f"{output} is a folder: name another NWB file with -o.")
    if output.exists() and not plan.options.overwrite:
        raise file_exists(output)
    for segment in plan.segments:
        root = segment.recording.root.resolve()
        if output.resolve().is_relative_to(root):
            raise OutputError(
                f"{output} lies inside the raw recording {root.name}, which is never written to: "
                "name another place with -o."
            )
        has_videos = bool(segment.recording.cameras) and not plan.options.embed_video
        if has_videos and plan.options.link_videos != "in-place" and _meets_raw(plan, output):
            raise OutputError(
                f"the behaviour videos of {output} would lie in {video_folder(output)}, which is "
                "the raw recording, and that is never written to: name another file with -o."
            )


def _meets_raw(plan: ConversionPlan, output: Path) -> bool:
    """Whether the folder of the output's videos is, holds or lies in a raw recording."""
    folder = video_folder(output).resolve()
    roots = [segment.recording.root.resolve() for segment in plan.segments]
    return any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)


@contextmanager
def reserve(plan: ConversionPlan, output: Path) -> Iterator[Target]:
    """Hold the place of the file of a plan; see `hold`."""
    may_clean = not _meets_raw(plan, output)
    with hold(output, overwrite=plan.options.overwrite, may_clean=may_clean) as target:
        yield target


@contextmanager
def hold(output: Path, *, overwrite: bool, may_clean: bool) -> Iterator[Target]:
    """Hold the place of an output file while it is made; tidy up if that fails.

    Leftovers of killed runs are removed first. What the body raises of errors of the system
    becomes an `OutputError`; everything written so far is removed then.

    Parameters
    ----------
    output
        The NWB file.
    overwrite
        Whether a file of that name may be there already.
    may_clean
        Whether the folder of its videos is ours, so that videos that it no longer uses are removed.

    Raises
    ------
    OutputError
        If the file exists, another process is writing or processing it, or the place cannot be
        written to.
    """
    target = Target(output, part_path(output), may_clean=may_clean)
    made: list[Path] = []
    with output_errors(output), _not_processed(output), locked(output):
        try:
            target.part.unlink(missing_ok=True)
            is_new = not output.exists()
            if not is_new and not overwrite:
                raise file_exists(output)
            made = _make_folders(output.parent)
            if is_new and may_clean:
                remove_videos(output)
            _check_writable(target.part)
            yield target
        finally:
            if not target.is_published:
                _tidy(target, made)


def part_path(output: Path) -> Path:
    """Name of the file while it is not complete."""
    return output.with_name(f"{output.stem}.part.nwb")


@contextmanager
def output_errors(output: Path, *, otherwise: str = _ELSEWHERE) -> Iterator[None]:
    """Turn errors of the system and of HDF5 into one sentence.

    HDF5 reports some of them as ``RuntimeError``; other ``RuntimeError`` pass. `otherwise` is what
    the user may do instead of mending the drive.
    """
    try:
        yield
    except OSError as error:
        raise describe(error, output, otherwise=otherwise) from error
    except RuntimeError as error:
        if _ERRNO_IN_TEXT.search(str(error)) is None:
            raise
        raise describe(error, output, otherwise=otherwise) from error


def describe(
    error: OSError | RuntimeError, output: Path, *, otherwise: str = _ELSEWHERE
) -> OutputError:
    """Say in one sentence why the output cannot be written, and what to do."""
    in_text = _ERRNO_IN_TEXT.search(str(error))
    number = getattr(error, "errno", None) or (int(in_text[1]) if in_text else None)
    if number in _FULL:
        return OutputError(
            f"{output} cannot be written: the disk is full, or your quota is used up. Nothing was "
            f"left behind; free some space, or {otherwise}."
        )
    reason = os.strerror(number) if number else str(error)
    if number == errno.EFBIG:
        return OutputError(
            f"{output} cannot be written: it is larger than this file system allows. Nothing was "
            f"left behind; take another drive: {otherwise}."
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            f"{output} cannot be written ({reason}): the folder is read-only, or the file is open "
            f"in another program; close it there, or {otherwise}."
        )
    return OutputError(f"{output} cannot be written ({reason}): check the drive, or {otherwise}.")


def check_file_writable(path: Path) -> None:
    """Stop before the work where a file may not be written to.

    Raises
    ------
    OutputError
        Says whether the file is protected, which its owner can change, or its whole drive.
    """
    if os.access(path, os.W_OK):
        return
    if _is_read_only_drive(path):
        raise OutputError(
            f"{path} lies on a drive that is read-only: copy it to another one, and work there."
        )
    raise OutputError(
        f"{path} is write-protected: allow writing to it (chmod u+w), or work on a copy."
    )


def _is_read_only_drive(path: Path) -> bool:
    flags = getattr(os, "ST_RDONLY", 0)  # only where the system can tell
    return bool(flags) and bool(os.statvfs(path).f_flag & flags)


def check_space(folder: Path, needed_bytes: int, *, otherwise: str = _ELSEWHERE) -> None:
    """Stop where a drive has not enough room.

    Raises
    ------
    OutputError
        If less than `needed_bytes` and a small reserve are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + RESERVE_BYTES:
        raise OutputError(
            f"{folder} has {size(free)} free, and {size(needed_bytes + RESERVE_BYTES)} "
            f"may be needed: free some space, or {otherwise}."
        )


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network drives cannot; the names are theirs to keep then
        pass
    finally:
        os.close(descriptor)


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Let only one process write an output. The system frees the lock of a killed process."""
    key = hashlib.sha256(os.fsencode(output.resolve())).hexdigest()[:24]
    user = os.getuid() if hasattr(os, "getuid") else ""  # elsewhere everybody has a folder
    name = f"miniscope-nwb-{user}-{key}.lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(sole(Path(tempfile.gettempdir()) / name))
        except BlockingIOError as error:
            raise OutputError(
                f"{output} is being written by another miniscope-nwb: wait until it is done."
            ) from error
        yield


@contextmanager
def _not_processed(output: Path) -> Iterator[None]:
    """Keep a file from being replaced while its cells are sought, and the other way round.

    Taken before `locked`, which a run needs at its very end and must find free.
    """
    with ExitStack() as stack:
        if output.exists():
            try:
                stack.enter_context(sole(process_lock(output)))
            except BlockingIOError as error:
                raise OutputError(
                    f"{output} is being processed by another miniscope-nwb: wait until it is done, "
                    "or name another file with -o."
                ) from error
        yield


def file_exists(output: Path) -> OutputError:
    """Say that a file is in the way, and what would be lost with it."""
    n_runs = _count_runs(output)
    held = f", with {n_runs} run{'s' if n_runs > 1 else ''} of processing in it" if n_runs else ""
    loses = ", runs and curation included" if n_runs else ""
    return OutputError(
        f"{output} exists{held}: give --overwrite to replace it{loses}, or name another file with "
        "-o."
    )


def _count_runs(output: Path) -> int:
    """Return how many runs a file holds; 0 where it is none of ours or cannot be read."""
    import h5py

    from miniscope_nwb.nwb.processed.runs import read_runs

    try:
        with h5py.File(output, "r") as file:
            return len(read_runs(file))
    except (OSError, KeyError):
        return 0


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and its parents; return those that were not there, the deepest first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _check_writable(part: Path) -> None:
    """Fail now rather than after an hour of decoding."""
    part.open("xb").close()
    part.unlink()


def _tidy(target: Target, made: list[Path]) -> None:
    """Remove what a failed run wrote; never the reason for another error."""
    try:
        target.part.unlink(missing_ok=True)
        for video in target.placed:
            if video.target != video.source:
                video.target.unlink(missing_ok=True)
        if target.placed:
            remove_if_empty(video_folder(target.output))
        for folder in made:
            remove_if_empty(folder)
    except OSError:
        return
