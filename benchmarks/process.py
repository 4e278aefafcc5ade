"""`process` with the built-in engine against CaImAn, on one simulated movie, in one run.

    python -m benchmarks.process [--work DIR] [--caiman-python PYTHON] [--level LEVEL] [--lengths]

Ours runs as a user runs it, with no parameter given; CaImAn runs its own pipeline
(`benchmarks/caiman_script.py`) with parameters set by hand for these movies. One row each: F1 of
accepted components and of all, correlation of traces with the truth, error of the shifts, wall and
CPU seconds, peak memory of all processes together (anonymous and shared; mapped files not counted)
and scratch. With ``--engines`` CaImAn also runs inside `process`, to show what the adapter costs.
``--lengths`` shows memory, scratch and speed of 10, 30 and 60 minutes at 600x600, or at another
``--side``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Run, measure

SCRIPT = Path(__file__).with_name("caiman_script.py")
# Set by hand for somata of 7.3 px at 20 frames/s, after CaImAn's own one-photon demo.
CAIMAN: dict[str, Any] = {
    "fr": 20, "decay_time": 0.5, "pw_rigid": False, "max_shifts": [20, 20], "gSig_filt": [3, 3],
    "strides": [48, 48], "overlaps": [24, 24], "max_deviation_rigid": 3, "border_nan": "copy",
    "nonneg_movie": True, "method_init": "corr_pnr", "K": None, "gSig": [3, 3], "gSiz": [13, 13],
    "ssub": 1, "tsub": 1, "nb": 0, "min_corr": 0.8, "min_pnr": 8, "normalize_init": False,
    "center_psf": True, "ssub_B": 2, "ring_size_factor": 1.2, "p": 1,
    "method_deconvolution": "oasis", "update_background_components": True, "rf": 40, "stride": 20,
    "only_init": True, "nb_patch": 0, "low_rank_background": None, "del_duplicates": True,
    "merge_thr": 0.7, "min_SNR": 3, "rval_thr": 0.85, "use_cnn": False,
}  # fmt: skip
LOOK_S = 0.2  # between two looks at memory and scratch: runs of minutes need no more
HEADER = (
    "| engine | F1 accepted (P, R) | F1 all | raw r | denoised r | deconvolved r | shift px "
    "| wall s | CPU s | memory MB | scratch MB |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Found:
    """What an engine found, in pixels of the raw movie."""

    footprints: Any  # csc (n_pixels, n_cells)
    accepted: np.ndarray
    traces: dict[str, np.ndarray]
    shifts: np.ndarray  # (n_frames, 2), x then y
    block_shifts: np.ndarray | None
    run: Run


@dataclass(frozen=True)
class Case:
    """A simulated recording, converted."""

    options: Any
    nwb: Path
    truth: Path


def make_case(work: Path, **choices: Any) -> Case:
    """Simulate and convert a recording; made once, then found again."""
    from miniscope_nwb.simulate.options import SimulateOptions

    options = SimulateOptions(cameras=0, **choices)
    name = "_".join(f"{key}{value}" for key, value in choices.items())
    raw, nwb = work / f"raw_{name}", work / f"{name}.nwb"
    if not nwb.exists():
        shutil.rmtree(raw, ignore_errors=True)
        given = [text for key, value in choices.items() for text in (f"--{key}", str(value))]
        ours("simulate", raw, "--cameras", "0", "--quiet", *given)
        ours("convert", raw, "-o", nwb, "--quiet")
    return Case(options, nwb, raw / "ground_truth.nwb")


def ours(*arguments: Any) -> None:
    subprocess.run([sys.executable, "-m", "miniscope_nwb", *map(str, arguments)], check=True)


def run_ours(case: Case, work: Path, *options: str) -> Found:
    """Run `process` on a copy of the file, as a user would."""
    import miniscope_nwb

    copy, scratch = work / "ours.nwb", work / "scratch_ours"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    shutil.copyfile(case.nwb, copy)
    run = measure(
        [sys.executable, "-m", "miniscope_nwb", "process", str(copy), "--scratch", str(scratch),
         "--json", *options],
        scratch=scratch, every_s=LOOK_S, with_mapped=False,
    )  # fmt: skip
    with miniscope_nwb.open(copy) as session:
        result = session.run()
        traces = {"raw": "fluorescence", "denoised": "denoised", "deconvolved": "deconvolved"}
        found = Found(
            footprints=result.footprints,
            accepted=result.cells["accepted"].to_numpy(bool),
            traces={name: np.array(result.trace(stored)) for name, stored in traces.items()},
            shifts=np.array(result.shifts_px),
            block_shifts=result.block_shifts_px,
            run=run,
        )
        print(result.timings.to_string(index=False), file=sys.stderr)
    copy.unlink()
    return found


def run_caiman(case: Case, work: Path, python: str) -> Found:
    """Run CaImAn's own pipeline in its own interpreter."""
    import h5py
    from scipy.sparse import csc_array

    folder, movie = work / "caiman", work / "movie.h5"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with h5py.File(case.nwb) as nwb, h5py.File(movie, "w") as file:
        stored = nwb["acquisition/OnePhotonSeries/data"]
        n_frames, width, height = stored.shape
        target = file.create_dataset("mov", (n_frames, height, width), stored.dtype)
        for start in range(0, n_frames, 100):
            target[start : start + 100] = stored[start : start + 100].transpose(0, 2, 1)
    is_piecewise = case.options.level == "nonrigid"
    job = {
        "movie": str(movie), "folder": str(folder), "n_processes": 2,
        "parameters": {**CAIMAN, "pw_rigid": is_piecewise},
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job))
    run = measure(
        [python, str(SCRIPT), str(folder / "job.json")],
        scratch=folder,
        every_s=LOOK_S,
        with_mapped=False,
    )
    with np.load(folder / "result.npz") as saved:
        print(f"CaImAn {saved['version']}: {saved['seconds']}", file=sys.stderr)
        masks = saved["footprints"].reshape(len(saved["footprints"]), -1)
        found = Found(
            footprints=csc_array(masks.T),
            accepted=saved["accepted"],
            traces={name: saved[name] for name in ("raw", "denoised", "deconvolved")},
            shifts=saved["shifts"],
            block_shifts=None,
            run=run,
        )
    shutil.rmtree(folder)
    movie.unlink()
    return found


def shift_error(shifts: np.ndarray, case: Case) -> tuple[float, np.ndarray]:
    """Return the RMS length of the error of the rigid shifts, and their constant offset."""
    import h5py

    with h5py.File(case.truth) as file:
        true = file["processing/ophys/xy_translation/data"][:]
    difference = np.asarray(shifts, float) - true
    offset = np.median(difference, axis=0)
    return float(np.sqrt(((difference - offset) ** 2).sum(axis=1).mean())), offset


def report(name: str, found: Found, case: Case) -> str:
    """Return one row of the table."""
    from miniscope_nwb.testing.score import score, simulated_truth

    truth = simulated_truth(case.options)
    error, offset = shift_error(found.shifts, case)
    place = {"offset_px": (float(offset[0]), float(offset[1]))}
    good = score(found.footprints, truth, traces=found.traces, accepted=found.accepted, **place)
    every = score(found.footprints, truth, **place)
    correlations = " | ".join(
        f"{good.correlation(trace):.3f}" for trace in ("raw", "denoised", "deconvolved")
    )
    run = found.run
    return (
        f"| {name} | {good.f1:.3f} ({good.precision:.2f}, {good.recall:.2f}) | {every.f1:.3f} "
        f"| {correlations} | {error:.3f} | {run.wall_s:.1f} | {run.cpu_s:.1f} "
        f"| {run.peak_held / 1e6:.0f} | {run.peak_scratch / 1e6:.0f} |"
    )


def compare(case: Case, work: Path, *, caiman_python: str, with_engine: bool) -> None:
    """Run every engine on one movie and print the rows and the ratios."""
    mine = run_ours(case, work, "--engine", "builtin")
    print(report("builtin", mine, case), flush=True)
    if not caiman_python:
        return
    theirs = run_caiman(case, work, caiman_python)
    print(report("CaImAn, set by hand", theirs, case), flush=True)
    if with_engine:
        options = [f"caiman.{key}={json.dumps(value)}" for key, value in CAIMAN.items()]
        given = [text for option in options for text in ("-p", option)]
        adapted = run_ours(
            case, work, "--engine", "caiman", "--caiman-python", caiman_python, *given
        )
        print(report("CaImAn inside process", adapted, case), flush=True)
    print(
        f"\nCaImAn over builtin: wall {theirs.run.wall_s / mine.run.wall_s:.1f}, CPU "
        f"{theirs.run.cpu_s / mine.run.cpu_s:.1f}, memory "
        f"{theirs.run.peak_held / max(1, mine.run.peak_held):.1f}\n",
        flush=True,
    )


def lengths(work: Path, minutes: list[int], *, side: int) -> None:
    """Print memory, scratch and speed against the length of a recording."""
    from benchmarks.long_file import repeat_movie

    seed = make_case(work, level="moderate", width=side, height=side, frames=2000, seed=1)
    print("| minutes | frames | frames/s | CPU ms a frame | memory MB | scratch / raw |")
    print("|---|---|---|---|---|---|")
    for length in minutes:
        n_frames = length * 60 * 20
        path, scratch = work / f"long_{length}.nwb", work / "scratch_long"
        repeat_movie(seed.nwb, path, n_frames)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        run = measure(
            [sys.executable, "-m", "miniscope_nwb", "process", str(path), "--engine", "builtin",
             "--scratch", str(scratch), "--max-memory", "4GiB", "--quiet"],
            scratch=scratch, every_s=LOOK_S, with_mapped=False,
        )  # fmt: skip
        print(
            f"| {length} | {n_frames} | {n_frames / run.wall_s:.1f} "
            f"| {1e3 * run.cpu_s / n_frames:.1f} | {run.peak_held / 1e6:.0f} "
            f"| {run.peak_scratch / (n_frames * side**2):.3f} |",
            flush=True,
        )
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for recordings and output")
    parser.add_argument("--caiman-python", default="", help="interpreter that has CaImAn")
    parser.add_argument("--level", action="append", help="levels of the simulator; moderate")
    parser.add_argument("--width", type=int, default=280)
    parser.add_argument("--height", type=int, default=200)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--engines", action="store_true", help="CaImAn inside `process`, too")
    parser.add_argument("--lengths", action="store_true", help="only 10, 30 and 60 minutes")
    parser.add_argument("--side", type=int, default=600, help="of the field of --lengths, px")
    parser.add_argument("--minutes", type=int, action="append", help="other lengths")
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp(prefix="miniscope-nwb-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    if given.lengths:
        lengths(work, given.minutes or [10, 30, 60], side=given.side)
        return
    for level in given.level or ["moderate"]:
        case = make_case(
            work, level=level, width=given.width, height=given.height, frames=given.frames,
            seed=given.seed,
        )  # fmt: skip
        print(f"\n{level}, {given.width}x{given.height}, {given.frames} frames, seed {given.seed}")
        print(HEADER)
        compare(case, work, caiman_python=given.caiman_python, with_engine=given.engines)


if __name__ == "__main__":
    main()
