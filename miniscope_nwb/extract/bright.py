"""The bright pixels of a movie: those that rise above their noise after the spatial filter.

Cells are silent most of the time, so that about one pixel in a hundred is bright. These, with
their frames, are all that seeding needs (values below three times the noise count as zero in
correlation images anyway), and so **every** frame of the longest recording takes part: a cell that
fires once in an hour is as visible as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.extract.frames import FrameBlock, Frames, MeanSums
from miniscope_nwb.images.correlation import NoiseAndPeak, median_of_frames
from miniscope_nwb.images.filtering import CenterSurround, highpass
from miniscope_nwb.movie import map_in_order, spread_frames
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Float32, FloatImage

THRESHOLD_SIGMAS = 3.0  # below it a value is noise: of Gaussian noise 0.13 % are above
_N_BASELINE_FRAMES = 150  # their median is the baseline: a standard error of 0.1 sigma

ENTRY = np.dtype([("pixel", np.int32), ("frame", np.int32), ("value", np.float32)])
Int32 = npt.NDArray[np.int32]
Subtract = Callable[[FrameBlock], None]


@dataclass(frozen=True, slots=True)
class Level:
    """Baseline and noise of the filtered movie, (height, width)."""

    baseline: FloatImage
    noise: FloatImage  # infinite where nothing was seen


@dataclass(frozen=True, slots=True)
class BrightPixels:
    """Bright pixels, pixel by pixel, each pixel's in the order of frames.

    ``starts`` (n_pixels + 1,) says where those of a pixel begin; ``frames`` are numbers of frames
    and ``values`` are in units of the pixel's noise. ``level`` is in grey levels.
    """

    height: int
    width: int
    n_frames: int  # that took part
    starts: IntArray
    frames: Int32
    values: Float32
    level: Level


def measure_level(frames: Frames, kernel: CenterSurround) -> Level:
    """Measure baseline and noise of the filtered movie from frames spread over it."""
    usable = ~frames.is_left_out
    numbers = spread_frames(usable, _N_BASELINE_FRAMES)
    shape = (frames.movie.height, frames.movie.width)
    filtered = np.empty((len(numbers), *shape), np.float32)
    done = 0
    for part in frames.sample(
        numbers, lambda block: highpass(block.pixels, kernel, seen=block.seen)
    ):
        filtered[done : done + len(part)] = part
        done += len(part)
    baseline = median_of_frames(filtered)
    noise = _noise(frames, kernel)
    known = np.isfinite(baseline) & np.isfinite(noise) & (noise > 0)
    return Level(
        np.where(known, baseline, 0).astype(np.float32),
        np.where(known, noise, np.inf).astype(np.float32),
    )


def _noise(frames: Frames, kernel: CenterSurround | None) -> FloatImage:
    """Measure the noise in short runs of consecutive frames, spread over the movie."""
    shape = (frames.movie.height, frames.movie.width)

    def measure(run: tuple[int, int]) -> NoiseAndPeak:
        block = frames.read(*run)
        pixels = block.pixels
        if kernel is not None:
            pixels = highpass(pixels, kernel, seen=block.seen)
        part = NoiseAndPeak(*shape)
        part.add(pixels, seen=block.seen)
        return part

    total = NoiseAndPeak(*shape)
    for part in map_in_order(measure, _short_runs(frames), n_threads=frames.n_threads):
        total.merge(part)
    return total.noise


def measure_pixel_noise(frames: Frames) -> FloatImage:
    """Measure the noise of the unfiltered pixels, (height, width); 0 where nothing was seen."""
    return np.nan_to_num(_noise(frames, None), nan=0.0)


def _short_runs(frames: Frames, *, length: int = 10, n_most: int = 30) -> list[tuple[int, int]]:
    """Choose runs of usable frames without a gap; shorter ones where there are no such."""
    clock = frames.movie.clock
    found: list[tuple[int, int]] = []
    while not found and length >= 3:
        for start, stop in clock.runs():
            for at in range(start, stop - length + 1, length):
                if not frames.is_left_out[at : at + length].any():
                    found.append((at, at + length))
        length -= 1
    step = max(1, len(found) // n_most)
    return found[::step]


def find_bright(
    frames: Frames,
    kernel: CenterSurround,
    level: Level,
    *,
    region: BoolArray,
    scratch: Path,
    subtract: Subtract | None = None,
    means: MeanSums | None = None,
) -> BrightPixels:
    """Collect the bright pixels of all usable frames.

    Parameters
    ----------
    frames
        The movie.
    kernel
        Spatial filter.
    level
        Baseline and noise of the filtered movie.
    region
        (height, width): pixels that may be bright.
    scratch
        Folder for the entries, 20 bytes each while they are sorted and 8 then.
    subtract
        Takes what is known already off a block of frames, in place.
    means
        Filled with the frames that stream by, as they are.
    """
    noise = np.where(region, level.noise, np.inf).astype(np.float32)
    height, width = region.shape

    def collect(block: FrameBlock) -> tuple[npt.NDArray[Any], Any]:
        sums = None if means is None else means.of_block(block)
        if subtract is not None:
            subtract(block)
        filtered = highpass(block.pixels, kernel, seen=block.seen)
        return _collect(filtered, block.numbers, level.baseline, noise), sums

    listed = scratch / "bright_by_frame.bin"
    counts = np.zeros(noise.size, np.int64)
    with listed.open("wb") as file:
        for entries, sums in frames.each(collect):
            if means is not None:
                means.add(sums)
            file.write(entries.tobytes())
            counts += np.bincount(entries["pixel"], minlength=len(counts))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    numbers, values = _sorted_by_pixel(listed, starts, scratch)
    listed.unlink()
    height, width = noise.shape
    return BrightPixels(height, width, frames.n_usable, starts, numbers, values, level)


def _sorted_by_pixel(listed: Path, starts: IntArray, scratch: Path) -> tuple[Int32, Float32]:
    """Return frames and values of listed entries, pixel by pixel, in mapped files."""
    from miniscope_nwb.extract import bright_kernels as kernels

    numbers = _mapped(scratch / "bright_frames.npy", np.int32, int(starts[-1]))
    values = _mapped(scratch / "bright_values.npy", np.float32, int(starts[-1]))
    at = starts[:-1].copy()
    for entries in _read_back(listed):
        kernels.sort_by_pixel(
            entries["pixel"].copy(), entries["frame"].copy(), entries["value"].copy(), at,
            numbers, values,
        )  # fmt: skip
    return numbers, values


def _mapped(path: Path, dtype: npt.DTypeLike, size: int) -> npt.NDArray[Any]:
    """Make an array in a file; plain, for compiled code."""
    return np.asarray(np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(size,)))


def _read_back(path: Path) -> Iterator[npt.NDArray[Any]]:
    """Give the entries of a file, a piece at a time."""
    with path.open("rb") as file:
        while True:
            entries = np.frombuffer(file.read(ENTRY.itemsize << 20), ENTRY)
            if not len(entries):
                return
            yield entries


def _collect(
    filtered: Float32, numbers: IntArray, baseline: FloatImage, noise: FloatImage
) -> npt.NDArray[Any]:
    """Return the bright pixels of filtered frames, of type `ENTRY`, in the order of frames."""
    from miniscope_nwb.extract import bright_kernels as kernels

    entries = np.empty(kernels.count_bright(filtered, baseline, noise, THRESHOLD_SIGMAS), ENTRY)
    pixels, frames = np.empty(len(entries), np.int32), np.empty(len(entries), np.int32)
    values = np.empty(len(entries), np.float32)
    kernels.take_bright(
        filtered, baseline, noise, THRESHOLD_SIGMAS, numbers, pixels, frames, values
    )
    entries["pixel"], entries["frame"], entries["value"] = pixels, frames, values
    return entries
