"""CaImAn as its own one-photon demo runs it, as it comes or mended. Runs in CaImAn's own Python.

    PYTHON caiman_worker.py JOB.json

Motion correction, memory map, CNMF-E with the ring model, evaluation by its own rules. The job
names the movie (``path``, an HDF5 file with the data set ``mov``, frames x rows x columns), the
folder for ``scratch``, the ``result`` file, ``n_processes``, whether CaImAn is ``mended`` (see
`lasso`), and CaImAn's ``parameters`` by CaImAn's names. Needs nothing of miniscope-nwb.
"""

import json
import os
import sys

from worker_start import Laps, one_thread

one_thread()  # CaImAn's own advice; before numpy is imported

import numpy as np
from saved import save_result

lap = Laps()


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    os.chdir(job["scratch"])
    os.environ["CAIMAN_TEMP"] = job["scratch"]
    import caiman
    from caiman.source_extraction.cnmf import cnmf, params, spatial

    if job["mended"]:
        import lasso

        spatial.regression_ipyparallel = lasso.regression
    options = params.CNMFParams(params_dict=job["parameters"])
    view, n_processes = None, 1
    if job["n_processes"] > 1:
        _, view, n_processes = caiman.cluster.setup_cluster(
            backend="multiprocessing", n_processes=job["n_processes"]
        )
    lap("start")
    motion = correct(caiman, options, view, job["path"])
    images, dims = mapped(caiman, motion, options)
    model = cnmf.CNMF(n_processes=n_processes, dview=view, params=options)
    model.fit(images)
    lap("extract")
    model.estimates.evaluate_components(images, model.params, dview=view)
    lap("evaluate")
    if view is not None:
        caiman.stop_server(dview=view)
    save(job["result"], model.estimates, motion, options, dims, caiman.__version__)


def correct(caiman, options, view, path):
    from caiman.motion_correction import MotionCorrect

    motion = MotionCorrect([path], dview=view, **options.get_group("motion"))
    motion.motion_correct(save_movie=True)
    lap("motion")
    return motion


def mapped(caiman, motion, options):
    """Return the corrected movie as the memory map that CNMF-E wants, and its dimensions."""
    corrected = motion.fname_tot_els if options.motion["pw_rigid"] else motion.fname_tot_rig
    # border_nan is "copy": there is no border to leave out
    path = caiman.save_memmap(corrected, base_name="memmap_", order="C", border_to_0=0)
    flat, dims, n_frames = caiman.load_memmap(path)
    options.change_params({"dims": dims, "border_pix": 0})
    lap("memory map")
    return flat.T.reshape((n_frames, *dims), order="F"), dims


def block_shifts(motion, options, dims):
    """Return the patches' centres (n, 2) and shifts (n_frames, n, 2), x then y."""
    from caiman.motion_correction import sliding_window

    patches = sliding_window(
        np.zeros(dims, np.float32), options.motion["overlaps"], options.motion["strides"]
    )
    centres = [
        (left + (patch.shape[1] - 1) / 2, top + (patch.shape[0] - 1) / 2)
        for _, _, top, left, patch in patches
    ]
    shifts = np.stack([np.array(motion.y_shifts_els), np.array(motion.x_shifts_els)], axis=2)
    return np.array(centres), shifts


def save(path, found, motion, options, dims, version):
    """Save the result in pixels in C order and shifts as x, y."""
    from scipy.sparse import csc_matrix

    n_cells = found.A.shape[1]
    # CaImAn keeps pixels in Fortran order of (rows, columns).
    order = np.arange(dims[0] * dims[1]).reshape(dims, order="F").ravel()
    blocks = None
    shifts = np.array(motion.shifts_rig)[:, ::-1]  # rows, columns -> x, y
    if options.motion["pw_rigid"]:
        blocks = block_shifts(motion, options, dims)
        shifts = blocks[1].mean(axis=1)
    accepted = np.zeros(n_cells, bool)
    accepted[np.asarray(found.idx_components, int)] = True
    traces = {"raw": found.C + found.YrA, "denoised": found.C, "deconvolved": found.S}
    save_result(
        path, csc_matrix(csc_matrix(found.A).tocsr()[order]), accepted, traces, shifts,
        blocks=blocks, seconds=lap.seconds, version=version,
    )  # fmt: skip


if __name__ == "__main__":  # the guard matters: CaImAn's processes import this file again
    main()
