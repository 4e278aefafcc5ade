"""Results that CaImAn computed elsewhere and saved, as our records.

Read by their layout with h5py alone; tested on files of 1.8, 1.11 and 1.12. Background ring or of
low rank, evaluated or not, components rejected or discarded, motion where it was stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from miniscope_nwb.engines.base import Resources
from miniscope_nwb.engines.caiman.components import (
    SCORES,
    footprints_of,
    low_rank_of,
    reasons_of,
    ring_of,
    write_traces,
)
from miniscope_nwb.engines.caiman.saved_file import SavedFile
from miniscope_nwb.engines.caiman.saved_motion import saved_motion
from miniscope_nwb.errors import EngineError
from miniscope_nwb.recording import BoolArray, FloatArray, Json
from miniscope_nwb.results import Derived, ExtractionResult, MotionResult

STAGE = "caiman"
DISCARDED = "CaImAn: discarded there"
MAD_PER_SIGMA = 0.6745  # of a normal distribution


@dataclass(frozen=True, slots=True)
class SavedResults:
    """What a results file of CaImAn holds."""

    extraction: ExtractionResult
    motion: MotionResult | None  # None where the file has no shifts
    parameters: dict[str, dict[str, Json]]
    version: str  # of the CaImAn that wrote it, "" where it does not say
    notes: tuple[str, ...]  # what was missing and what was put in its place


def read_saved(
    path: Path, *, height: int, width: int, n_frames: int, resources: Resources
) -> SavedResults:
    """Read results that CaImAn's ``cnm.save`` wrote.

    Components that were discarded in CaImAn, but kept in the file, come back as rejected ones
    after all others.

    Parameters
    ----------
    path
        The HDF5 file.
    height, width, n_frames
        Size of the movie that they must belong to.
    resources
        Traces are written into its scratch folder.

    Raises
    ------
    EngineError
        If it is no such file, or belongs to another movie.
    """
    with SavedFile(path) as file:
        _check_size(file, height, width, n_frames)
        notes: list[str] = []
        groups = ["estimates"]
        if _has_discarded(file, height * width, n_frames, notes):
            groups.append("estimates/discarded_components")
        parameters = file.parameters()
        version = str(file.value("params/data/caiman_version") or "")
        versions = {"engine": f"caiman {version or 'of unknown version'}"}
        scores = _scores(file, groups)
        accepted, reasons = _decision(file, groups, scores, parameters)
        found = ExtractionResult(
            height=height,
            width=width,
            **_components(file, groups, height, width, n_frames, resources, notes),
            background=_background(file, height, width, n_frames, parameters, notes),
            pixel_noise=_image(file, height, width),
            scores=scores,
            engine_accepted=accepted,
            engine_reasons=reasons,
            derived=(Derived(STAGE, "parameters", {**parameters}, f"stored in {path.name}"),),
            versions=versions,
        )
        motion = saved_motion(file, parameters, height, width, n_frames, versions, notes)
    return SavedResults(found, motion, parameters, version, tuple(notes))


def _check_size(file: SavedFile, height: int, width: int, n_frames: int) -> None:
    dims = file.value("estimates/dims")
    dims = file.value("dims") if dims is None else dims
    dims = file.value("params/data/dims") if dims is None else dims
    traces = file.array("estimates/C")
    masks = file.sparse("estimates/A")
    if dims is None or np.size(dims) != 2 or masks is None or traces is None or traces.ndim != 2:
        raise EngineError(
            f"{file.path.name}: holds no footprints A, no traces C, or not the two sides of a "
            "field (dims); only results of two-dimensional movies can be imported."
        )
    rows, columns = (int(n) for n in np.ravel(dims))
    found = (rows, columns, traces.shape[1])
    if found != (height, width, n_frames) or masks.shape[0] != rows * columns:
        raise EngineError(
            f"{file.path.name}: holds results of {traces.shape[1]} frames of {rows} x {columns} "
            f"pixels (height x width), but the movie has {n_frames} frames of {height} x {width}: "
            "name the results of this recording, or give --crop as it was used there."
        )


def _has_discarded(file: SavedFile, n_pixels: int, n_frames: int, notes: list[str]) -> bool:
    """Say whether the components that were discarded are stored whole."""
    group = "estimates/discarded_components"
    traces = file.array(f"{group}/C")
    masks = file.sparse(f"{group}/A")
    if traces is None or masks is None or traces.ndim != 2 or traces.shape[0] == 0:
        return False
    if masks.shape == (n_pixels, traces.shape[0]) and traces.shape[1] == n_frames:
        return True
    notes.append("Its discarded components are incomplete and are left out.")
    return False


def _n_cells(file: SavedFile, group: str) -> int:
    return int(file.sparse(f"{group}/A").shape[1])


def _components(
    file: SavedFile,
    groups: list[str],
    height: int,
    width: int,
    n_frames: int,
    resources: Resources,
    notes: list[str],
) -> dict[str, Any]:
    from scipy.sparse import hstack

    masks = hstack([file.sparse(f"{group}/A") for group in groups], format="csc")
    footprints, factors = footprints_of(masks, height=height, width=width, region=None)
    counts = [_n_cells(file, group) for group in groups]

    def rows(*names: str) -> Any:
        return partial(_rows, file, names, dict(zip(groups, counts, strict=True)), n_frames)

    residual = "YrA" if file.array("estimates/YrA") is not None else "R"
    if file.array(f"estimates/{residual}") is None:
        notes.append("It holds no residuals: its fluorescence is the denoised one.")
    every, scratch = np.arange(n_frames), resources.scratch
    raw = write_traces(scratch / "raw.npy", rows("C", residual), factors, every)
    baseline, noise = _levels(file, groups, raw, factors, notes)
    return {
        "footprints": footprints,
        "denoised": write_traces(scratch / "denoised.npy", rows("C"), factors, every),
        "deconvolved": write_traces(scratch / "deconvolved.npy", rows("S"), factors, every),
        "raw": raw,
        "baseline": baseline,
        "noise": noise,
        "kernel": _kernels(file, groups, counts),
    }


def _rows(
    file: SavedFile,
    names: tuple[str, ...],
    counts: dict[str, int],
    n_frames: int,
    start: int,
    stop: int,
) -> Any:
    """Return the sums of traces of some names, of components [start, stop) over all groups.

    ``counts`` holds the components of each group; where none of the names is stored, it is NaN.
    """
    parts = [np.zeros((0, n_frames), np.float32)]
    first = 0
    for group, count in counts.items():
        low, high = np.clip([start - first, stop - first], 0, count)
        stored = [file.array(f"{group}/{name}") for name in names]
        known = [item[low:high].astype(np.float32) for item in stored if item is not None]
        parts.append(sum(known) if known else np.full((high - low, n_frames), np.nan, np.float32))
        first += count
    return np.concatenate(parts)


def _levels(
    file: SavedFile, groups: list[str], raw: Any, factors: FloatArray, notes: list[str]
) -> tuple[Any, Any]:
    """Baseline and noise of each component; measured on its trace where they are not stored."""
    stored = [_joined(file, groups, name) for name in ("bl", "neurons_sn")]
    baseline, noise = (np.full(len(factors), np.nan) if v is None else v * factors for v in stored)
    missing = np.flatnonzero(~np.isfinite(baseline) | ~np.isfinite(noise))
    for cell in missing.tolist():
        trace = np.asarray(raw[cell], np.float64)
        steps = np.diff(trace)
        baseline[cell] = np.median(trace)
        noise[cell] = np.median(np.abs(steps - np.median(steps))) / MAD_PER_SIGMA / np.sqrt(2)
    if len(missing):
        notes.append(
            f"Baseline and noise of {len(missing)} components are not stored and were measured."
        )
    return baseline.astype(np.float32), noise.astype(np.float32)


def _joined(file: SavedFile, groups: list[str], name: str) -> FloatArray | None:
    """Return a number a component over all groups; NaN where one group has none."""
    parts = []
    for group in groups:
        n = _n_cells(file, group)
        values = file.numbers(f"{group}/{name}", n)
        parts.append(np.full(n, np.nan) if values is None else values)
    joined = np.concatenate(parts)
    return joined if np.isfinite(joined).any() or np.isinf(joined).any() else None


def _kernels(file: SavedFile, groups: list[str], counts: list[int]) -> Any:
    stored = [file.array(f"{group}/g") for group in groups]
    usable = [
        None if g is None or len(g) != n else np.asarray(g[()]).reshape(n, -1)
        for g, n in zip(stored, counts, strict=True)
    ]
    order = max((g.shape[1] for g in usable if g is not None and g.dtype.kind == "f"), default=0)
    out = np.zeros((sum(counts), order), np.float32)
    first = 0
    for g, n in zip(usable, counts, strict=True):
        if g is not None and g.dtype.kind == "f" and n:
            out[first : first + n, : g.shape[1]] = g
        first += n
    return out


def _scores(file: SavedFile, groups: list[str]) -> dict[str, FloatArray]:
    found = {ours: _joined(file, groups, theirs) for theirs, ours in SCORES.items()}
    return {name: values for name, values in found.items() if values is not None}


def _decision(
    file: SavedFile, groups: list[str], scores: dict[str, FloatArray], parameters: dict[str, Any]
) -> tuple[BoolArray | None, tuple[str, ...]]:
    """Return what CaImAn decided and why; None where it was never asked to."""
    counts = [_n_cells(file, group) for group in groups]
    n_kept, n_discarded = counts[0], sum(counts[1:])
    chosen = file.value("estimates/idx_components")
    if chosen is None and not n_discarded:
        return None, ()
    accepted = np.zeros(n_kept + n_discarded, np.bool_)
    if chosen is None:
        accepted[:n_kept] = True
        reasons = ("CaImAn: kept when others were discarded",) * n_kept
    else:
        accepted[np.asarray(chosen, np.int64)] = True
        quality = parameters.get("quality", {})
        reasons = reasons_of(accepted[:n_kept], scores, quality)
    return accepted, (*reasons, *(DISCARDED,) * n_discarded)


def _background(
    file: SavedFile,
    height: int,
    width: int,
    n_frames: int,
    parameters: dict[str, Any],
    notes: list[str],
) -> Any:
    weights, b0 = file.sparse("estimates/W"), file.array("estimates/b0")
    init = parameters.get("init", {})
    if weights is not None and b0 is not None and len(b0) == height * width:
        factor, window = init.get("ring_size_factor"), init.get("gSiz")
        known = factor is not None and window is not None
        radius = float(factor) * float(np.ravel(window)[0]) if known else float("nan")
        return ring_of(weights, b0[()], height=height, width=width, radius_px=radius)
    images, traces = file.sparse("estimates/b"), file.array("estimates/f")
    if images is not None and traces is not None and traces.shape[-1] == n_frames:
        return low_rank_of(images.toarray(), np.atleast_2d(traces[()]), height=height, width=width)
    notes.append("It holds no background.")
    return None


def _image(file: SavedFile, height: int, width: int) -> Any:
    noise = file.array("estimates/sn")
    if noise is None or noise.size != height * width:
        return None
    return np.asarray(noise[()], np.float32).reshape((height, width), order="F")
