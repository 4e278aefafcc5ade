"""The first stage: which pixels and frames are processed, and what is taken off them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from miniscope_nwb.engines.base import Resources, Scale
from miniscope_nwb.movie import Movie
from miniscope_nwb.params.models import PreprocessParams
from miniscope_nwb.prepare import brightness as light_of_frames
from miniscope_nwb.prepare import checks, light
from miniscope_nwb.prepare.defects import find_defects
from miniscope_nwb.prepare.movie import CroppedMovie, PreparedMovie
from miniscope_nwb.prepare.sample import PixelStatistics, darkest_picture, pixel_statistics
from miniscope_nwb.prepare.size import (
    STAGE,
    find_diameter,
    given_diameter,
    spatial_factor,
    temporal_factor,
)
from miniscope_nwb.prepare.survey import Survey, survey
from miniscope_nwb.prepare.torn import find_torn
from miniscope_nwb.recording import BoolArray, IntArray
from miniscope_nwb.results import Derived, Prepared

_MUCH_SATURATED = 0.01  # of the samples: worth a word


def prepare(movie: Movie, params: PreprocessParams, scale: Scale, resources: Resources) -> Prepared:
    """Look at the whole recording once and at some of its frames again, and say what to do.

    Parameters
    ----------
    movie
        As recorded.
    params
        What was asked for.
    scale
        Of the **raw** pixels.
    resources
        The trend's pictures go into the scratch folder.

    Returns
    -------
    prepared
        `PreparedMovie` applies it to the raw movie whenever a block is read.

    Raises
    ------
    NwbContentError
        The movie holds nothing that can be processed: too short, constant, dark, saturated, not a
        number, or most frames are unusable.
    ParameterError
        The crop lies outside of the frame, binning leaves too little of it, or the field cannot
        hold cells of the given size.
    """
    crop = check_request(
        params, scale, n_frames=movie.n_frames, height=movie.height, width=movie.width
    )
    cropped = CroppedMovie(movie, crop)
    found = survey(cropped, resources)
    _check_values(cropped, found)
    reasons = _judge_frames(cropped, found, params, resources)
    checks.check_left_out(reasons)
    usable = np.array([not reason for reason in reasons])
    pixels = pixel_statistics(cropped, usable, n_threads=resources.n_threads)
    defects = _find_defects(pixels, params, resources)
    plain = Prepared(
        crop=crop, spatial_factor=1, temporal_factor=1, is_left_out=~usable,
        reason_left_out=reasons, defective_pixels=defects + np.array(crop[:2]), glow=None,
        vignette=None, trend=None, normalise="none", baseline=None,
        brightness=found.brightness.astype(np.float32),
        brightness_steps=light_of_frames.find_steps(found.brightness, movie.clock, usable),
        cell_diameter_px=float("nan"), figures=_figures(cropped, found, reasons, len(defects)),
    )  # fmt: skip
    mended = PreparedMovie(movie, plain)
    diameter_px, basis = find_diameter(
        mended, usable, params=params, scale=scale, n_threads=resources.n_threads
    )
    most = checks.most_binned(height=cropped.height, width=cropped.width)
    sized = _with_sizes(plain, diameter_px, basis, params=params, scale=scale, most_binned=most)
    return _with_light(movie, sized, params, resources)


def check_request(
    params: PreprocessParams, scale: Scale, *, n_frames: int, height: int, width: int
) -> tuple[int, int, int, int]:
    """Refuse what the size of the movie forbids, before a frame is read.

    Parameters
    ----------
    scale
        Of the **raw** pixels.
    n_frames, height, width
        Of the movie as recorded.

    Returns
    -------
    crop
        x0, y0, x1, y1 in ascending order, raw px.

    Raises
    ------
    NwbContentError
        The movie is too short, or its frames are too small.
    ParameterError
        The crop lies outside of the frame, binning leaves too little of it, or the field cannot
        hold cells of the given size or show them.
    """
    checks.check_length(n_frames)
    crop = checks.resolve_crop(params.crop, height=height, width=width)
    field = {"height": crop[3] - crop[1], "width": crop[2] - crop[0]}
    checks.check_binning(params.spatial_factor, **field)
    given = given_diameter(params, scale)
    if given is not None:
        checks.check_cell_fits(given, **field)
        name = "cell_diameter_um" if params.cell_diameter_px is None else "cell_diameter_px"
        checks.check_cell_is_seen(given, params.spatial_factor, name=name)
    return crop


def _check_values(movie: Movie, found: Survey) -> None:
    numbers = np.unique(np.linspace(0, movie.n_frames - 1, 5).round().astype(np.int64))
    few = movie.take(numbers)
    # Cheap first: where the brightness changes, the picture does.
    is_still = np.ptp(found.brightness) == 0 and bool((few == few[0]).all())
    checks.check_values(
        lowest=found.lowest,
        highest=found.highest,
        brightness=found.brightness,
        saturated_share=found.saturated_share,
        is_still=is_still,
        is_integer=bool(np.issubdtype(movie.dtype, np.integer)),
    )


def _judge_frames(
    movie: Movie, found: Survey, params: PreprocessParams, resources: Resources
) -> tuple[str, ...]:
    """Say of each frame why it is left out, "" where it is not."""
    if not params.leave_out_frames:
        return ("",) * movie.n_frames
    if not np.median(found.brightness) > 0:
        resources.say(
            "Warning: the mean brightness is not above 0, as where a background was taken off: "
            "black, flashed and torn frames cannot be told and are not left out."
        )
        return ("",) * movie.n_frames
    is_black = light_of_frames.find_black(found.brightness, found.structure)
    is_flash = light_of_frames.find_flashes(found.brightness, movie.clock, is_black)
    is_torn = find_torn(movie, found, usable=~is_black, n_threads=resources.n_threads)
    reasons = np.select([is_black, is_torn, is_flash], ["black", "torn", "flash"], "")
    return tuple(reasons.tolist())


def _find_defects(
    pixels: PixelStatistics, params: PreprocessParams, resources: Resources
) -> IntArray:
    if not params.mend_pixels:
        return np.empty((0, 2), np.int64)
    defects = find_defects(pixels.mean, pixels.deviation)
    if len(defects):
        resources.say(f"{len(defects)} defective pixels are read from their neighbours.")
    return defects


def _figures(
    movie: Movie, found: Survey, reasons: tuple[str, ...], n_defects: int
) -> dict[str, float]:
    usable = np.array([not reason for reason in reasons])
    slope = light_of_frames.bleaching_per_minute(found.brightness, movie.clock, usable)
    figures = {
        "bleaching_per_minute": slope,
        "saturated_share": found.saturated_share,
        "n_defective_pixels": float(n_defects),
    }
    for reason in ("black", "flash", "torn"):
        figures[f"n_{reason}"] = float(sum(item == reason for item in reasons))
    return figures


def _with_sizes(
    prepared: Prepared,
    diameter_px: float,
    basis: str,
    *,
    params: PreprocessParams,
    scale: Scale,
    most_binned: int,
) -> Prepared:
    """Add the cell's size and the factors that follow from it."""
    factor, by_space = spatial_factor(params, diameter_px, most=most_binned)
    frames, by_time = temporal_factor(params, scale)
    told = Derived(STAGE, "cell_diameter_px", round(diameter_px, 2), basis) if basis else None
    return dataclasses.replace(
        prepared,
        spatial_factor=factor,
        temporal_factor=frames,
        cell_diameter_px=diameter_px / factor,
        derived=_present([told, by_space, by_time]),
    )


def _present(items: Iterable[Derived | None]) -> tuple[Derived, ...]:
    return tuple(item for item in items if item is not None)


def _with_light(
    movie: Movie, prepared: Prepared, params: PreprocessParams, resources: Resources
) -> Prepared:
    """Add what is taken off the brightness, one after the other: each sees what is left."""
    usable: BoolArray = ~prepared.is_left_out
    diameter = prepared.cell_diameter_px
    if prepared.figures["saturated_share"] > _MUCH_SATURATED:
        share = 100 * prepared.figures["saturated_share"]
        resources.say(f"{share:.1f} % of the samples are saturated: their activity is lost.")
    if params.remove_glow:
        seen, n_threads = PreparedMovie(movie, prepared), resources.n_threads
        vignette = light.find_vignette(pixel_statistics(seen, usable, n_threads=n_threads).mean)
        darkest = darkest_picture(seen, usable, n_threads=n_threads)
        glow = light.find_glow(darkest, vignette, diameter_px=diameter)
        prepared = dataclasses.replace(prepared, vignette=vignette, glow=glow)
    seen = PreparedMovie(movie, prepared)
    if params.detrend == "linear":
        trend = light.linear_trend(seen, usable, resources, diameter=diameter)
        prepared = dataclasses.replace(prepared, trend=trend)
    elif params.detrend == "median":
        trend = light.median_trend(
            seen, usable, resources, window_s=params.detrend_window_s, diameter=diameter
        )
        prepared = dataclasses.replace(prepared, trend=trend)
    if params.normalise == "dff":
        seen = PreparedMovie(movie, prepared)
        baseline = light.find_baseline(seen, usable, diameter_px=diameter)
        prepared = dataclasses.replace(prepared, baseline=baseline)
    return dataclasses.replace(prepared, normalise=params.normalise)
