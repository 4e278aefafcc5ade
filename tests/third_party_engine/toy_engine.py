"""An engine of another package: peaks of the deviation image are cells, their discs the masks.

It shows all that an engine must do, in the plainest way that finds cells that are easy to see.
"""

from __future__ import annotations

import numpy as np

from miniscope_nwb.engines.base import (
    Availability,
    ExtractInput,
    MotionInput,
    Prediction,
    Resources,
    Task,
    map_array,
)
from miniscope_nwb.movie import Movie, spread_frames
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import ExtractionResult, Float32, MotionResult

VERSIONS = {"engine": "toy 0.1.0"}
MIN_EXCESS = 4.0  # of a peak in the deviation image, in its own median deviations
N_TEMPLATE_FRAMES = 50


class ToyEngine:
    """Local maxima as cells."""

    name = "toy"
    summary = "peaks of the deviation image"
    uses_quality = False

    def availability(self) -> Availability:
        """Say that it can run."""
        return Availability(True, "0.1.0")

    def versions(self) -> dict[str, str]:
        """Return its version."""
        return VERSIONS

    def predict(self, task: Task) -> Prediction:
        """Say what a job takes: all of the movie in memory."""
        n_bytes = 8 * task.n_frames * task.height * task.width
        return Prediction(
            peak_memory_bytes=n_bytes, scratch_bytes=12 * task.n_cells * task.n_frames
        )

    def motion(self, job: MotionInput, resources: Resources) -> MotionResult:
        """Take the highest point of the correlation with the mean, and a parabola around it."""
        frames = _filtered(job.movie, 2.0)
        template = frames[spread_frames(~job.prepared.is_left_out, N_TEMPLATE_FRAMES)].mean(axis=0)
        for _ in range(3):  # the mean of frames that lie on it is a sharper one
            shifts = np.stack([_correlate(frame, template) for frame in frames])
            template = np.mean([_rolled(f, s) for f, s in zip(frames, shifts, strict=True)], axis=0)
        n_frames = job.movie.n_frames
        return MotionResult(
            template=template.astype(np.float32),
            shifts_px=shifts.astype(np.float32),
            blocks=None,
            block_shifts_px=None,
            is_registered=np.ones(n_frames, np.bool_),
            block_residual_px=float("nan"),
            versions=VERSIONS,
        )

    def extract(self, job: ExtractInput, resources: Resources) -> ExtractionResult:
        """Put a disc on each peak, and read the movie in it against its surroundings."""
        from scipy.sparse import csc_array

        usable = ~job.is_left_out
        frames = _filtered(job.movie, job.images.cell_diameter_px / 4)
        peaks = _peaks(frames[usable], job.images.cell_diameter_px)
        masks = _discs(peaks, frames.shape[1:], job.images.cell_diameter_px / 2)
        if job.seeds is not None:
            masks = np.asarray(job.seeds.toarray(), np.float32)
            masks /= masks.max(axis=0)
        n = masks.shape[1]
        shape = (n, job.movie.n_frames)
        raw = map_array(resources.scratch / "raw.npy", shape)
        denoised = map_array(resources.scratch / "denoised.npy", shape)
        deconvolved = map_array(resources.scratch / "deconvolved.npy", shape)
        weights = masks / np.maximum((masks**2).sum(axis=0), 1e-9)
        raw[:] = (frames.reshape(len(frames), -1) @ weights).T
        denoised[:] = _smoothed(raw, usable)
        deconvolved[:, 1:] = np.maximum(np.diff(denoised, axis=1), 0)
        noise = np.array([np.std(np.diff(row[usable])) / np.sqrt(2) for row in raw], np.float32)
        baseline = np.array([np.median(row[usable]) for row in raw], np.float32)
        raw[:, ~usable] = np.nan
        return ExtractionResult(
            height=job.movie.height,
            width=job.movie.width,
            footprints=csc_array(masks),
            denoised=denoised,
            deconvolved=deconvolved,
            raw=raw,
            baseline=baseline,
            noise=noise,
            kernel=np.zeros((n, 0), np.float32),
            background=None,
            pixel_noise=None,
            n_seeds=len(peaks),
            emptied_by="" if n else f"an excess of {MIN_EXCESS:g} in the deviation image",
            versions=VERSIONS,
        )


def _filtered(movie: Movie, sigma_px: float) -> Float32:
    """Return all frames with what is wider than a cell taken off."""
    from scipy.ndimage import gaussian_filter

    frames = np.nan_to_num(movie.read(0, movie.n_frames).astype(np.float32))
    narrow, wide = (0, sigma_px, sigma_px), (0, 4 * sigma_px, 4 * sigma_px)
    return gaussian_filter(frames, narrow) - gaussian_filter(frames, wide)


def _correlate(frame: Float32, template: Float32) -> tuple[float, float]:
    """Return the shift x, y that brings a frame onto the template."""
    surface = np.fft.irfft2(np.fft.rfft2(template) * np.conj(np.fft.rfft2(frame)), s=template.shape)
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    place = []
    for position, line in ((row, surface[:, column]), (column, surface[row])):
        low, middle, high = line[position - 1], line[position], line[(position + 1) % len(line)]
        part = 0.5 * (low - high) / (low - 2 * middle + high)
        size = len(line)
        place.append((position + size // 2) % size - size // 2 + part)
    return place[1], place[0]


def _rolled(frame: Float32, shift: Float32) -> Float32:
    from scipy.ndimage import shift as move

    return move(frame, (shift[1], shift[0]), order=1, mode="nearest")


def _peaks(frames: Float32, diameter_px: float) -> list[tuple[int, int]]:
    """Return rows and columns of the peaks of activity."""
    from scipy.ndimage import maximum_filter

    image = frames.max(axis=0) - np.median(frames, axis=0)
    noise = np.median(np.abs(np.diff(frames, axis=0)), axis=0) / 0.954
    image = image / noise - 5.0  # the largest of some hundred values lies near 3 of noise alone
    wide = 2 * int(diameter_px // 2) + 1
    is_peak = (image == maximum_filter(image, wide)) & (image > MIN_EXCESS)
    return [(int(row), int(column)) for row, column in np.argwhere(is_peak)]


def _discs(peaks: list[tuple[int, int]], shape: tuple[int, ...], radius_px: float) -> Float32:
    """Return a soft disc of maximum 1 a peak, (n_pixels, n_cells)."""
    rows, columns = np.indices(shape)
    discs = []
    for row, column in peaks:
        squared = ((rows - row) ** 2 + (columns - column) ** 2) / radius_px**2
        discs.append(np.where(squared < 2, np.exp(-squared), 0).ravel())
    return np.array(discs, np.float32).reshape(len(peaks), rows.size).T


def _smoothed(raw: Float32, usable: BoolArray) -> Float32:
    """Return traces through frames that are left out, smoothed by a few frames."""
    from scipy.ndimage import gaussian_filter1d

    frames = np.arange(raw.shape[1])
    whole = [np.interp(frames, frames[usable], row[usable]) for row in raw]
    return gaussian_filter1d(np.array(whole, np.float32).reshape(raw.shape), 1.5, axis=1)
