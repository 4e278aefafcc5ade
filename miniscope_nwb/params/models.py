"""The parameters of each stage, with their defaults, units and bounds.

None stands for "derived from the movie or from another parameter": what was derived, and from
what, is told by the stage's result and stored beside the run. Lengths are in micrometers (``_um``)
where a person thinks in them; ``_px`` twins win where both are given and serve where the size of a
pixel is not known. Pixels are those of the raw movie.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# No length, duration or ratio is larger: what is was mistyped, and would be infinite for 32 bits.
Positive = Annotated[float, Field(gt=0, le=1e6)]
Threshold = Annotated[float, Field(ge=-1e6, le=1e6)]
# Side of a pixel in the tissue that can be at all; what lies outside is in another unit.
PixelSize = Annotated[float, Field(ge=0.02, le=200)]
# A running window: shorter is noise of single frames, longer is one value for the recording.
Window = Annotated[float, Field(ge=1, le=3600)]
# From faster than any calcium indicator to slower than the slowest, whole cells included.
DecayTime = Annotated[float, Field(ge=0.01, le=30)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Corners = tuple[int, int, int, int]


def _in_order(crop: Corners) -> Corners:
    """Put the upper left corner first: the same part of the field is the same parameter."""
    x0, y0, x1, y1 = crop
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


Crop = Annotated[Corners, AfterValidator(_in_order)]
Indicator = Literal["GCaMP6f", "GCaMP6m", "GCaMP6s", "GCaMP8f", "GCaMP8m", "GCaMP8s", "other"]


class StageParams(BaseModel):
    """Base of the stages' parameters: frozen, and nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PreprocessParams(StageParams):
    """Which pixels and frames are processed, and what is taken off them."""

    crop: Crop | None = Field(None, description="x0, y0, x1, y1 in raw px, corners in any order")
    cell_diameter_um: Positive | None = Field(None, description="diameter of a soma; estimated")
    cell_diameter_px: Positive | None = Field(None, description="the same in raw px")
    pixel_size_um: PixelSize | None = Field(None, description="side of a raw pixel; from the file")
    spatial_factor: int | None = Field(None, ge=1, le=8, description="a soma stays 6 to 8 px wide")
    temporal_factor: int | None = Field(
        None, ge=1, le=16, description="frames averaged to find cells; decay covers 4 means"
    )
    mend_pixels: bool = Field(True, description="read defective pixels from their neighbours")
    leave_out_frames: bool = Field(True, description="leave out torn, black and flashed frames")
    remove_glow: bool = Field(False, description="take off the glow, divide by the vignette")
    detrend: Literal["none", "linear", "median"] = Field("none", description="take off bleaching")
    detrend_window_s: Window = Field(60.0, description="window of the median")
    normalise: Literal["none", "dff", "sqrt"] = Field("none", description="movie dF/F or sqrt(F)")


class MotionParams(StageParams):
    """How frames are brought onto each other."""

    method: Literal["auto", "rigid", "piecewise", "none"] = Field(
        "auto", description="auto: rigid, and piecewise where the block residual is too large"
    )
    max_shift_um: Positive | None = Field(None, description="farthest shift; 20 um or more")
    max_shift_px: Positive | None = Field(None, description="the same in raw px")
    highpass_um: Positive | None = Field(None, description="sigma of the high-pass; cell radius")
    highpass_px: Positive | None = Field(None, description="the same in raw px")
    block_px: int | None = Field(
        None, ge=16, le=10_000, description="from a block to the next, raw px; 48"
    )
    overlap_px: int | None = Field(
        None, ge=0, le=10_000, description="by which blocks are larger, raw px; 24"
    )
    max_deviation_px: Positive = Field(4.0, description="farthest of a block from the rigid shift")
    piecewise_threshold_px: Positive = Field(0.3, description="bending above: piecewise")
    n_template_frames: int = Field(
        400, ge=20, le=1_000_000, description="frames of the bootstrapped template"
    )
    n_template_rounds: int = Field(3, ge=1, le=10, description="rounds of the bootstrap")
    outlier_deviation: Positive = Field(
        6.0, description="an outlier's correlation below the median, robust standard deviations"
    )


class ImagesParams(StageParams):
    """Summary images."""

    n_sample_frames: int = Field(
        3000, ge=100, le=1_000_000, description="frames of correlation and PNR"
    )


class ExtractParams(StageParams):
    """Source extraction (CNMF-E) and deconvolution."""

    indicator: Indicator | None = Field(None, description="sets the decay time; from the file")
    decay_time_s: DecayTime | None = Field(None, description="by indicator, then estimated")
    ar_order: Literal[1, 2] | None = Field(None, description="1 up to 12 Hz, 2 above")
    min_corr: Fraction | None = Field(None, description="of a seed; from a null movie")
    min_pnr: Positive | None = Field(None, description="of a seed; from a null movie")
    n_false_seeds: Positive = Field(1.0, description="false seeds a field that thresholds admit")
    ring_radius_um: Positive | None = Field(None, description="1.5 cell diameters")
    ring_radius_px: Positive | None = Field(None, description="the same in raw px")
    background_factor: int = Field(2, ge=1, le=8, description="binning of the ring model's grid")
    n_background: int = Field(
        0, ge=0, le=100, description="low-rank background components beside the ring"
    )
    merge_threshold: Fraction = Field(0.7, description="correlation of traces of one cell")
    min_distance_um: Positive | None = Field(None, description="of two seeds; a quarter diameter")
    n_rounds: int = Field(2, ge=1, le=20, description="rounds of spatial and temporal updates")
    second_seeding: bool = Field(True, description="seed again on the residual")
    max_cells: int | None = Field(
        None, ge=1, le=1_000_000, description="at most so many components"
    )
    deconvolve: bool = Field(True, description="sparse deconvolution (OASIS)")
    s_min: Threshold | None = Field(None, description="smallest event, noise units; from the noise")


class TracesParams(StageParams):
    """Which traces are made of the components."""

    f0_percentile: Annotated[float, Field(gt=0, lt=100)] = Field(10.0, description="of F0")
    f0_window_s: Window = Field(60.0, description="window of the running percentile of F0")


class QualityParams(StageParams):
    """How components are judged; a threshold of None is not applied."""

    event_enter: Positive = Field(4.0, description="an event must reach this, noise units")
    event_confirm: Positive = Field(2.0, description="an event lasts while above, noise units")
    event_min_s: Positive = Field(0.1, description="shortest event")
    event_refractory_s: Positive = Field(0.2, description="between two events of one cell")
    min_snr: Threshold | None = Field(3.0, description="lowest SNR")
    min_r_value: Threshold | None = Field(None, description="lowest spatial r-value")
    min_event_correlation: Threshold | None = Field(0.5, description="lowest of the event image")
    least_r_value: Threshold | None = Field(0.5, description="lowest r-value beside an event image")
    min_lone_r_value: Threshold | None = Field(0.7, description="lowest where no event image is")
    max_relative_area: Threshold | None = Field(1.9, description="largest area, in the run's own")
    min_relative_area: Threshold | None = Field(0.5, description="smallest area, in the run's own")
    max_event_area: Threshold | None = Field(
        2.2, description="largest of what events light, the same"
    )
    soft_edge: Threshold | None = Field(
        0.25, description="edge wider than the cells' by: soft; radii"
    )
    soft_event_correlation: Threshold = Field(0.8, description="soft and lower: noise")
    soft_relative_area: Positive = Field(1.2, description="soft and larger: out of focus")
    soft_event_area: Positive = Field(1.5, description="soft, its events light more: the same")
    soft_diameter_um: Positive | None = Field(None, description="all soft and wider: none is one")
    max_motion_correlation: Threshold | None = Field(0.7, description="largest, trace with motion")
    max_inverted_share: Threshold | None = Field(None, description="inverted events, in the events")
    twin_overlap: Fraction = Field(0.5, description="cosine of two masks on one cell, above")
    twin_correlation: Fraction = Field(0.7, description="the same of their traces")
    piece_overlap: Fraction = Field(0.35, description="cosine with a better cell of its piece")
    piece_edge: Threshold | None = Field(
        0.2, description="of a piece, wider than the cells' by; radii"
    )
    use_cnn: bool = Field(False, description="CaImAn's network, where it is present")
    min_cnn: Fraction = Field(0.5, description="lowest score where the network is used")
    n_event_images: int = Field(30, ge=1, le=500, description="events of an event image")


class Parameters(StageParams):
    """All parameters of a run, a section a stage."""

    preprocess: PreprocessParams = PreprocessParams()
    motion: MotionParams = MotionParams()
    images: ImagesParams = ImagesParams()
    extract: ExtractParams = ExtractParams()
    traces: TracesParams = TracesParams()
    quality: QualityParams = QualityParams()
    caiman: dict[str, Any] = Field({}, description="passed to CaImAn under its own names")
