"""What the stages that all engines share take in memory and disk, by rules; the probe gives time.

Memory does not grow with the length of a recording: movies stream in blocks, and arrays of cells
x frames lie in mapped files.
"""

from __future__ import annotations

from miniscope_nwb.engines.base import Task
from miniscope_nwb.movie import block_length

_LIBRARIES_BYTES = 300_000_000  # Python, numpy, scipy, numba with compiled code, HDF5, pynwb
_BLOCKS_A_THREAD = 5  # recorded, float, filtered, shifted; and waiting to be added up
_IMAGES = 40  # float64 images that are held at a time: sums, templates, noise, background
_TRACES = 14  # arrays of cells x frames in scratch: extraction, traces, halves
_FRAME_BYTES = 64  # of a frame in tables: shifts, correlations, brightness
_PREVIEW_SHARE = 0.05  # of the raw size
_FULL_BYTES = 2  # of a sample of the corrected movie in the file
_STORED_TRACES = 7  # arrays of frames x cells in the file


def shared_memory(task: Task) -> int:
    """Return the peak memory of the shared stages, bytes."""
    n_pixels = task.height * task.width
    block = 4 * n_pixels * block_length(task.height, task.width)
    return _LIBRARIES_BYTES + task.n_threads * _BLOCKS_A_THREAD * block + _IMAGES * 8 * n_pixels


def scratch_bytes(task: Task) -> int:
    """Return the disk that the records of all stages take, bytes."""
    traces = 4 * _TRACES * task.n_cells * task.n_frames
    return traces + _FRAME_BYTES * task.n_frames + _IMAGES * 4 * task.height * task.width


def file_bytes(task: Task, *, corrected: str) -> int:
    """Return by how much the NWB file grows, bytes at most."""
    movie = task.n_frames * task.height * task.width
    stack = {"none": 0.0, "preview": _PREVIEW_SHARE * movie, "full": _FULL_BYTES * movie}
    traces = 4 * _STORED_TRACES * task.n_cells * task.n_frames
    return int(stack[corrected]) + traces + 4 * _IMAGES * task.height * task.width
