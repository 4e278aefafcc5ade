"""How well found components agree with the planted cells of a simulated recording.

A found component is **right** when it is matched one to one with a true cell: most similar masks
first (Hungarian assignment on the cosine of masks), centroids within half a cell diameter, cosine
at least 0.4. A true cell is in focus, inside the field, has at least three separate events and a
matched-filter SNR above a bound. Cells in focus that are fainter, rarer or cut by the edge are
neutral: finding them is neither right nor false. An out-of-focus cell that is found is false, and
so is a second component on a cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import BoolArray, FloatArray, IntArray
from miniscope_nwb.results import Sparse

MIN_COSINE = 0.4  # of the masks of a component and its cell
MIN_EVENTS = 3  # separate events of a true cell
MIN_SNR = 5.0  # matched-filter SNR of a true cell's median event: fainter ones are neutral
_EVENT_GAP_S = 0.5  # spikes farther apart belong to separate events
_SPIKE_SIGMA_S = 0.1  # of the Gaussian through which spikes and activity are compared


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a simulated recording; pixels in C order of (height, width)."""

    height: int
    width: int
    footprints: Sparse  # csc (n_pixels, n_cells), peak 1
    in_focus: BoolArray  # (n_cells,)
    fluorescence: npt.NDArray[np.float32]  # (n_cells, n_frames), grey levels at the peak
    spikes: npt.NDArray[np.float32]  # (n_cells, n_frames), counts
    noise_grey: float
    rate_hz: float
    cell_diameter_px: float


@dataclass(frozen=True, slots=True)
class Score:
    """The comparison; traces are compared for right components only."""

    n_true: int
    n_found: int  # neutral ones not counted
    n_right: int
    n_neutral: int
    n_out_of_focus: int  # false ones that are out-of-focus cells
    n_duplicates: int  # false ones on a cell that has been found
    matched: IntArray  # (n_found in all,): the cell that each component matches, or -1
    is_true: BoolArray  # (n_cells,)
    correlations: dict[str, FloatArray] = field(default_factory=dict)  # (n_right,) of each trace

    @property
    def precision(self) -> float:
        """Share of the found components that are right; 1 where none was found."""
        return self.n_right / self.n_found if self.n_found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true cells that were found; 1 where there is none."""
        return self.n_right / self.n_true if self.n_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def correlation(self, trace: str) -> float:
        """Return the median correlation of a trace with the truth, NaN where none was found."""
        values = self.correlations[trace]
        return float(np.median(values)) if len(values) else float("nan")


def score(
    footprints: Sparse,
    truth: Truth,
    *,
    traces: dict[str, npt.NDArray[Any]] | None = None,
    accepted: BoolArray | None = None,
    region: BoolArray | None = None,
    offset_px: tuple[float, float] = (0.0, 0.0),
) -> Score:
    """Compare found components with the truth.

    Parameters
    ----------
    footprints
        csc (n_pixels, n_found) over the field of the truth, C order.
    truth
        What was planted.
    traces
        (n_found, n_frames) each, by name; NaN are left out. A name that begins with
        ``deconvolved`` is compared with the spikes, every other with the calcium.
    accepted
        (n_found,) components that count; all by default.
    region
        (height, width) pixels in which cells can be found; a cell that reaches out is neutral.
    offset_px
        Where the found field lies in the true one: constant x, y added to true positions.
    """
    from scipy.sparse import csc_array

    n_all = footprints.shape[1]
    chosen = np.arange(n_all) if accepted is None else np.flatnonzero(accepted)
    found = csc_array(footprints)[:, chosen]
    planted = moved_footprints(truth.footprints, truth.height, truth.width, offset_px)
    is_true = true_cells(truth, region=region)
    alike = _similarity(found, planted, truth.width, truth.cell_diameter_px)
    pairs = _assign(alike)
    matched = np.full(len(chosen), -1, np.int64)
    matched[pairs[:, 0]] = pairs[:, 1]
    hit = matched >= 0
    right, neutral, unfocused = (np.zeros(len(chosen), np.bool_) for _ in range(3))
    right[hit] = is_true[matched[hit]]
    unfocused[hit] = ~truth.in_focus[matched[hit]]
    neutral[hit] = ~right[hit] & ~unfocused[hit]
    double = (matched < 0) & (alike > 0).any(axis=1)
    everyone = np.full(n_all, -1, np.int64)
    everyone[chosen] = matched
    return Score(
        n_true=int(is_true.sum()),
        n_found=int(len(chosen) - neutral.sum()),
        n_right=int(right.sum()),
        n_neutral=int(neutral.sum()),
        n_out_of_focus=int(unfocused.sum()),
        n_duplicates=int(double.sum()),
        matched=everyone,
        is_true=is_true,
        correlations=_correlations(traces or {}, truth, chosen[right], matched[right]),
    )


def correlation(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Return the correlation of two traces where both are known; 0 if one of them is flat."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    known = np.isfinite(a) & np.isfinite(b)
    if not known.any() or np.ptp(a[known]) == 0 or np.ptp(b[known]) == 0:
        return 0.0
    return float(np.corrcoef(a[known], b[known])[0, 1])


def activity_correlation(
    first: npt.NDArray[Any], second: npt.NDArray[Any], rate_hz: float
) -> float:
    """Return the correlation of spikes or deconvolved activity, both smoothed over 0.1 s."""
    from scipy.ndimage import gaussian_filter1d

    smooth = [
        gaussian_filter1d(np.nan_to_num(np.asarray(trace, float)), _SPIKE_SIGMA_S * rate_hz)
        for trace in (first, second)
    ]
    return correlation(*smooth)


def match_footprints(
    first: Sparse, second: Sparse, *, width: int, cell_diameter_px: float
) -> IntArray:
    """Match the components of two results of one field one to one, by the rule of `score`.

    Parameters
    ----------
    first, second
        csc (n_pixels, n_cells) of the same field, pixels in C order of (height, width).
    width, cell_diameter_px
        Of the field and of its cells, in pixels.

    Returns
    -------
    IntArray
        (n_pairs, 2) columns of the first and of the second.
    """
    return _assign(_similarity(first, second, width, cell_diameter_px))


def true_cells(truth: Truth, *, region: BoolArray | None = None) -> BoolArray:
    """Say which planted cells must be found, (n_cells,)."""
    inside = np.ones((truth.height, truth.width), bool) if region is None else region.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = False  # a cell that touches the edge is cut by it
    reaches_out = (truth.footprints > 0.5).T @ (~inside).ravel().astype(np.float32) > 0
    n_events = np.array([len(_onsets(row, truth.rate_hz)) for row in truth.spikes], np.int64)
    loud = matched_snr(truth) >= MIN_SNR
    chosen: BoolArray = truth.in_focus & ~np.asarray(reaches_out, bool)
    chosen &= (n_events >= MIN_EVENTS) & loud
    return chosen


def matched_snr(truth: Truth) -> FloatArray:
    """Return the SNR of each cell's median event as an ideal observer of its pixels has it."""
    energy = np.sqrt(np.asarray((truth.footprints**2).sum(axis=0), float)).ravel()
    peaks = np.zeros(len(truth.spikes))
    ahead = max(2, round(_EVENT_GAP_S * truth.rate_hz))
    for cell, (spikes, trace) in enumerate(zip(truth.spikes, truth.fluorescence, strict=True)):
        onsets = _onsets(spikes, truth.rate_hz)
        if len(onsets):
            heights = [trace[start : start + ahead].max() for start in onsets.tolist()]
            peaks[cell] = float(np.median(heights))
    snr: FloatArray = peaks * energy / truth.noise_grey
    return snr


def moved_footprints(
    footprints: Sparse, height: int, width: int, offset_px: tuple[float, float]
) -> Sparse:
    """Return footprints moved by a constant x, y: where they lie in another result's field."""
    from scipy.ndimage import shift
    from scipy.sparse import csc_array

    if offset_px == (0.0, 0.0) or not footprints.shape[1]:
        return csc_array(footprints)
    columns = []
    for cell in range(footprints.shape[1]):
        image = footprints[:, [cell]].toarray().reshape(height, width)
        columns.append(shift(image, (offset_px[1], offset_px[0]), order=1).ravel())
    return csc_array(np.stack(columns, axis=1))


def simulated_truth(options: Any, *, device: int = 0, saved: IntArray | None = None) -> Truth:
    """Return the truth of a simulation without drawing its frames.

    Parameters
    ----------
    options
        `SimulateOptions`, as `simulate` gets them.
    device
        Number of the miniscope.
    saved
        Numbers of the hardware's frames that are recorded; by default all.
    """
    from miniscope_nwb.simulate.field import Field
    from miniscope_nwb.simulate.options import PIXEL_SIZE_UM

    simulated = Field(options, device=device)
    numbers = np.arange(options.frames) if saved is None else saved
    blocks = list(simulated.stream(numbers, _NoWorkers()))  # type: ignore[arg-type]
    return Truth(
        height=options.height,
        width=options.width,
        footprints=simulated._footprints,
        in_focus=simulated.cells.in_focus,
        fluorescence=np.concatenate([block.fluorescence for block in blocks]).T,
        spikes=np.concatenate([block.spikes for block in blocks]).T,
        noise_grey=simulated.level.noise_grey,
        rate_hz=options.rate,
        cell_diameter_px=12.0 / PIXEL_SIZE_UM,
    )


class _NoWorkers:
    """Stands in for the threads that draw frames: nothing is drawn until it is asked for."""

    map = staticmethod(map)


def _onsets(spikes: npt.NDArray[np.float32], rate_hz: float) -> IntArray:
    """Return the first frame of each separate event."""
    frames = np.flatnonzero(spikes > 0)
    is_first = np.diff(frames, prepend=-(10**9)) > _EVENT_GAP_S * rate_hz
    onsets: IntArray = frames[is_first]
    return onsets


def _similarity(first: Sparse, second: Sparse, width: int, cell_diameter_px: float) -> FloatArray:
    """Return cosines of masks, (n_first, n_second); 0 where two cannot be the same cell."""
    pixels = np.arange(first.shape[0])
    places, lengths = [], []
    for masks in (first, second):
        total = np.maximum(np.asarray(masks.sum(axis=0), float).ravel(), 1e-12)
        x = np.asarray(masks.T @ (pixels % width).astype(float)).ravel() / total
        y = np.asarray(masks.T @ (pixels // width).astype(float)).ravel() / total
        places.append(np.stack([x, y], axis=1))
        lengths.append(np.sqrt(np.asarray((masks**2).sum(axis=0), float).ravel()))
    dots = (first.T @ second).toarray().astype(float)
    cosine: FloatArray = dots / np.maximum(lengths[0][:, None] * lengths[1][None], 1e-12)
    distance = np.linalg.norm(places[0][:, None] - places[1][None], axis=2)
    cosine[(distance > cell_diameter_px / 2) | (cosine < MIN_COSINE)] = 0
    return cosine


def _assign(similarity: FloatArray) -> IntArray:
    """Match one to one so that the similarities' sum is largest: (n, 2) rows and columns."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(similarity, maximize=True)
    pairs: IntArray = np.stack([rows, columns], axis=1)[similarity[rows, columns] > 0]
    return pairs


def _correlations(
    traces: dict[str, npt.NDArray[Any]], truth: Truth, found: IntArray, cells: IntArray
) -> dict[str, FloatArray]:
    result = {}
    for name, values in traces.items():
        correlations = []
        for row, cell in zip(found.tolist(), cells.tolist(), strict=True):
            if name.startswith("deconvolved"):
                both = activity_correlation(values[row], truth.spikes[cell], truth.rate_hz)
            else:
                both = correlation(values[row], truth.fluorescence[cell])
            correlations.append(both)
        result[name] = np.array(correlations)
    return result
