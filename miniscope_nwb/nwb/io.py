"""Write a plan as an NWB file: reserve the place, stream the frames, check, publish.

While the libraries are loaded and the file is laid out, the raw files' checksums are computed;
then threads decode, compress and write side by side until every chunk is in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb.careful_file import CarefulFile
from miniscope_nwb.nwb.checksums import Checksums
from miniscope_nwb.nwb.movie import ChunkWriter, Movie, frame_runs, make_movie
from miniscope_nwb.nwb.pieces import add_movie
from miniscope_nwb.nwb.pool import WorkPool, available_cores
from miniscope_nwb.nwb.space import needed_bytes, threads_that_fit
from miniscope_nwb.nwb.target import Target, check_output, check_space, reserve
from miniscope_nwb.nwb.videos import VideoFile, place_video, plan_videos, video_folder
from miniscope_nwb.recording import Problem, SourceFile
from miniscope_nwb.session import Compression, ConversionPlan, VideoLinks

if TYPE_CHECKING:
    from miniscope_nwb.nwb.draft import Draft

Progress = Callable[[int, int], None]
_SYNC_BYTES = 128 << 20  # written to the disk while decoding goes on, not all at the end


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What was written.

    ``n_frames`` counts the stored frames of all devices, ``device_frames`` those of each,
    external videos included.
    """

    path: Path
    n_bytes: int  # of the NWB file
    n_frames: int
    seconds: float
    device_frames: dict[str, int]
    n_repaired: int  # rows of `Repairs`
    n_lost: int
    n_videos: int  # behaviour videos that the file refers to
    videos: str  # how they were placed: "copied", "cloned", "hard-linked", "left in place"
    n_hashed: int  # raw files whose SHA-256 is in the file
    problems: tuple[Problem, ...]  # the plan's, and what the writer found


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands in the part file and beside it."""

    draft: Draft
    n_hashed: int
    how_placed: str


def write_plan(
    plan: ConversionPlan,
    output: Path,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> WriteResult:
    """Write the NWB file of a plan.

    The file appears under its name only when it is complete, flushed to the disk and has been
    opened again; the behaviour videos beside it are complete before. An existing file is replaced
    only with ``options.overwrite``, at the very end.

    Parameters
    ----------
    plan
        What to write.
    output
        The NWB file; folders above it are made where they are missing.
    progress
        Called from this thread with frames done and frames in all.
    threads
        Tasks at a time; by default the cores that this process may use, fewer where frames are so
        large that memory would run over.

    Returns
    -------
    WriteResult
        What was written.

    Raises
    ------
    OutputError
        If the file exists or cannot be written; nothing is left behind.
    RecordingError
        If a raw file cannot be read or decoded; nothing is left behind.
    """
    started = time.perf_counter()
    output = Path(output)
    movies = _movies(plan)
    check_output(plan, output)
    n_threads = threads or threads_that_fit(movies.values(), available_cores())
    with reserve(plan, output) as target:
        check_space(output.parent, needed_bytes(plan, movies.values()))
        with WorkPool(n_threads) as pool:
            written = _write(plan, movies, target, pool, progress)
        _finish(target, written.draft, overwrite=plan.options.overwrite)
    device_frames = _device_frames(plan)
    return WriteResult(
        path=output,
        n_bytes=output.stat().st_size,
        n_frames=sum(device_frames.values()),
        seconds=time.perf_counter() - started,
        device_frames=device_frames,
        n_repaired=sum(len(t.repairs) for s in plan.segments for t in s.timelines.values()),
        n_lost=sum(
            span.n_lost for s in plan.segments for t in s.timelines.values() for span in t.lost
        ),
        n_videos=len(target.placed),
        videos=written.how_placed,
        n_hashed=written.n_hashed,
        problems=tuple(dict.fromkeys(written.draft.problems)),
    )


def _device_frames(plan: ConversionPlan) -> dict[str, int]:
    return {
        name: sum(s.timelines[name].n_frames for s in plan.segments if name in s.timelines)
        for name in plan.device_names
    }


def _movies(plan: ConversionPlan) -> dict[str, Movie]:
    """Frames that are to be stored inside the file, by device."""
    found = {}
    for name in plan.device_names:
        is_camera = plan.device(name).role == "camera"
        if frame_runs(name, plan.segments) and (not is_camera or plan.options.embed_video):
            found[name] = make_movie(name, plan.segments, is_camera=is_camera)
    if not any(_device_frames(plan).values()):
        raise RecordingError(
            f"{plan.root} holds no frame that could be stored: check the time stamps and videos of "
            "its devices with `miniscope-nwb inspect`."
        )
    return found


def _write(
    plan: ConversionPlan,
    movies: Mapping[str, Movie],
    target: Target,
    pool: WorkPool,
    progress: Progress | None,
) -> _Written:
    """Write the part file and place the videos."""
    from miniscope_nwb.nwb.source_files import files_to_hash, list_source_files

    files = list_source_files(plan)
    checksums = Checksums(pool, files_to_hash(plan, files))
    from miniscope_nwb.nwb.draft import make_draft  # pynwb loads while checksums are computed

    draft = make_draft(plan, movies, files)
    target.placed = _plan_videos(plan, draft, target.output)
    if any(video.target != video.source for video in target.placed):
        video_folder(target.output).mkdir(exist_ok=True)
    how: list[str] = []
    for video in target.placed:
        pool.add(partial(_place, video, plan.options.link_videos, pool, how))
    with CarefulFile(target.part) as disk:
        _fill(disk, draft, plan.options.compression, pool, checksums, files, progress)
        disk.check()
        disk.sync()
    n_hashed = sum(bool(checksums.digest(file.path)) for file in files)
    return _Written(draft, n_hashed, ", ".join(dict.fromkeys(how)))


def _place(video: VideoFile, links: VideoLinks, pool: WorkPool, how: list[str]) -> None:
    how.append(place_video(video, links, lambda: pool.is_stopped))


def _fill(
    disk: CarefulFile,
    draft: Draft,
    compression: Compression,
    pool: WorkPool,
    checksums: Checksums,
    files: Sequence[SourceFile],
    progress: Progress | None,
) -> None:
    """Lay the file out with pynwb, let the threads put the chunks in, add the checksums."""
    import h5py
    from pynwb import NWBHDF5IO

    from miniscope_nwb.nwb.source_files import store_checksums

    with h5py.File(disk, "w") as file, NWBHDF5IO(file=file, mode="w") as nwb:
        nwb.write(draft.file)
        disk.check()
        writers = [
            ChunkWriter(movie, file[f"acquisition/{name}/data"], compression)
            for name, movie in draft.movies.items()
        ]
        for writer in writers:
            add_movie(pool, writer, before=lambda part: checksums.task(part.path))
        pool.open()
        pool.finish(_Reporter(writers, disk, progress))
        store_checksums(file, [checksums.digest(item.path) for item in files])


class _Reporter:
    """Tells the caller how far the frames are, and pushes what is written to the disk."""

    def __init__(
        self, writers: Sequence[ChunkWriter], disk: CarefulFile, progress: Progress | None
    ) -> None:
        self._writers = writers
        self._disk = disk
        self._progress = progress
        self._n_synced = 0
        self._n_reported = -1

    def __call__(self) -> None:
        self._disk.check()
        n_done = sum(writer.n_done for writer in self._writers)
        if self._progress is not None and n_done != self._n_reported:
            self._progress(n_done, sum(writer.movie.n_frames for writer in self._writers))
            self._n_reported = n_done
        n_bytes = sum(writer.n_bytes for writer in self._writers)
        if n_bytes - self._n_synced > _SYNC_BYTES:
            self._n_synced = n_bytes
            self._disk.sync()


def _plan_videos(plan: ConversionPlan, draft: Draft, output: Path) -> list[VideoFile]:
    """Say where the videos go, and tell the series so."""
    placed: list[VideoFile] = []
    for video in draft.videos:
        sources = [(part.path, part.relative_path) for part in video.parts]
        planned = plan_videos(video.series.object_id, sources, output, plan.options.link_videos)
        video.series.fields["external_file"] = [item.entry for item in planned]
        placed += planned
    return placed


def _finish(target: Target, draft: Draft, *, overwrite: bool) -> None:
    """Open the file again, and give it its name if it is complete."""
    from miniscope_nwb.nwb.recheck import recheck

    check_space(target.part.parent, 0)
    recheck(target.part, draft, target.placed)
    target.publish(overwrite=overwrite)
