"""The file of results that every worker leaves. Needs numpy alone: runs in any interpreter."""

import json

import numpy as np

TRACES = ("raw", "denoised", "deconvolved")


def save_result(
    path, footprints, accepted, traces, shifts, *, blocks=None, seconds=None, version=""
):
    """Save what an opponent found.

    Parameters
    ----------
    path
        An ``.npz`` file.
    footprints
        Any scipy csc matrix (n_pixels, n_cells), pixels in C order of (height, width).
    accepted
        (n_cells,) what the opponent's own rules accept.
    traces
        (n_cells, n_frames) each, by the names of `TRACES`.
    shifts
        (n_frames, 2), x then y: the correction that brings a frame onto the template.
    blocks
        Centres (n_blocks, 2) and shifts (n_frames, n_blocks, 2), x then y, where it has them.
    seconds
        Wall seconds by stage.
    version
        Of the opponent.
    """
    centres, moved = (np.zeros((0, 2)), np.zeros((0, 0, 2))) if blocks is None else blocks
    np.savez(
        path,
        data=np.asarray(footprints.data, np.float32),
        indices=footprints.indices,
        indptr=footprints.indptr,
        shape=np.array(footprints.shape),
        accepted=np.asarray(accepted, bool),
        shifts=np.asarray(shifts, np.float64),
        centres=np.asarray(centres, np.float64),
        block_shifts=np.asarray(moved, np.float32),
        seconds=json.dumps(seconds or {}),
        version=version,
        **{name: np.asarray(traces[name], np.float32) for name in TRACES},
    )
