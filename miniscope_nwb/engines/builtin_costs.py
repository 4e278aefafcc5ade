"""What the built-in engine takes in memory, scratch and time, by rules measured on simulations."""

from __future__ import annotations

from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.movie import block_length

_LIBRARIES_BYTES = 330_000_000  # Python, numpy, scipy, numba and its compiled code, HDF5
_BLOCKS_A_THREAD = 4  # recorded, float, filtered, shifted; and waiting to be added up
_IMAGES = 40  # images of float64 that the stages hold: sums, templates, noise, background
_RING_WEIGHTS = 16  # of a binned pixel: 12 bytes each, in a working copy and the sparse matrix
_BACKGROUND_FACTOR = 2
_SEEDING_BYTES = 200_000_000  # a tile on its chosen frames, with the filtered copy
_TRACES_A_CELL = 12  # arrays of cells x frames in scratch, float32, all stages together


def predict(task: Task) -> Prediction:
    """Say what a job takes; memory does not grow with the length of the recording."""
    n_pixels = task.height * task.width
    block = 4 * n_pixels * block_length(task.height, task.width)
    threads = task.n_threads * _BLOCKS_A_THREAD * block
    images = _IMAGES * 8 * n_pixels
    ring = 2 * 12 * _RING_WEIGHTS * n_pixels // _BACKGROUND_FACTOR**2
    memory = _LIBRARIES_BYTES + threads + images + ring + task.n_threads * _SEEDING_BYTES
    scratch = 4 * _TRACES_A_CELL * task.n_cells * task.n_frames + 8 * task.n_frames + images
    return Prediction(peak_memory_bytes=memory, scratch_bytes=scratch)
