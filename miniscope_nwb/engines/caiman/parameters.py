"""Our parameters in CaImAn's names and units, each with what it was derived from.

CaImAn's defaults are for two-photon data; these are for one photon. What the user passes under
CaImAn's own names (section ``caiman`` of the parameters) wins over everything here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from miniscope_nwb.deconvolve.times import decay_of
from miniscope_nwb.engines.base import ExtractInput, MotionInput, Scale
from miniscope_nwb.params.models import ExtractParams
from miniscope_nwb.recording import Json
from miniscope_nwb.results import Derived

STAGE = "caiman"
DIAMETER_PER_SIGMA = 2.5  # a Gaussian fits a soma of 2.5 sigma; as in our own spatial filter
RING_DIAMETERS = 1.5  # nearer, the ring eats the cells
PATCH_DIAMETERS, MIN_PATCH_RADIUS_PX = 4.0, 40
OVERLAP_DIAMETERS = 1.5
MAX_SHIFT_UM, MAX_SHIFT_SHARE, MAX_SHIFT_PX = 20.0, 0.1, (5.0, 20.0)
BLOCK_STRIDE_PX, BLOCK_OVERLAP_PX = 48, 24
AR2_ABOVE_HZ = 12.0  # below, the rise of the calcium falls into one frame
MIN_CORR, MIN_PNR = 0.8, 10.0
MIN_SNR, MIN_R_VALUE = 3.0, 0.85


class CaimanValues:
    """CaImAn's parameters by group and name, and where each value comes from."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self._basis: dict[tuple[str, str], str] = {}

    def put(self, group: str, basis: str, **values: Any) -> None:
        """Set parameters of a group; `basis` says what they were derived from."""
        for name, value in values.items():
            self.values.setdefault(group, {})[name] = value
            self._basis[group, name] = basis

    def derived(self, extra: Mapping[str, Any]) -> tuple[Derived, ...]:
        """Return the values as records, without those that the user passed."""
        given = set(extra)
        given |= {
            f"{group}.{name}" for group, d in extra.items() if isinstance(d, Mapping) for name in d
        }
        return tuple(
            Derived(STAGE, f"{group}.{name}", _plain(self.values[group][name]), basis)
            for (group, name), basis in self._basis.items()
            if not {name, f"{group}.{name}"} & given
        )


def decay_s(params: ExtractParams, scale: Scale) -> tuple[float, str]:
    """Return the decay time of the indicator in seconds, and where it comes from."""
    if params.decay_time_s is not None:
        return params.decay_time_s, "extract.decay_time_s"
    return decay_of(params.indicator or scale.indicator)


def motion_values(job: MotionInput, *, is_piecewise: bool) -> CaimanValues:
    """Derive CaImAn's parameters of the motion correction."""
    found, params, factor = CaimanValues(), job.params, job.prepared.spatial_factor
    diameter = job.prepared.cell_diameter_px
    sigma = job.scale.px(params.highpass_um, params.highpass_px, factor=factor)
    basis = "motion.highpass" if sigma is not None else f"cell diameter of {diameter:.1f} px / 2.5"
    sigma_px = max(1, round(sigma if sigma is not None else diameter / DIAMETER_PER_SIGMA))
    found.put("motion", basis, gSig_filt=[sigma_px, sigma_px])
    farthest = max_shift_px(job)
    found.put("motion", "motion.max_shift, else 20 um", max_shifts=[farthest, farthest])
    found.put("motion", "motion.method", pw_rigid=is_piecewise)
    stride = params.block_px if params.block_px is not None else BLOCK_STRIDE_PX * factor
    overlap = params.overlap_px if params.overlap_px is not None else BLOCK_OVERLAP_PX * factor
    strides, overlaps = [], []
    for size in (job.movie.height, job.movie.width):  # a block must be smaller than the field
        step = min(max(1, round(stride / factor)), size // 2)
        strides.append(step)
        overlaps.append(min(round(overlap / factor), size - 1 - step))
    found.put("motion", "motion.block_px and overlap_px", strides=strides, overlaps=overlaps)
    deviation = max(1, round(params.max_deviation_px / factor))
    found.put("motion", "motion.max_deviation_px", max_deviation_rigid=deviation)
    found.put("motion", "one-photon data", border_nan="copy", shifts_opencv=True, nonneg_movie=True)
    found.put("data", "measured", fr=job.scale.rate_hz)
    return found


def max_shift_px(job: MotionInput) -> int:
    """Return the farthest shift in whole prepared pixels."""
    params = job.params
    found = job.scale.px(
        params.max_shift_um, params.max_shift_px, factor=job.prepared.spatial_factor
    )
    if found is None and math.isfinite(job.scale.pixel_size_um):
        low, high = MAX_SHIFT_PX
        found = min(max(MAX_SHIFT_UM / job.scale.pixel_size_um, low), high)
    if found is None:
        low, high = MAX_SHIFT_PX
        found = min(max(MAX_SHIFT_SHARE * min(job.movie.height, job.movie.width), low), high)
    return max(1, math.ceil(found))


def extract_values(job: ExtractInput) -> CaimanValues:
    """Derive CaImAn's parameters of the extraction and the evaluation."""
    found, params = CaimanValues(), job.params
    diameter = job.images.cell_diameter_px
    seconds, basis = decay_s(params, job.scale)
    found.put("data", "measured", fr=job.scale.rate_hz)
    found.put("data", basis, decay_time=seconds)
    sigma = max(2, round(diameter / DIAMETER_PER_SIGMA))
    window = 4 * sigma + 1
    of_cells = f"cell diameter of {diameter:.1f} px"
    found.put("init", of_cells, gSig=[sigma, sigma], gSiz=[window, window])
    _put_ring(found, job, window)
    _put_patches(found, job, diameter)
    found.put(
        "init",
        "one-photon data",
        method_init="corr_pnr", center_psf=True, normalize_init=False, K=params.max_cells,
    )  # fmt: skip
    corr = params.min_corr if params.min_corr is not None else MIN_CORR
    pnr = params.min_pnr if params.min_pnr is not None else MIN_PNR
    found.put("init", "extract.min_corr, else the usual one", min_corr=corr)
    found.put("init", "extract.min_pnr, else the usual one", min_pnr=pnr)
    found.put("init", "preprocess", ssub=1, tsub=job.prepared.temporal_factor)
    usual_order = 1 if job.scale.rate_hz <= AR2_ABOVE_HZ else 2
    order: int = (params.ar_order or usual_order) if params.deconvolve else 0
    basis = f"{job.scale.rate_hz:.1f} frames/s"
    found.put("preprocess", basis, p=order)
    found.put("temporal", basis, p=order, method_deconvolution="oasis")
    if params.s_min is not None:  # below 0 it is in units of the noise there
        found.put("temporal", "extract.s_min", s_min=-abs(params.s_min))
    found.put("merging", "extract.merge_threshold", merge_thr=params.merge_threshold)
    _put_quality(found, job)
    if job.seeds is not None:
        _put_masks(found, params)
    return found


def _put_ring(found: CaimanValues, job: ExtractInput, window: int) -> None:
    params, diameter = job.params, job.images.cell_diameter_px
    given = job.scale.px(
        params.ring_radius_um, params.ring_radius_px, factor=job.prepared.spatial_factor
    )
    radius = given if given is not None else RING_DIAMETERS * diameter
    # CaImAn multiplies its factor by the window of a cell, not by the diameter.
    found.put("init", f"ring radius of {radius:.1f} px", ring_size_factor=radius / window)
    found.put("init", "extract.background_factor", ssub_B=params.background_factor)
    found.put("init", "extract.n_background", nb=params.n_background)
    found.put("patch", "ring model", nb_patch=params.n_background, low_rank_background=None)


def _put_patches(found: CaimanValues, job: ExtractInput, diameter: float) -> None:
    """Cut the field into patches where it is larger than one of them."""
    radius = max(MIN_PATCH_RADIUS_PX, math.ceil(PATCH_DIAMETERS * diameter))
    basis = f"cell diameter of {diameter:.1f} px"
    if max(job.movie.height, job.movie.width) <= 2 * radius:
        found.put("patch", "the field is one patch", rf=None)
    else:
        overlap = math.ceil(OVERLAP_DIAMETERS * diameter)
        found.put("patch", basis, rf=radius, stride=overlap)
    found.put("patch", "one-photon data", only_init=True, del_duplicates=True, border_pix=0)


def _put_quality(found: CaimanValues, job: ExtractInput) -> None:
    quality = job.quality
    snr = quality.min_snr if quality.min_snr is not None else MIN_SNR
    r_value = quality.min_r_value if quality.min_r_value is not None else MIN_R_VALUE
    found.put("quality", "quality.min_snr, else for one photon", min_SNR=snr)
    found.put("quality", "quality.min_r_value, else for one photon", rval_thr=r_value)
    found.put("quality", "quality.use_cnn", use_cnn=quality.use_cnn, min_cnn_thr=quality.min_cnn)


def _put_masks(found: CaimanValues, params: ExtractParams) -> None:
    """With given masks CaImAn takes the whole field at once and a background of low rank."""
    found.put("patch", "given masks", rf=None, only_init=False)
    found.put("init", "given masks", nb=max(1, params.n_background))


def _plain(value: Any) -> Json:
    return value  # type: ignore[no-any-return] # numbers, texts and lists of them
