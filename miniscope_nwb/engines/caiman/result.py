"""What the worker wrote, put together to our record of the extraction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import ExtractInput, Resources
from miniscope_nwb.engines.caiman.components import (
    SCORES,
    footprints_of,
    low_rank_of,
    matrix_of,
    reasons_of,
    ring_of,
    write_traces,
)
from miniscope_nwb.engines.caiman.timeline import Timeline
from miniscope_nwb.results import Derived, ExtractionResult


def to_extraction_result(
    job: ExtractInput,
    folder: Path,
    timeline: Timeline,
    resources: Resources,
    *,
    parameters: Mapping[str, Any],
    derived: tuple[Derived, ...],
    versions: dict[str, str],
) -> ExtractionResult:
    """Translate the estimates that lie in `folder`.

    Footprints are cut to the pixels that were seen in nearly all frames; a component of which
    nothing is left by that is dropped.
    """
    height, width = job.movie.height, job.movie.width
    with np.load(folder / "estimates.npz") as stored:
        arrays = dict(stored)
    footprints, factors = footprints_of(
        matrix_of(arrays, "A"), height=height, width=width, region=job.images.region
    )
    kept = np.flatnonzero(factors > 0)
    n_found, n_kept = len(factors), len(kept)
    if n_kept < n_found:
        resources.say(
            f"{n_found - n_kept} of CaImAn's components lie where the sensor did not see in most "
            "frames and are dropped."
        )
    traces = _traces(job, folder, timeline, resources, kept, factors[kept])
    return ExtractionResult(
        height=height,
        width=width,
        footprints=footprints[:, kept],
        **traces,
        baseline=_scaled(arrays, "bl", kept, factors),
        noise=_scaled(arrays, "neurons_sn", kept, factors),
        kernel=_kernels(arrays, kept),
        background=_background(arrays, timeline, height, width, parameters),
        pixel_noise=_image(arrays.get("sn"), height, width),
        **_decision(arrays, kept, parameters),
        n_seeds=n_found,
        emptied_by="" if n_found else _thresholds(parameters),
        derived=derived,
        versions=versions,
    )


def _traces(
    job: ExtractInput,
    folder: Path,
    timeline: Timeline,
    resources: Resources,
    kept: Any,
    factors: Any,
) -> dict[str, Any]:
    """Write C, S and C + YrA at the recorded frames into mapped files."""
    names = {name: folder / f"{name}.npy" for name in ("C", "S", "YrA")}
    stored = {name: np.load(path, mmap_mode="r") for name, path in names.items() if path.exists()}

    def part(name: str) -> Any:
        none = np.zeros((1, timeline.n_handed), np.float32)
        if name not in stored:
            return lambda start, stop: np.repeat(none, stop - start, axis=0)
        return lambda start, stop: np.asarray(stored[name][kept[start:stop]])

    activity, residual = part("C"), part("YrA")

    def demixed(start: int, stop: int) -> Any:
        return activity(start, stop) + residual(start, stop)

    scratch, frames = resources.scratch, timeline.place
    return {
        "denoised": write_traces(scratch / "denoised.npy", activity, factors, frames),
        "deconvolved": write_traces(scratch / "deconvolved.npy", part("S"), factors, frames),
        "raw": write_traces(scratch / "raw.npy", demixed, factors, frames, job.is_left_out),
    }


def _decision(
    arrays: Mapping[str, Any], kept: Any, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return CaImAn's scores, and what it accepted by them and why, where it was asked to."""
    scores = {
        ours: np.asarray(arrays[theirs], np.float64)[kept]
        for theirs, ours in SCORES.items()
        if theirs in arrays
    }
    accepted = arrays["accepted"][kept] if "accepted" in arrays else None
    reasons = () if accepted is None else reasons_of(accepted, scores, parameters["quality"])
    return {"scores": scores, "engine_accepted": accepted, "engine_reasons": reasons}


def _thresholds(parameters: Mapping[str, Any]) -> str:
    init = parameters["init"]
    return f"min_corr of {init['min_corr']:g} and min_pnr of {init['min_pnr']:g}"


def _scaled(arrays: Mapping[str, Any], name: str, kept: Any, factors: Any) -> Any:
    """Return a number a component, in grey levels; NaN where CaImAn did not compute it."""
    if name not in arrays:
        return np.full(len(kept), np.nan, np.float32)
    return (np.asarray(arrays[name])[kept] * factors[kept]).astype(np.float32)


def _kernels(arrays: Mapping[str, Any], kept: Any) -> Any:
    if "g" not in arrays:
        return np.zeros((len(kept), 0), np.float32)
    return np.asarray(arrays["g"], np.float32)[kept]


def _image(values: Any, height: int, width: int) -> Any:
    if values is None or np.size(values) != height * width:
        return None
    return np.asarray(values, np.float32).reshape((height, width), order="F")


def _background(
    arrays: Mapping[str, Any],
    timeline: Timeline,
    height: int,
    width: int,
    parameters: Mapping[str, Any],
) -> Any:
    if "W_data" in arrays:
        init = parameters["init"]
        factor = int(init["ssub_B"])
        radius = round(init["ring_size_factor"] * init["gSiz"][0] / factor) * factor
        weights = matrix_of(arrays, "W")
        return ring_of(weights, arrays["b0"], height=height, width=width, radius_px=float(radius))
    if "b" in arrays and arrays["b"].size:
        traces = np.asarray(arrays["f"])[:, timeline.place]
        return low_rank_of(arrays["b"], traces, height=height, width=width)
    return None
