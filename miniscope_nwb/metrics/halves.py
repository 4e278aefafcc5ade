"""Events found on one half of a footprint's pixels (a checkerboard), for judging on the other.

Peaks that were picked with a footprint look like it even in pure noise; with events of the one
half and pixels of the other, nothing but a real source makes the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from miniscope_nwb.medians import row_medians
from miniscope_nwb.metrics.events import find_events
from miniscope_nwb.metrics.signal import noises
from miniscope_nwb.movie import FrameClock
from miniscope_nwb.params.models import QualityParams
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import Events, Float32

ROWS = 32  # traces that are in memory at a time
_BASELINE_S = 20.0  # pieces of the running baseline: long against a transient


def is_first_half(height: int, width: int) -> BoolArray:
    """Tell which pixels (height, width) belong to the first half: the even ones of row + column."""
    rows, columns = np.indices((height, width))
    result: BoolArray = (rows + columns) % 2 == 0
    return result


def normalized(traces: Float32, clock: FrameClock) -> Float32:
    """Bring traces (n, n_frames) to noise units above their slow baselines.

    The baseline is the median of pieces of 20 s, with straight lines between their middles: a
    trace of half a footprint was never deconvolved, so nothing else has taken its drift off. NaN
    where a trace has no noise or no sample.
    """
    n_frames = traces.shape[1]
    n_pieces = max(1, round(n_frames / (_BASELINE_S * clock.rate_hz)))
    edges = np.linspace(0, n_frames, n_pieces + 1).astype(np.int64)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    levels = np.stack([row_medians(traces[:, a:b]) for a, b in pairwise(edges.tolist())], axis=1)
    frames, out = np.arange(n_frames), np.full(traces.shape, np.nan, np.float32)
    for row, sigma in enumerate(noises(traces)):
        is_known = np.isfinite(levels[row])
        if sigma > 0 and is_known.any():
            baseline = np.interp(frames, middles[is_known], levels[row, is_known])
            out[row] = (traces[row] - baseline) / sigma
    return out


def events_of_half(
    traces: Float32, clock: FrameClock, params: QualityParams
) -> Iterator[tuple[int, Events]]:
    """Find the events of traces (n_cells, n_frames) in grey levels, cell by cell.

    Yields
    ------
    cell, events
        ``events.cell`` is 0 throughout; sizes are in noise units of the half.
    """
    for start in range(0, len(traces), ROWS):
        rows = normalized(np.asarray(traces[start : start + ROWS]), clock)
        found = find_events(rows, clock, params, from_rest=True)
        for k in range(len(rows)):
            mine = found.cell == k
            yield (
                start + k,
                Events(
                    np.zeros(int(mine.sum()), np.int64),
                    found.onset[mine],
                    found.peak[mine],
                    found.end[mine],
                    found.size[mine],
                ),
            )
