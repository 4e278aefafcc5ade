"""A movie decoded while another writer asks for it, in order and in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.data_utils import GenericDataChunkIterator
from pynwb.device import Device
from pynwb.image import ImageSeries

from miniscope_nwb.nwb.axes import AXIS_COMMENT, AXIS_COMMENT_COLOUR, Pixels, write_image
from miniscope_nwb.nwb.movie import Movie
from miniscope_nwb.nwb.series import source_comment
from miniscope_nwb.recording import FloatArray
from miniscope_nwb.session import DeviceInfo
from miniscope_nwb.video.decode import read_frames

BUFFER_BYTES = 32_000_000  # decoded frames in memory


class LazyMovie(GenericDataChunkIterator):  # type: ignore[misc]
    """The frames of a movie as NWB wants them, for writers that take hdmf's iterators.

    Blocks are asked for in order of time, so every video is decoded once, from its first frame to
    its last. A block that is asked for out of order is decoded anew.

    Parameters
    ----------
    movie
        At least one frame.
    **options
        Of `GenericDataChunkIterator`; the shapes of chunks and buffer are set here.
    """

    def __init__(self, movie: Movie, **options: Any) -> None:
        self._movie = movie
        self._stream: Iterator[Pixels] = iter(())
        self._next = -1  # frame that `_stream` gives next
        self._block: tuple[int, int, Pixels] | None = None
        length = movie.chunks[0]
        n_chunks = max(1, BUFFER_BYTES * movie.n_frames // (movie.n_bytes * length))
        n_frames = min(length * n_chunks, movie.n_frames)
        super().__init__(
            chunk_shape=movie.chunks, buffer_shape=(n_frames, *movie.shape[1:]), **options
        )

    def _get_maxshape(self) -> tuple[int, ...]:
        return self._movie.shape

    def _get_dtype(self) -> np.dtype[Any]:
        return self._movie.dtype

    def _get_data(self, selection: tuple[slice, ...]) -> Pixels:
        start, stop, _ = selection[0].indices(self._movie.n_frames)
        if self._block is None or self._block[:2] != (start, stop):
            self._block = (start, stop, self._read(start, stop))
        block: Pixels = self._block[2][(slice(None), *selection[1:])]
        return block

    def _read(self, start: int, stop: int) -> Pixels:
        block = np.empty((stop - start, *self._movie.shape[1:]), self._movie.dtype)
        if start != self._next:
            self._stream = self._frames(start)
        for place in range(stop - start):
            write_image(next(self._stream), out=block[place])
        self._next = stop
        return block

    def _frames(self, first: int) -> Iterator[Pixels]:
        """Decode the frames from the given one on, neighbours in one go."""
        for run in self._movie.runs:
            wanted = run.frames[max(0, first - run.start) :]
            for stretch in np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1):
                if len(stretch):
                    start, stop = int(stretch[0]), int(stretch[-1]) + 1
                    yield from read_frames(run.part, start, stop, colour=self._movie.is_colour)


def lazy_video(
    name: str, movie: Movie, times: FloatArray, info: DeviceInfo, device: Device
) -> ImageSeries:
    """Make a camera's series whose frames are decoded when the file is written."""
    axes = AXIS_COMMENT_COLOUR if movie.is_colour else AXIS_COMMENT
    return ImageSeries(
        name=name,
        description=f"Behaviour video of {info.name}, every frame.",
        comments=f"{axes} {source_comment(movie.runs)}",
        data=LazyMovie(movie),
        timestamps=times,
        unit="a.u.",
        format="raw",
        dimension=[movie.width, movie.height],
        device=device,
    )
