"""What the opponents' own documentation recommends for a movie whose cell size is known.

CaImAn 1.12.1: the one-photon demo (`demos/general/params_demo_pipeline_cnmfE.json` and
`demo_pipeline_cnmfE.ipynb`). minian 2.0.2: `minian/notebooks/pipeline/pipeline.ipynb`. Values that
their texts tie to the size of cells are scaled to it; the rate, the decay and the largest motion
are those of the movie; everything else is theirs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.movies import BenchMovie

GRID_FILE = Path(__file__).with_name("caiman_grid.json")
_FWHM = 2.355  # full width at half maximum of a Gaussian, over its sigma
_MOST_SHIFT_PX = 20  # the movies move up to 9 px in jerks; the demo's 5 px would cut them off


def caiman_parameters(movie: BenchMovie) -> dict[str, Any]:
    """Return the parameters of CaImAn's demo, scaled to the cells of the movie."""
    diameter = movie.cell_diameter_px
    return {
        **_widths(diameter),
        # data and motion
        "fr": movie.rate_hz, "decay_time": movie.decay_s, "pw_rigid": movie.is_bending,
        "max_shifts": [_MOST_SHIFT_PX, _MOST_SHIFT_PX], "strides": [48, 48],
        "overlaps": [24, 24], "max_deviation_rigid": 3, "border_nan": "copy",
        "method_init": "corr_pnr", "K": None, "ssub": 1, "tsub": 2, "nb": 0, "min_corr": 0.8,
        "min_pnr": 10, "normalize_init": False, "center_psf": True, "ssub_B": 2,
        "ring_size_factor": 1.4, "p": 1, "method_deconvolution": "oasis",
        "update_background_components": True,
        # "rf should be at least 3-4 times larger than the neuron diameter", "stride at least it"
        "rf": max(40, round(4 * diameter)), "stride": max(20, round(diameter)),
        "only_init": True, "nb_patch": 0, "low_rank_background": None, "del_duplicates": True,
        "merge_thr": 0.7, "min_SNR": 2.5, "rval_thr": 0.85, "use_cnn": False,
    }  # fmt: skip


def _widths(diameter: float) -> dict[str, Any]:
    """Return what says how wide a cell is.

    "gSig is roughly the half-width of neurons", "the standard deviation of the Gaussian".
    """
    sigma = max(2, round(diameter / _FWHM))
    widest = 4 * sigma + 1
    return {"gSig": [sigma, sigma], "gSiz": [widest, widest], "gSig_filt": [sigma, sigma]}


def caiman_grid(movie: BenchMovie) -> list[dict[str, Any]]:
    """Return the points of the published grid: what to tune, as CaImAn's notebook names it.

    A point has a ``name`` and the ``changes`` of the parameters that are recommended for the movie.
    """
    points = []
    for point in json.loads(GRID_FILE.read_text(encoding="utf-8"))["points"]:
        times = point.get("cell_width_times")
        widths = _widths(times * movie.cell_diameter_px) if times else {}
        points.append({"name": point["name"], "changes": widths | point["changes"]})
    return points


def minian_parameters(movie: BenchMovie) -> dict[str, Any]:
    """Return the parameters of minian's notebook, scaled to the cells of the movie."""
    diameter = movie.cell_diameter_px
    # "largest cell": brightness falls off softly, so the largest expected one is half as wide again
    largest = 1.5 * diameter
    update = {"noise_freq": 0.06, "sparse_penal": 1, "p": 1, "add_lag": 20}
    area = (25, None)  # the notebook's least area, in pixels
    return {
        # "approximately half the diameter of the largest cell", odd
        "denoise": {"method": "median", "ksize": max(3, 2 * int(largest / 4) + 1)},
        # "wnd: the largest expected radius of cell", "pragmatically wnd=15 works well"
        "background": {"method": "tophat", "wnd": 15},
        "motion": {"dim": "frame"},
        # "max_wnd should be the radius of the largest cell you want to detect"
        "seeds": {"wnd_size": 1000, "method": "rolling", "stp_size": 500,
                  "max_wnd": max(4, round(largest)), "diff_thres": 3},
        "pnr": {"noise_freq": 0.06, "thres": 1},
        "ks": {"sig": 0.05},
        # "keep thres_dist small to avoid over-merging": within one cell
        "seeds_merge": {"thres_dist": max(3, round(diameter)), "thres_corr": 0.8,
                        "noise_freq": 0.06, "chunk": 600},
        "initialize": {"thres_corr": 0.8, "wnd": max(10, round(largest)), "noise_freq": 0.06,
                       "chunk": 600},
        "merge": {"thres_corr": 0.8, "chunk": 600},
        "noise": {"noise_range": (0.06, 0.5)},
        "spatial": {"dl_wnd": 10, "sparse_penal": 0.01, "size_thres": area},
        "temporal_first": {**update, "jac_thres": 0.2},
        "temporal_second": {**update, "jac_thres": 0.4},
    }  # fmt: skip
