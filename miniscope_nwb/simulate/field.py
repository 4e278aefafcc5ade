"""The simulated field of one miniscope: frames as the sensor delivers them, and what is true."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.simulate import chance, motion
from miniscope_nwb.simulate.activity import Activity, NeuropilTime
from miniscope_nwb.simulate.cells import Cells, make_cells
from miniscope_nwb.simulate.chance import BLOCK
from miniscope_nwb.simulate.options import SimulateOptions, level_of, n_cells
from miniscope_nwb.simulate.tissue import BRIGHTNESS, make_optics, make_tissue

FloatArray = npt.NDArray[np.float32]
Frame = npt.NDArray[np.uint8]

BLEACHING_S = 600.0  # time constant
_VESSEL_PERIODS_S = (11.0, 29.0)  # of the dilation of the vessels: vasomotion, about 0.1 Hz
_READ_SHARE = 0.5  # of the noise is the read noise, the rest grows with the light


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is true of one frame of the hardware, recorded or lost.

    ``calcium`` (n_cells,) and ``neuropil`` (n_components,) are in grey levels; ``rigid`` (2,) and
    ``bend`` (n_blocks, 2) are displacements in pixels, x then y.
    """

    number: int  # of the hardware's frame, from 0
    time_s: float
    calcium: FloatArray
    neuropil: FloatArray
    rigid: FloatArray
    bend: FloatArray


@dataclass(frozen=True, slots=True)
class FieldBlock:
    """Consecutive recorded frames of a field; the first axis of every array is the frame.

    ``spikes`` (n, n_cells) are counts since the recorded frame before, ``fluorescence``
    (n, n_cells) is in grey levels, ``rigid`` (n, 2) and ``bend`` (n, n_blocks, 2) are displacements
    of the tissue in pixels, x then y. ``frames`` gives n frames (height, width), once.
    """

    start: int  # number of the first of these recorded frames
    spikes: FloatArray
    fluorescence: FloatArray
    rigid: FloatArray
    bend: FloatArray
    frames: Iterator[Frame]


class Field:
    """The field of view of one miniscope.

    Parameters
    ----------
    options
        As `options.resolve` returns them.
    device
        Number of the miniscope; each has a field of its own.
    """

    def __init__(self, options: SimulateOptions, *, device: int) -> None:
        self._options, self._device = options, device
        self.level = level = level_of(options)
        width, height, seed = options.width, options.height, options.seed
        self._margin = int(np.ceil(motion.farthest_px(level))) + 3
        self._tissue = make_tissue(
            width=width, height=height, margin=self._margin, seed=seed, device=device
        )
        phases = chance.generator(seed, device, chance.VESSEL_TIME).uniform(0, 2 * np.pi, 2)
        self._vessel_phases: tuple[float, float] = (float(phases[0]), float(phases[1]))
        self._optics = make_optics(width=width, height=height, seed=seed, device=device)
        self.cells: Cells = make_cells(
            n_cells(options), width=width, height=height, level=level, seed=seed, device=device
        )
        self.blocks = motion.make_blocks(width, height)
        self._footprints = self._make_matrix()
        self._read = _READ_SHARE * level.noise_grey
        self._gain = (level.noise_grey**2 - self._read**2) / (0.85 * BRIGHTNESS)
        self._x, self._y = (
            item.astype(np.float32) for item in np.meshgrid(np.arange(width), np.arange(height))
        )

    @property
    def is_bending(self) -> bool:
        """Whether the displacement differs from place to place."""
        return self.level.nonrigid_rms_px > 0

    def template(self) -> FloatArray:
        """Return the field without motion, activity and noise, (height, width), grey levels."""
        m = self._margin
        return self._tissue.base[m:-m, m:-m] * self._optics.vignette + self._optics.offset

    def _make_matrix(self) -> Any:
        """Footprints as a sparse matrix (pixels, cells): a frame costs only their pixels."""
        from scipy.sparse import csc_array

        width, pixels, values, starts = self._options.width, [], [], [0]
        for item in self.cells.footprints:
            rows, columns = np.nonzero(item.mask)
            pixels.append((rows + item.top) * width + columns + item.left)
            values.append(item.mask[rows, columns])
            starts.append(starts[-1] + len(rows))
        flat = np.concatenate([np.empty(0, np.int64), *pixels])
        data = np.concatenate([np.empty(0, np.float32), *values])
        shape = (self._options.height * width, len(self.cells))
        return csc_array((data, flat, np.array(starts)), shape=shape)

    def stream(self, saved: npt.NDArray[np.int64], workers: Executor) -> Iterator[FieldBlock]:
        """Simulate the recording and give its recorded frames, block after block.

        Parameters
        ----------
        saved
            Numbers of the hardware's frames that are recorded, ascending, shape (n_frames,).
        workers
            Threads that draw the frames; the frames do not depend on their number.
        """
        options, level, device = self._options, self.level, self._device
        common: dict[str, Any] = {"rate_hz": options.rate, "seed": options.seed, "device": device}
        activity = Activity(len(self.cells), burst_rate_hz=level.burst_rate_hz, **common)
        neuropil = NeuropilTime(grey=level.neuropil_grey, **common)
        moving = motion.Motion(level, self.blocks, **common)
        amplitude = self.cells.amplitude.astype(np.float32)
        carried = np.zeros(len(self.cells), np.float32)  # spikes of lost frames
        done = 0
        for first in range(0, int(saved[-1]) + 1, BLOCK):
            stop = int(np.searchsorted(saved, first + BLOCK))
            kept = saved[done:stop] - first
            spikes, calcium = activity.next_block()
            counts, carried = _counts_since(spikes, kept, carried)
            calcium *= amplitude
            glow = neuropil.next_block()
            rigid, bend = moving.next_block()
            moments = [
                Moment(
                    first + k, (first + k) / options.rate, calcium[k], glow[k], rigid[k], bend[k]
                )
                for k in kept.tolist()
            ]  # fmt: skip
            frames = workers.map(self.draw, moments)
            yield FieldBlock(done, counts, calcium[kept], rigid[kept], bend[kept], frames)
            done = stop

    def draw(self, moment: Moment) -> Frame:
        """Draw one frame as the sensor delivers it, (height, width) uint8."""
        import cv2

        light = self._move(self._glowing_tissue(moment), moment)
        lost = self.level.bleaching * (1 - np.exp(-moment.time_s / BLEACHING_S))
        light *= self._optics.vignette
        light *= np.float32(1 - lost)
        light += self._optics.offset
        rng = chance.generator(self._options.seed, self._device, chance.NOISE, moment.number)
        noise = rng.standard_normal(light.shape, dtype=np.float32)
        spread = cv2.max(light, 0.0)
        spread *= np.float32(self._gain)
        spread += np.float32(self._read**2)
        noise *= cv2.sqrt(spread)
        light += noise
        np.rint(light, out=light)
        np.clip(light, 0, 255, out=light)
        return light.astype(np.uint8)

    def _glowing_tissue(self, moment: Moment) -> FloatArray:
        """Draw the tissue with its margin, not moved yet."""
        import cv2

        picture = self._tissue.base.copy()
        growth = self._vessel_growth(moment.time_s)
        if growth:
            cv2.scaleAdd(self._tissue.widening, -growth, picture, picture)
        for image, weight in zip(self._tissue.neuropil, moment.neuropil.tolist(), strict=True):
            cv2.scaleAdd(image, weight, picture, picture)
        m = self._margin
        if len(self.cells):
            cells = self._footprints @ moment.calcium
            picture[m:-m, m:-m] += cells.reshape(self._x.shape)
        return picture

    def _vessel_growth(self, time_s: float) -> float:
        """Return by how many pixels the vessels are wider on each side than on average."""
        waves = [
            np.sin(2 * np.pi * time_s / period + phase)
            for period, phase in zip(_VESSEL_PERIODS_S, self._vessel_phases, strict=True)
        ]  # each has a variance of 1/2, so that their sum has a variance of 1
        return self.level.dilation_rms_px * float(sum(waves))

    def _move(self, picture: FloatArray, moment: Moment) -> FloatArray:
        """Show the part of the tissue that has moved into the field."""
        import cv2

        height, width = self._x.shape
        dx, dy = moment.rigid.tolist()
        if not self.is_bending:
            matrix = np.array([[1, 0, self._margin - dx], [0, 1, self._margin - dy]])
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            moved: FloatArray = cv2.warpAffine(picture, matrix, (width, height), flags=flags)
            return moved
        grid = moment.bend.reshape(self.blocks.n_down, self.blocks.n_across, 2)
        bend = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        # The bend belongs to places of the tissue: look it up where the tissue came from.
        rows = np.clip(np.arange(height) - round(dy), 0, height - 1)
        columns = np.clip(np.arange(width) - round(dx), 0, width - 1)
        bend = bend.take(rows, axis=0).take(columns, axis=1)
        x = self._x + np.float32(self._margin - dx) - bend[:, :, 0]
        y = self._y + np.float32(self._margin - dy) - bend[:, :, 1]
        bent: FloatArray = cv2.remap(picture, x, y, cv2.INTER_CUBIC)
        return bent


def _counts_since(
    spikes: FloatArray, kept: npt.NDArray[np.int64], carried: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Add the spikes of lost frames to the next recorded one, and carry the rest on."""
    sums = np.concatenate([np.zeros_like(carried)[None], np.cumsum(spikes, axis=0)])
    edges = np.concatenate([[0], kept + 1])
    counts = np.diff(sums[edges], axis=0)
    rest = sums[-1] - sums[edges[-1]]
    if len(counts):
        counts[0] += carried
        return counts.astype(np.float32), rest
    return counts.astype(np.float32), carried + rest
