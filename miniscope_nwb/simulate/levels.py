"""How difficult a simulated recording is: the named levels and all that they set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """One level of difficulty. Brightness is in grey levels of the 8-bit movie.

    The page `docs/simulator.md` holds the table of all levels.
    """

    cells_per_mm2: float  # density of cells, those out of focus included
    peak_grey: float  # peak of the transient of three spikes, at the middle of a cell in focus
    noise_grey: float  # standard deviation of the noise at the mean brightness
    out_of_focus_share: float  # cells that are larger, dimmer and blurred, 0 to 1
    overlap_share: float  # cells that are put onto a neighbour on purpose, 0 to 1
    burst_rate_hz: float  # mean rate of bursts of a cell, 1/s
    motion_rms_px: float  # standard deviation of the rigid drift on each axis, pixels
    jerk_rate_hz: float  # fast jerks of the whole field, 1/s
    nonrigid_rms_px: float  # standard deviation of the non-rigid displacement, pixels
    neuropil_grey: float  # standard deviation of the neuropil's activity
    dilation_rms_px: float  # slow widening of the vessels on each side, pixels RMS
    bleaching: float  # share of the brightness that is lost in the end, 0 to 1


LEVELS = {
    "easy": Level(
        cells_per_mm2=250, peak_grey=40, noise_grey=2.5, out_of_focus_share=0.1, overlap_share=0.05,
        burst_rate_hz=0.15, motion_rms_px=1.0, jerk_rate_hz=0.01, nonrigid_rms_px=0.0,
        neuropil_grey=1.5, dilation_rms_px=0.1, bleaching=0.05,
    ),
    "moderate": Level(
        cells_per_mm2=400, peak_grey=25, noise_grey=4.0, out_of_focus_share=0.25,
        overlap_share=0.15, burst_rate_hz=0.15, motion_rms_px=2.0, jerk_rate_hz=0.02,
        nonrigid_rms_px=0.0, neuropil_grey=3.0, dilation_rms_px=0.2, bleaching=0.1,
    ),
    "hard": Level(
        cells_per_mm2=700, peak_grey=14, noise_grey=5.5, out_of_focus_share=0.4, overlap_share=0.3,
        burst_rate_hz=0.2, motion_rms_px=3.0, jerk_rate_hz=0.05, nonrigid_rms_px=0.5,
        neuropil_grey=6.0, dilation_rms_px=0.4, bleaching=0.2,
    ),
    "nonrigid": Level(
        cells_per_mm2=400, peak_grey=25, noise_grey=4.0, out_of_focus_share=0.25,
        overlap_share=0.15, burst_rate_hz=0.15, motion_rms_px=2.0, jerk_rate_hz=0.02,
        nonrigid_rms_px=1.5, neuropil_grey=3.0, dilation_rms_px=0.2, bleaching=0.1,
    ),
    "sparse": Level(
        cells_per_mm2=80, peak_grey=25, noise_grey=4.0, out_of_focus_share=0.2, overlap_share=0.0,
        burst_rate_hz=0.05, motion_rms_px=2.0, jerk_rate_hz=0.02, nonrigid_rms_px=0.0,
        neuropil_grey=3.0, dilation_rms_px=0.2, bleaching=0.1,
    ),
    "noise": Level(
        cells_per_mm2=0, peak_grey=25, noise_grey=5.0, out_of_focus_share=0.0, overlap_share=0.0,
        burst_rate_hz=0.15, motion_rms_px=2.0, jerk_rate_hz=0.02, nonrigid_rms_px=0.0,
        neuropil_grey=3.0, dilation_rms_px=0.2, bleaching=0.1,
    ),
}  # fmt: skip
