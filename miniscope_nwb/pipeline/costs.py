"""What the stages that all engines share take in memory and disk, by rules; a probe tells time."""

from __future__ import annotations

from miniscope_nwb.engines.base import Task
from miniscope_nwb.engines.builtin_costs import working_memory

_IMAGES = 25  # float32 images in the records
_TRACES = 14  # arrays of cells x frames in the records: extraction, traces, halves
_FRAME_BYTES = 64  # of a frame in records and tables: shifts, correlations, brightness
_PREVIEW_BINNING, _PREVIEW_LENGTH = 2, 10  # raw pixels on each axis and frames of the preview's
_FULL_BYTES = 1  # of a pixel of the corrected movie for each byte of the raw one, at most
_STORED_TRACES = 6  # arrays of frames x cells in the file
_TABLES_BYTES = 2_000_000  # of all tables, and HDF5's own records
_KEPT_SHARE = 0.85  # of the raw size: scratch takes no more than that size in all
_NEEDED_MARGIN = 1.5  # times what the other scratch files are expected to take
_MOST_IN_MEMORY = 200_000_000  # of unpacked frames; more would not make a long movie faster
_FREE_SHARE = 0.5  # of a free disk, and of free memory: more pages come from the disk, not faster


def shared_memory(task: Task) -> int:
    """Return the peak memory of the shared stages, bytes."""
    return working_memory(task)


def scratch_bytes(task: Task) -> int:
    """Return the disk that the records of all stages take, bytes."""
    traces = 4 * _TRACES * task.n_cells * task.n_frames
    return traces + _FRAME_BYTES * task.n_frames + _IMAGES * 4 * task.height * task.width


def file_bytes(task: Task, *, corrected: str) -> int:
    """Return by how much the NWB file grows, bytes at most."""
    movie = task.n_frames * task.height * task.width * task.itemsize
    stack = {"none": 0, "preview": _preview_bytes(task), "full": _FULL_BYTES * movie}
    traces = 4 * _STORED_TRACES * task.n_cells * task.n_frames
    images = _IMAGES * 4 * task.height * task.width
    return stack[corrected] + traces + images + _FRAME_BYTES * task.n_frames + _TABLES_BYTES


def _preview_bytes(task: Task) -> int:
    """Return the size of the preview: never fewer frames than pixels on a side, if there are any.

    So a short movie has a larger share of frames in its preview, at most all of them.
    """
    height, width = task.height // _PREVIEW_BINNING, task.width // _PREVIEW_BINNING
    length = max(1, min(_PREVIEW_LENGTH, task.n_frames // (max(height, width) + 1)))
    return -(-task.n_frames // length) * height * width * task.itemsize


def kept_bytes(raw_bytes: int, *, needed: int, free_disk: int, free_memory: int) -> int:
    """Return how much scratch unpacked frames of the raw movie may take, bytes.

    Parameters
    ----------
    raw_bytes
        Size of the movie, unpacked.
    needed
        What the stages' own scratch files are expected to take.
    free_disk
        What is free beside the files that the run must write.
    free_memory
        What the system has for pages of files.
    """
    most = min(_KEPT_SHARE * raw_bytes, raw_bytes - _NEEDED_MARGIN * needed)
    return max(0, int(min(most, _FREE_SHARE * free_disk, _FREE_SHARE * free_memory)))


def kept_in_memory_bytes(raw_bytes: int, *, kept: int, spare_memory: int) -> int:
    """Return how much memory unpacked frames may take that scratch has no room for, bytes.

    All that are left of a short movie, so that it is unpacked once; none of a long one.
    """
    left = raw_bytes - kept
    return left if left <= min(_MOST_IN_MEMORY, spare_memory) else 0
