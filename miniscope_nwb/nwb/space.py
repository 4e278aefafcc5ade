"""How much disk and memory a conversion may need."""

from __future__ import annotations

from collections.abc import Iterable

from miniscope_nwb.nwb.movie import FrameRun, Movie, frame_runs
from miniscope_nwb.session import ConversionPlan

# FFV1 packs better than deflate; the file is about 1.4 times its folder.
_GZIP_OVER_FFV1 = 1.7
_OVERHEAD_BYTES = 4_000_000  # tables, stamps and HDF5's own records of a short file
_MEMORY_BYTES = 300_000_000  # for frames in all threads; the libraries take about 200 MB beside
_THREAD_BYTES = 6_000_000  # decoder and stack of a thread
_CHUNKS_A_THREAD = 3  # being filled, being compressed, at a seam
_FRAMES_A_THREAD = 12  # decoder's references, packets, conversion of colour


def needed_bytes(plan: ConversionPlan, movies: Iterable[Movie]) -> int:
    """Bytes that the NWB file and the videos beside it take at most.

    The uncompressed frames are the bound; movies that FFV1 packed well pack well here too.
    """
    total = _OVERHEAD_BYTES
    embedded = set()
    for movie in movies:
        embedded.add(movie.device)
        packed = sum(_GZIP_OVER_FFV1 * _share(run) for run in movie.runs)
        is_ffv1 = all(run.part.fourcc == "FFV1" for run in movie.runs)
        is_packed = is_ffv1 and plan.options.compression == "gzip"
        total += int(min(packed, movie.n_bytes) if is_packed else movie.n_bytes * 1.001)
    if plan.options.link_videos == "copy":
        for name in set(plan.device_names) - embedded:
            parts = {run.part.path: run.part for run in frame_runs(name, plan.segments)}
            total += sum(part.n_bytes for part in parts.values())
    return total


def _share(run: FrameRun) -> float:
    return run.part.n_bytes * len(run.frames) / max(1, run.part.n_frames)


def threads_that_fit(movies: Iterable[Movie], n_cores: int) -> int:
    """Threads that may work at a time without too much memory: all cores, for usual frames."""
    sizes = [_memory_of_thread(movie) for movie in movies]
    return max(1, min(n_cores, _MEMORY_BYTES // max(sizes, default=_THREAD_BYTES)))


def _memory_of_thread(movie: Movie) -> int:
    frame = movie.n_bytes // max(1, movie.n_frames)
    chunk = frame * movie.chunks[0]
    return _CHUNKS_A_THREAD * chunk + _FRAMES_A_THREAD * frame + _THREAD_BYTES
