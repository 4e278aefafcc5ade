"""The movies that the preprocessing gives: cropped, and prepared; both are read block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import FrameClock, Movie
from miniscope_nwb.prepare.defects import PixelMender
from miniscope_nwb.recording import IntArray
from miniscope_nwb.results import Float32, FloatImage, Prepared, Trend

_LEAST_VIGNETTE = 0.1  # darker corners are not brightened further: nothing but noise is there


class CroppedMovie(Movie):
    """A part of the field, as recorded.

    Parameters
    ----------
    movie
        As recorded.
    crop
        x0, y0, x1, y1 in pixels, ascending, stops exclusive.
    """

    def __init__(self, movie: Movie, crop: tuple[int, int, int, int]) -> None:
        self._movie = movie
        self._x, self._y = slice(crop[0], crop[2]), slice(crop[1], crop[3])
        self.n_frames, self.dtype, self.clock = movie.n_frames, movie.dtype, movie.clock
        self.height, self.width = crop[3] - crop[1], crop[2] - crop[0]

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return a copy of the frames [start, stop)."""
        return np.ascontiguousarray(self._movie.read(start, stop)[:, self._y, self._x])

    def take(self, frames: IntArray) -> npt.NDArray[Any]:
        """Return chosen frames, in the order of `frames`, which ascends."""
        return np.ascontiguousarray(self._movie.take(frames)[:, self._y, self._x])


class PreparedMovie(Movie):
    """Frames as the processing sees them: cropped, mended, binned, and changed as was asked for.

    Where nothing but crop and mending is done, samples keep the type in which they were recorded;
    all else is float32.

    Parameters
    ----------
    movie
        As recorded.
    prepared
        What is done.
    recorded
        Only crop, mending and binning: intensities as recorded, for F0.
    """

    def __init__(self, movie: Movie, prepared: Prepared, *, recorded: bool = False) -> None:
        self._cropped = CroppedMovie(movie, prepared.crop)
        self._factor = prepared.spatial_factor
        self._mender = PixelMender(
            prepared.defective_pixels - np.array(prepared.crop[:2]),
            height=self._cropped.height,
            width=self._cropped.width,
        )
        self._light = None if recorded else LightChange.of(prepared, movie.clock)
        self.n_frames, self.clock = movie.n_frames, movie.clock
        self.height = self._cropped.height // self._factor
        self.width = self._cropped.width // self._factor
        stays = self._factor == 1 and self._light is None
        self.dtype = movie.dtype if stays else np.dtype(np.float32)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return the frames [start, stop)."""
        return self._prepare(self._cropped.read(start, stop), np.arange(start, stop))

    def take(self, frames: IntArray) -> npt.NDArray[Any]:
        """Return chosen frames, in the order of `frames`, which ascends."""
        return self._prepare(self._cropped.take(frames), frames)

    def _prepare(self, frames: npt.NDArray[Any], numbers: IntArray) -> npt.NDArray[Any]:
        """Do what is to be done to frames as recorded, cropped; `numbers` are theirs."""
        self._mender.mend(frames)
        if self._factor > 1:
            frames = bin_pixels(frames, self._factor)
        if self._light is not None:
            frames = frames.astype(np.float32, copy=False)
            self._light.apply(frames, numbers)
        return frames


def bin_pixels(frames: npt.NDArray[Any], factor: int) -> Float32:
    """Average `factor` x `factor` pixels; rows and columns that fill no bin are left out."""
    n, height, width = frames.shape
    down, across = height // factor, width // factor
    out = np.zeros((n, down, across), np.float32)
    for y in range(factor):
        for x in range(factor):
            out += frames[:, y : down * factor : factor, x : across * factor : factor]
    out *= np.float32(1 / factor**2)
    return out


class LightChange:
    """What is taken off the brightness of the frames: glow, vignette, trend; and dF/F or a root.

    Parameters
    ----------
    prepared
        What is done.
    clock
        Of the movie: the trend is a matter of time, not of frames.
    """

    def __init__(self, prepared: Prepared, clock: FrameClock) -> None:
        self._glow, self._trend = prepared.glow, prepared.trend
        self._times_s = clock.times_s
        self._normalise, self._baseline = prepared.normalise, prepared.baseline
        self._gain: FloatImage | None = None
        if prepared.vignette is not None:
            self._gain = (1 / np.maximum(prepared.vignette, _LEAST_VIGNETTE)).astype(np.float32)

    @classmethod
    def of(cls, prepared: Prepared, clock: FrameClock) -> LightChange | None:
        """Return what is to be done, None if nothing is."""
        pictures = (prepared.glow, prepared.vignette, prepared.trend)
        is_idle = prepared.normalise == "none" and all(item is None for item in pictures)
        return None if is_idle else cls(prepared, clock)

    def apply(self, frames: Float32, numbers: IntArray) -> None:
        """Change frames, (n, height, width), in place; `numbers` (n,) are theirs."""
        if self._glow is not None:
            frames -= self._glow
        if self._gain is not None:
            frames *= self._gain
        if self._trend is not None:
            for number, frame in zip(numbers.tolist(), frames, strict=True):
                frame -= trend_at(self._trend, float(self._times_s[number]))
        if self._normalise == "dff" and self._baseline is not None:
            frames -= self._baseline
            frames /= self._baseline
        elif self._normalise == "sqrt":
            np.sqrt(np.maximum(frames, 0, out=frames), out=frames)


def trend_at(trend: Trend, time_s: float) -> FloatImage:
    """Return the deviation from the mean at a time; constant before the first and after the last.

    Knots of one recording never meet those of the next: each begins and ends with a knot of its
    own, and no frame lies between two recordings.
    """
    after = int(np.searchsorted(trend.times_s, time_s, side="right"))
    if after == 0:
        return np.asarray(trend.images[0])
    if after == len(trend.times_s):
        return np.asarray(trend.images[-1])
    left, right = trend.times_s[after - 1 : after + 1].tolist()
    weight = np.float32((time_s - left) / (right - left))
    return np.asarray((1 - weight) * trend.images[after - 1] + weight * trend.images[after])
