"""What the built-in engine takes in memory and scratch, by rules measured on simulations.

Measured: 297, 451 MB (160x120 px, 6000 frames; 1, 2 threads), 482 MB (240x200, 2 threads), 471,
560, 784 MB (600x600; 1, 2, 4 threads). Memory does not grow with the length of a recording: movies
stream in blocks, and arrays of cells x frames lie in mapped files. Where there is memory to spare,
the extraction holds the first frames that it reads again and again, beside these figures. Measured
with compiled kernels: what compiling them adds to the first run of an installation, the pipeline
knows.
"""

from __future__ import annotations

from miniscope_nwb.engines.base import Prediction, Task
from miniscope_nwb.movie import block_length

_LIBRARIES_BYTES = 200_000_000  # Python, numpy, scipy, HDF5, numba; without what compiling takes
_BLOCKS_A_THREAD = 5.2  # float32: recorded, filtered, shifted, and waiting to be added up
_PIXEL_BYTES = 640  # samples of frames for the template, images in float64, the ring's weights
_SPARING_PEAK = 1_300_000_000  # that a run reaches at most for frames held only to spare time
_HELD_SHARE = 0.5  # of the memory that a run may take beside what it needs
_TRACES = 12  # arrays of cells x frames, float32, while the extraction works


def predict(task: Task) -> Prediction:
    """Say what a job takes; seconds depend on the machine, a probe tells them."""
    scratch = 4 * _TRACES * task.n_cells * task.n_frames
    movie = 4 * task.n_frames * task.height * task.width
    peak = working_memory(task) + min(movie, held_memory(task))
    return Prediction(peak_memory_bytes=peak, scratch_bytes=scratch)


def held_memory(task: Task) -> int:
    """Return how much memory frames may take that are held only to spare time, bytes."""
    working = working_memory(task)
    spare = task.memory_bytes - working
    return max(0, min(_SPARING_PEAK - working, int(_HELD_SHARE * spare)))


def working_memory(task: Task) -> int:
    """Return the peak memory of stages that read a movie in blocks in threads, bytes."""
    n_pixels = task.height * task.width
    block = 4 * n_pixels * min(task.n_frames, block_length(task.height, task.width))
    blocks = task.n_threads * _BLOCKS_A_THREAD * block
    return int(_LIBRARIES_BYTES + blocks + _PIXEL_BYTES * n_pixels)
