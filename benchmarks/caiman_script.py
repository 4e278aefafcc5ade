"""CaImAn as its users run it: motion correction, CNMF-E, evaluation. Runs in CaImAn's own Python.

    PYTHON caiman_script.py JOB.json

The job names the movie (HDF5, data set ``mov``, frames x rows x columns), the folder for results,
the number of processes and CaImAn's parameters by CaImAn's names. Needs nothing of miniscope-nwb.
"""

import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # CaImAn's own advice; to be set before numpy is imported

import numpy as np


def main() -> None:
    with open(sys.argv[1]) as file:
        job = json.load(file)
    os.chdir(job["folder"])
    os.environ["CAIMAN_TEMP"] = job["folder"]
    import caiman
    from caiman.motion_correction import MotionCorrect
    from caiman.source_extraction.cnmf import cnmf, params

    options = params.CNMFParams(params_dict=job["parameters"])
    view, n_processes = None, 1
    if job["n_processes"] > 1:
        _, view, n_processes = caiman.cluster.setup_cluster(
            backend="multiprocessing", n_processes=job["n_processes"]
        )
    seconds = {}
    began = time.perf_counter()
    motion = MotionCorrect([job["movie"]], dview=view, **options.get_group("motion"))
    motion.motion_correct(save_movie=True)
    is_piecewise = options.motion["pw_rigid"]
    corrected = motion.fname_tot_els if is_piecewise else motion.fname_tot_rig
    mapped = caiman.save_memmap(corrected, base_name="corrected", order="C", border_to_0=0)
    seconds["motion"] = time.perf_counter() - began
    flat, dims, n_frames = caiman.load_memmap(mapped)
    images = flat.T.reshape((n_frames, *dims), order="F")
    began = time.perf_counter()
    model = cnmf.CNMF(n_processes=n_processes, dview=view, params=options)
    model.fit(images)
    seconds["extract"] = time.perf_counter() - began
    began = time.perf_counter()
    found = model.estimates
    found.evaluate_components(images, model.params, dview=view)
    seconds["evaluate"] = time.perf_counter() - began
    if view is not None:
        caiman.stop_server(dview=view)
    save(job["folder"], found, motion, dims, is_piecewise, seconds, caiman.__version__)


def save(folder, found, motion, dims, is_piecewise, seconds, version) -> None:
    n_cells = found.A.shape[1]
    height, width = dims
    # CaImAn keeps pixels in Fortran order of (rows, columns).
    footprints = found.A.toarray().reshape(width, height, n_cells).transpose(2, 1, 0)
    accepted = np.zeros(n_cells, bool)
    accepted[np.asarray(found.idx_components, int)] = True
    shifts = np.array(motion.shifts_rig)[:, ::-1]  # rows, columns -> x, y
    blocks = np.zeros(0)
    if is_piecewise:
        blocks = np.stack([np.array(motion.y_shifts_els), np.array(motion.x_shifts_els)], axis=2)
    np.savez(
        os.path.join(folder, "result.npz"),
        footprints=footprints.astype(np.float32), denoised=found.C, raw=found.C + found.YrA,
        deconvolved=found.S, accepted=accepted, shifts=shifts, blocks=blocks,
        seconds=json.dumps(seconds), version=version,
    )  # fmt: skip


if __name__ == "__main__":  # the guard matters: CaImAn's processes import this file again
    main()
