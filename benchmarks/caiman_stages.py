"""Single stages of CaImAn on frames in memory or on its own memory map, in CaImAn's own Python.

    PYTHON caiman_stages.py MOVIE.npy FOLDER STAGE

Prints wall and CPU seconds of the stage as JSON. Needs nothing of miniscope-nwb.
"""

import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # CaImAn's own advice; to be set before numpy is imported

import numpy as np

MOTION = {"max_shifts": (20, 20), "gSig_filt": (3, 3), "border_nan": "copy", "nonneg_movie": True}
PIECEWISE = {"strides": (48, 48), "overlaps": (24, 24), "max_deviation_rigid": 3}


def main() -> None:
    movie, folder, stage = sys.argv[1:]
    os.environ["CAIMAN_TEMP"] = folder
    os.chdir(folder)
    import caiman
    from caiman.motion_correction import MotionCorrect
    from caiman.summary_images import correlation_pnr

    if stage == "images":
        frames = np.load(movie).astype(np.float32)
        began = clocks()
        correlation_pnr(frames, gSig=3, swap_dim=False)
    else:
        is_piecewise = stage == "piecewise"
        options = {**MOTION, **(PIECEWISE if is_piecewise else {}), "pw_rigid": is_piecewise}
        began = clocks()
        MotionCorrect([movie], dview=None, **options).motion_correct(save_movie=True)
    ended = clocks()
    seconds = [after - before for before, after in zip(began, ended, strict=True)]
    print(json.dumps({"wall_s": seconds[0], "cpu_s": seconds[1], "version": caiman.__version__}))


def clocks():
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    main()
