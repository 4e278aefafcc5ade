"""Cut a movie into pieces that threads decode independently of each other.

Parts are decoded side by side, and the last ones are cut ever finer, at frames with which a
decoder may begin, so that all cores have work until the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.nwb.movie import ChunkWriter, FrameRun
from miniscope_nwb.nwb.pool import Task, WorkPool
from miniscope_nwb.recording import VideoPart
from miniscope_nwb.video.codecs import is_keyframe, is_raw
from miniscope_nwb.video.decode import is_container, keyframe_before, read_frames
from miniscope_nwb.video.riff import AviIndex, read_index

_MIN_FRAMES = 36  # of a piece: three groups of pictures of FFV1 as the acquisition writes it
_PIECES_PER_THREAD = 4  # that should still be there when a piece is cut off the rest


@dataclass(frozen=True, slots=True)
class _Piece:
    """Positions [first, stop) of a run, decoded with so many threads."""

    first: int
    stop: int
    threads: int = 1


def add_movie(pool: WorkPool, writer: ChunkWriter, *, before: Callable[[VideoPart], Task]) -> None:
    """Add the tasks that decode a movie into its chunks.

    Parameters
    ----------
    pool
        Where the tasks run.
    writer
        What takes the frames.
    before
        Gives the task that is run with every part (its checksum), while its file is in memory.
    """
    n_after = writer.movie.n_frames
    for position, run in enumerate(writer.movie.runs):
        n_after -= len(run.frames)
        is_last = position + pool.n_threads > len(writer.movie.runs)
        pool.add(before(run.part))
        pool.add(partial(_divide, pool, writer, run, n_after, is_last))


def _divide(
    pool: WorkPool, writer: ChunkWriter, run: FrameRun, n_after: int, is_last: bool
) -> None:
    """Replace a run by its pieces."""
    try:
        pieces = list(_pieces(run, n_after, pool.n_threads))
    except OSError as error:
        raise RecordingError(
            f"{run.part.relative_path} cannot be read: {error.strerror or error}; check the drive "
            "and start again."
        ) from error
    if len(pieces) == 1 and is_last and not _can_be_cut(run.part):
        pieces = [_Piece(0, len(run.frames), threads=pool.n_threads)]
    pool.add_next(partial(_decode, pool, writer, run, piece) for piece in pieces)


def _pieces(run: FrameRun, n_after: int, n_threads: int) -> Iterator[_Piece]:
    """Cut a run; the pieces become shorter towards the end of the movie."""
    index = read_index(run.part.path) if _can_be_cut(run.part) else None
    first, n_frames = 0, len(run.frames)
    while first < n_frames:
        n_left = n_frames - first + n_after
        length = max(_MIN_FRAMES, n_left // (n_threads * _PIECES_PER_THREAD))
        stop = n_frames if index is None else _seam(run, index, first, length)
        yield _Piece(first, stop)
        first = stop


def _seam(run: FrameRun, index: AviIndex, first: int, length: int) -> int:
    """Position of a frame about `length` after `first` with which a decoder may begin."""
    stop = first + length
    while stop + _MIN_FRAMES // 2 < len(run.frames):
        if is_raw(index.fourcc):
            return stop
        with run.part.path.open("rb", buffering=0) as file:
            key = keyframe_before(index, file, int(run.frames[stop]))
        seam = int(np.searchsorted(run.frames, key))
        if seam > first:
            return seam
        stop += length
    return len(run.frames)


def _can_be_cut(part: VideoPart) -> bool:
    """Whether decoding may begin inside the part without decoding all before it."""
    if is_container(part.path):
        return False
    return is_raw(part.fourcc) or is_keyframe(part.fourcc, b"\xff\xff") is not None


def _decode(pool: WorkPool, writer: ChunkWriter, run: FrameRun, piece: _Piece) -> None:
    frames = run.frames[piece.first : piece.stop]
    start, stop = int(frames[0]), int(frames[-1]) + 1
    colour = writer.movie.is_colour
    position = 0
    images = read_frames(run.part, start, stop, colour=colour, threads=piece.threads)
    for number, image in enumerate(images, start):
        if pool.is_stopped:
            return
        if number == frames[position]:
            writer.add(run.start + piece.first + position, image)
            position += 1
