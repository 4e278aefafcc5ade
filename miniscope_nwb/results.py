"""The records that flow through the processing, from the raw movie to the tables of the NWB file.

    raw movie -> Prepared -> MotionResult -> SummaryImages -> ExtractionResult -> Traces -> Quality

All engines give the same records, and the NWB writer knows only these. Images are (height, width),
positions and shifts are (x, y): x grows to the right, y downward. Pixels are those of the
**prepared** movie (cropped and downsampled) up to the traces; `Prepared` says how they lie in the
raw movie. Arrays of cells x frames are memory maps in the scratch folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray, Json

FloatImage = npt.NDArray[np.float32]  # (height, width)
Float32 = npt.NDArray[np.float32]
Sparse = Any  # scipy.sparse.csc_array, float32

MaskType = Literal["soma", "axon", "dendrite", "neuropil", "artefact", "unknown"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A parameter's value that nobody gave: it was derived, and from what is told."""

    stage: str
    parameter: str
    value: Json
    basis: str  # "1.5 cell diameters of 7.4 px", "null movie: 1 false seed a field"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the preprocessing found and how it changes the frames; pixels of the raw movie."""

    crop: tuple[int, int, int, int]  # x0, y0, x1, y1: first and after the last, raw px
    spatial_factor: int  # raw pixels a prepared pixel, on each axis
    temporal_factor: int  # frames that the extraction may average; traces come at the full rate
    is_left_out: BoolArray  # (n_frames,): torn, black, flashed
    reason_left_out: tuple[str, ...]  # "" or "black", "flash", "torn"; one a frame
    defective_pixels: IntArray  # (n, 2): x, y in the raw movie; read from their neighbours
    glow: FloatImage | None  # light that no tissue sent back, taken off; prepared px
    vignette: FloatImage | None  # relative brightness, divided out; prepared px
    trend: Trend | None  # bleaching, taken off
    normalise: Literal["none", "dff", "sqrt"]
    baseline: FloatImage | None  # per-pixel baseline of the movie dF/F
    brightness: Float32  # (n_frames,): mean of each raw frame
    brightness_steps: IntArray  # frames at which the brightness jumps
    cell_diameter_px: float  # a first estimate, prepared px; the summary images refine it
    derived: tuple[Derived, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)  # bleaching slope, saturated share


@dataclass(frozen=True, slots=True)
class Trend:
    """A slow change of each pixel, linear in time between knots, taken off the prepared frames."""

    times_s: FloatArray  # (n_knots,)
    images: Float32  # (n_knots, height, width): deviation from the mean over the recording


@dataclass(frozen=True, slots=True)
class MotionBlocks:
    """Blocks of piecewise-rigid correction, row by row; stops are exclusive. Shape (n_blocks,)."""

    n_down: int
    n_across: int
    x_start: IntArray
    x_stop: IntArray
    y_start: IntArray
    y_stop: IntArray


@dataclass(frozen=True, slots=True)
class MotionResult:
    """The correction of each frame: the displacement that brings it onto the template.

    That is minus the motion of the tissue; x then y, pixels of the prepared movie.
    """

    template: FloatImage
    shifts_px: Float32  # (n_frames, 2), x then y; the rigid correction
    blocks: MotionBlocks | None  # None: rigid
    block_shifts_px: Float32 | None  # (n_frames, n_blocks, 2), the rigid part included
    is_registered: BoolArray  # (n_frames,): False where the engine could not place the frame
    block_residual_px: float  # what a rigid correction leaves, RMS over sampled blocks and frames
    scores: dict[str, FloatArray] = field(default_factory=dict)  # the engine's own
    derived: tuple[Derived, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    bending_px: float = float("nan")  # of it, what is not of each block by itself; NaN: unknown


@dataclass(frozen=True, slots=True)
class MotionQuality:
    """How well the frames lie on the template; arrays have shape (n_frames,)."""

    correlation_before: Float32
    correlation_after: Float32
    is_outlier: BoolArray  # every frame that is left out: torn, black, flashed, unregistrable
    residual_px: float  # rigid motion that is left after correction, RMS
    blur: float  # sharpness lost in the mean image, see `correct.quality`
    share_moved: float  # frames moved more than half a cell


@dataclass(frozen=True, slots=True)
class SummaryImages:
    """Images of the corrected movie, prepared px; NaN where no frame saw the pixel."""

    template: FloatImage
    mean: FloatImage
    max: FloatImage
    std: FloatImage
    variance: FloatImage
    correlation: FloatImage
    pnr: FloatImage
    region: BoolArray  # (height, width): pixels seen in 95 % of the frames
    cell_diameter_px: float  # median diameter of the somata
    derived: tuple[Derived, ...] = ()


@dataclass(frozen=True, slots=True)
class RingBackground:
    """The ring model: B = b0 + W (Y - A C - b0), W on a grid binned by `factor`.

    Where low-rank components L were asked for, W + L^T L (1 - W) stands in the place of W.
    """

    weights: Sparse  # (n_binned, n_binned) csr, rows: pixels of the binned grid, C order
    b0: FloatImage  # (height, width)
    factor: int
    radius_px: float
    images: Float32 | None = None  # (n_components, n_binned), orthonormal; None: the ring alone


@dataclass(frozen=True, slots=True)
class LowRankBackground:
    """Background as a product of few images and time courses."""

    images: Float32  # (n_components, height, width)
    traces: Float32  # (n_components, n_frames)


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """Components of the corrected movie.

    ``footprints`` is csc (n_pixels, n_cells) float32, pixels of the prepared field in C order of
    (height, width), every column >= 0 with a maximum of 1, so that traces are in grey levels at
    the peak of a footprint. Traces have shape (n_cells, n_frames), at the full rate.
    """

    height: int
    width: int
    footprints: Sparse
    denoised: Float32  # C, without baseline
    deconvolved: Float32  # S, arbitrary units
    raw: Float32  # C + YrA: demixed with residual; NaN where the frame or the cell was not seen
    baseline: Float32  # (n_cells,) of `raw`
    noise: Float32  # (n_cells,) standard deviation of `raw`'s noise
    kernel: Float32  # (n_cells, order): AR coefficients of the full rate
    background: RingBackground | LowRankBackground | None
    pixel_noise: FloatImage | None  # (height, width)
    # The engine's own, (n_cells,); "cnn" is a network's (0 to 1), judged by `quality.min_cnn`.
    scores: dict[str, FloatArray] = field(default_factory=dict)
    engine_accepted: BoolArray | None = None  # (n_cells,) the engine's own decision
    engine_reasons: tuple[str, ...] = ()
    n_seeds: int = 0
    emptied_by: str = ""  # where nothing was found: which threshold emptied the result
    derived: tuple[Derived, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of components."""
        return int(self.footprints.shape[1])


@dataclass(frozen=True, slots=True)
class Traces:
    """Traces as they are written, (n_cells, n_frames) float32 memory maps; NaN: not measured."""

    fluorescence: Float32  # demixed with residual, C + YrA
    denoised: Float32
    deconvolved: Float32
    noise_normalized: Float32  # (C + YrA - baseline) / sigma
    neuropil: Float32  # footprint-weighted background, grey levels
    dff: Float32  # F / F0
    f0: Float32  # footprint-weighted recorded intensity, running low percentile
    halves: Float32  # (2, n_cells, n_frames): demixed trace on either half of the pixels
    f0_text: str  # how F0 was made


@dataclass(frozen=True, slots=True)
class Events:
    """Calcium events, in the order of their onsets; arrays have shape (n_events,)."""

    cell: IntArray
    onset: IntArray  # frame
    peak: IntArray  # frame
    end: IntArray  # frame, the last above the lower threshold
    size: Float32  # noise units


@dataclass(frozen=True, slots=True)
class EventImages:
    """Mean picture of each cell's own events; see `nwb-layout`: one patch a cell, prepared px.

    ``image`` and ``null_image`` are (n_cells, side, side), NaN outside the field or where there is
    no event.
    """

    image: Float32
    null_image: Float32
    x_start: IntArray
    y_start: IntArray
    n_events: IntArray
    correlation: Float32
    null_correlation: Float32


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """A column of the quality table: one value a component, unit and meaning in the description."""

    description: str
    values: npt.NDArray[Any]  # (n_cells,)


@dataclass(frozen=True, slots=True)
class Decisions:
    """One round of curation: what every component is held to be. One entry a component."""

    accepted: BoolArray
    reason: tuple[str, ...]  # why, in words, for accepted and rejected ones
    mask_type: tuple[MaskType, ...]
    confidence: Float32
    method: str  # "miniscope-nwb rules", "CaImAn evaluate_components", "manual"


@dataclass(frozen=True, slots=True)
class Quality:
    """The judgement of the components."""

    metrics: dict[str, MetricColumn]
    decisions: Decisions
    engine_decisions: Decisions | None  # the engine's own, kept as a curation round beside ours
    events: Events
    event_images: EventImages


@dataclass(frozen=True, slots=True)
class RunParameter:
    """One parameter of a run, as it was used."""

    stage: str
    parameter: str
    value: Json
    source: Literal["default", "preset", "user", "derived"]
    basis: str = ""  # what a derived value was derived from


@dataclass(frozen=True, slots=True)
class StageTiming:
    """What a stage took."""

    stage: str
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run: what the NWB writer is given."""

    name: str
    engine: str
    engine_version: str
    engine_reason: str  # why this engine was taken
    versions: dict[str, str]  # of the packages that computed
    parameter_hash: str
    motion_hash: str  # of what shifts and their quality depend on: equal ones share one in the file
    input_hash: str  # of the raw series' stored data and timestamps
    series: str  # name of the raw series in `acquisition`
    started: datetime
    ended: datetime
    seconds: float
    host: str
    parameters: tuple[RunParameter, ...]
    timings: tuple[StageTiming, ...]
    prepared: Prepared
    motion: MotionResult
    motion_quality: MotionQuality
    images: SummaryImages
    extraction: ExtractionResult
    traces: Traces
    quality: Quality
