"""minian as the notebook of its documentation runs it. Runs in minian's own Python.

    PYTHON minian_worker.py JOB.json

The stages and their order are those of minian's pipeline notebook, without its pictures and
videos. The job names the movie (``path``, ``offset``, ``shape``: a contiguous data set of an HDF5
file, uint8), the folder for ``scratch``, the ``result`` file, ``n_processes`` and the
``parameters`` by stage. minian has no rules of acceptance: every unit that is left is accepted.
Needs nothing of miniscope-nwb.
"""

import json
import os
import sys

from worker_start import Laps, one_thread

one_thread()  # as the notebook does; before numpy is imported

import numpy as np
from saved import save_result

WORKER_MEMORY = "4GB"  # of each worker, the notebook's
RECHUNK_MEMORY = "1GB"  # the notebook's
lap = Laps()


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    os.chdir(job["scratch"])
    # minian takes everything in its folder for its own arrays: dask has another one
    places = {name: os.path.join(job["scratch"], name) for name in ("arrays", "dask")}
    os.environ["MINIAN_INTERMEDIATE"] = job["arrays"] = places["arrays"]
    import dask
    from dask.distributed import Client, LocalCluster
    from minian.utilities import TaskAnnotation

    dask.config.set(
        {"distributed.worker.memory.terminate": False, "temporary_directory": places["dask"]}
    )
    cluster = LocalCluster(
        n_workers=job["n_processes"], memory_limit=WORKER_MEMORY, resources={"MEM": 1},
        threads_per_worker=2, dashboard_address=None,
    )  # fmt: skip
    cluster.scheduler.add_plugin(TaskAnnotation())
    client = Client(cluster)
    lap("start")
    try:
        run(Pipeline(job), job["result"])
    finally:
        client.close()
        cluster.close()


class Pipeline:
    """The job's parameters, and how intermediate arrays are kept."""

    def __init__(self, job):
        self.job, self.parameters = job, job["parameters"]
        self.chunks = {}

    def __getitem__(self, stage):
        return self.parameters[stage]

    def keep(self, array, name, **chunks):
        """Store an array in the folder of intermediate results and give it as it is stored."""
        from minian.utilities import save_minian

        how = {"chunks": chunks, "mem_limit": RECHUNK_MEMORY} if chunks else {}
        return save_minian(array.rename(name), self.job["arrays"], overwrite=True, **how)

    def keep_components(self, components):
        """Store traces twice: whole in time, and in the movie's pieces of time."""
        whole = self.keep(components.chunk({"unit_id": 1, "frame": -1}), "C")
        return whole, self.keep(whole, "C_chk", unit_id=-1, frame=self.chunks["frame"])


def run(pipeline, path):
    frames = load(pipeline)
    lap("load")
    prepared = preprocess(pipeline, frames)
    lap("preprocess")
    motion, by_frame, by_place = correct(pipeline, prepared)
    lap("motion")
    state = initialize(pipeline, by_frame, by_place)
    lap("initialize")
    state = update(pipeline, by_frame, by_place, state, "temporal_first")
    lap("first update")
    state = merge(pipeline, state)
    state = update(pipeline, by_frame, by_place, state, "temporal_second")
    lap("second update")
    save(path, state, motion)


def load(pipeline):
    """Return the movie as minian's own loaders give it: frame, height, width."""
    import dask
    import dask.array as darr
    import xarray as xr
    from minian.utilities import get_optimal_chk

    job = pipeline.job
    n_frames, height, width = job["shape"]
    step = 500
    pieces = [
        darr.from_delayed(
            dask.delayed(read)(job["path"], job["offset"], job["shape"], first, first + step),
            (min(step, n_frames - first), height, width),
            np.uint8,
        )
        for first in range(0, n_frames, step)
    ]
    places = {"frame": n_frames, "height": height, "width": width}
    frames = xr.DataArray(
        darr.concatenate(pieces), dims=list(places),
        coords={name: np.arange(size) for name, size in places.items()},
    )  # fmt: skip
    pipeline.chunks, _ = get_optimal_chk(frames, dtype=float)
    whole = {"frame": pipeline.chunks["frame"], "height": -1, "width": -1}
    return pipeline.keep(frames.chunk(whole), "varr")


def read(path, offset, shape, start, stop):
    """Read frames [start, stop) of the movie."""
    return np.array(np.memmap(path, np.uint8, "r", offset, tuple(shape))[start:stop])


def preprocess(pipeline, frames):
    """Take off the glow, the noise and the background."""
    from minian.preprocessing import denoise, remove_background

    frames = frames - frames.min("frame").compute()
    frames = denoise(frames, **pipeline["denoise"])
    return pipeline.keep(remove_background(frames, **pipeline["background"]), "varr_ref")


def correct(pipeline, frames):
    """Return the motion, and the corrected movie in pieces of time and in pieces of place."""
    from minian.motion_correction import apply_transform, estimate_motion

    chunks = pipeline.chunks
    motion = estimate_motion(frames, **pipeline["motion"])
    motion = pipeline.keep(motion.chunk({"frame": chunks["frame"]}), "motion")
    corrected = apply_transform(frames, motion, fill=0)
    by_frame = pipeline.keep(corrected.astype(np.float32), "Y_fm_chk")
    place = {"frame": -1, "height": chunks["height"], "width": chunks["width"]}
    return motion, by_frame, pipeline.keep(by_frame, "Y_hw_chk", **place)


def initialize(pipeline, by_frame, by_place):
    """Find seeds, refine and merge them; return the first components."""
    from minian.cnmf import get_noise_fft, unit_merge, update_background
    from minian.initialization import initA, initC, ks_refine, pnr_refine, seeds_init, seeds_merge

    brightest = pipeline.keep(by_frame.max("frame"), "max_proj").compute()
    seeds = seeds_init(by_frame, **pipeline["seeds"])
    seeds, _, _ = pnr_refine(by_place, seeds, **pipeline["pnr"])
    seeds = ks_refine(by_place, seeds, **pipeline["ks"])
    seeds = seeds[seeds["mask_ks"] & seeds["mask_pnr"]].reset_index(drop=True)
    seeds = seeds_merge(by_place, brightest, seeds, **pipeline["seeds_merge"])
    masks = initA(by_place, seeds[seeds["mask_mrg"]], **pipeline["initialize"])
    masks = pipeline.keep(masks, "A_init")
    traces = pipeline.keep(initC(by_frame, masks), "C_init", unit_id=1, frame=-1)
    masks, traces = unit_merge(masks, traces, **pipeline["merge"])
    masks, (traces, in_pieces) = pipeline.keep(masks, "A"), pipeline.keep_components(traces)
    b, f = update_background(by_frame, masks, in_pieces)
    f, b = pipeline.keep(f, "f"), pipeline.keep(b, "b")
    noise = pipeline.keep(get_noise_fft(by_place, **pipeline["noise"]), "sn_spatial")
    return {"A": masks, "C": traces, "C_chk": in_pieces, "b": b, "f": f, "noise": noise}


def update(pipeline, by_frame, by_place, state, temporal):
    """Update footprints, background and traces once."""
    from minian.cnmf import compute_trace, update_background, update_spatial, update_temporal

    masks, is_kept, scale = update_spatial(
        by_place, state["A"], state["C"], state["noise"], **pipeline["spatial"]
    )
    traces = pipeline.keep(state["C"].sel(unit_id=is_kept) * scale, "C_new")
    in_pieces = pipeline.keep(state["C_chk"].sel(unit_id=is_kept) * scale, "C_chk_new")
    b, f = update_background(by_frame, masks, in_pieces)
    masks = pipeline.keep(masks, "A", unit_id=1, height=-1, width=-1)
    b = pipeline.keep(b, "b")
    f = pipeline.keep(f.chunk({"frame": pipeline.chunks["frame"]}), "f")
    traces = pipeline.keep(traces, "C")
    in_pieces = pipeline.keep(in_pieces, "C_chk")
    raw = pipeline.keep(compute_trace(by_frame, masks, b, in_pieces, f), "YrA", unit_id=1, frame=-1)
    found = update_temporal(masks, traces, YrA=raw, **pipeline[temporal])
    names = ("S", "b0", "c0")
    traces, in_pieces = pipeline.keep_components(found[0])
    others = {
        name: pipeline.keep(array.chunk({"unit_id": 1, "frame": -1}), name)
        for name, array in zip(names, found[1:4])
    }
    masks = masks.sel(unit_id=traces.coords["unit_id"].values)
    return {**state, **others, "A": masks, "C": traces, "C_chk": in_pieces, "b": b, "f": f,
            "YrA": raw}  # fmt: skip


def merge(pipeline, state):
    """Merge units between the two updates."""
    from minian.cnmf import unit_merge

    signal = state["C"] + state["b0"] + state["c0"]
    masks, traces, _ = unit_merge(state["A"], state["C"], [signal], **pipeline["merge"])
    masks, traces = pipeline.keep(masks, "A_mrg"), pipeline.keep(traces, "C_mrg")
    place = {"unit_id": -1, "frame": pipeline.chunks["frame"]}
    in_pieces = pipeline.keep(traces, "C_mrg_chk", **place)
    return {**state, "A": masks, "C": traces, "C_chk": in_pieces}


def save(path, state, motion):
    """Save the result in pixels in C order and shifts as x, y."""
    from importlib.metadata import version

    from scipy.sparse import csc_matrix

    units = state["C"].coords["unit_id"].values
    masks = state["A"].sel(unit_id=units).transpose("height", "width", "unit_id").values
    traces = {
        ours: state[theirs].sel(unit_id=units).transpose("unit_id", "frame").values
        for ours, theirs in (("raw", "YrA"), ("denoised", "C"), ("deconvolved", "S"))
    }
    shifts = motion.sel(shift_dim=["width", "height"]).transpose("frame", "shift_dim").values
    lap("save")
    save_result(
        path, csc_matrix(np.nan_to_num(masks.reshape(-1, len(units)))), np.ones(len(units), bool),
        traces, shifts, seconds=lap.seconds, version=version("minian"),
    )  # fmt: skip


if __name__ == "__main__":  # the guard matters: minian's processes import this file again
    main()
