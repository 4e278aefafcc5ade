"""Whether a frame lies on the template part by part, where its correlation as a whole leaves doubt.

A bright cell lowers the correlation of the whole frame, the more the smaller the field is, but
spoils only the parts that it lies in. A frame at a wrong place spoils nearly all of them, a torn
one whole rows of them. Each part is held against what the same part of ordinary frames reaches, so
that a frame of which less was seen is judged by what was seen.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from miniscope_nwb.recording import FloatArray, IntArray

Float32 = npt.NDArray[np.float32]

N_REFERENCES = 15  # ordinary frames that tell what a part reaches
_SIDE = 6.5  # of a part, in sigmas of the high-pass: three cells
_LEAST_SEEN_SHARE = 0.5  # of a part that is compared
_LEAST_LIKENESS = 0.5  # of a part in ordinary frames: less shows nothing that could be recognised
_LEAST_PARTS = 4
_LEAST_PARTS_SHARE = 1 / 3  # of those that could be recognised: the rest was not seen
LIES_WELL = 0.8  # of what the part reaches in ordinary frames: 2 px beside it most are below
_MOST_PARTS = 0.8  # of a frame at its place lie well; of one 2 px beside it at most 0.7
_ROW_SHARE = 0.5  # of each row of parts: sensors tear along rows


class Parts:
    """Tells how the parts of frames lie on one template.

    Parameters
    ----------
    template
        (height, width), band-passed.
    references
        Ordinary frames on the template, band-passed, each with the (4,) bounds of what was seen.
    highpass_px
        Sigma of the band-pass.
    """

    def __init__(
        self,
        template: Float32,
        references: Iterable[tuple[Float32, IntArray]],
        *,
        highpass_px: float,
    ) -> None:
        self._template = template
        self._rows, self._columns = (
            np.linspace(0, size, max(1, round(size / (_SIDE * highpass_px))) + 1).astype(int)
            for size in template.shape
        )
        found = [self._likeness(frame, seen) for frame, seen in references]
        # Without an ordinary frame, in noise say, no part could be recognised.
        likeness = np.reshape(found, (-1, len(self._rows) - 1, len(self._columns) - 1))
        is_known = np.isfinite(likeness).any(axis=0)
        self._usual = np.zeros(is_known.shape)
        self._usual[is_known] = np.nanmedian(likeness[:, is_known], axis=0)

    def _likeness(self, frame: Float32, seen: IntArray) -> FloatArray:
        """Correlate each part with the template, (n_down, n_across); NaN: too little was seen."""
        from miniscope_nwb.correct.shift_kernels import correlation

        found = np.full((len(self._rows) - 1, len(self._columns) - 1), np.nan)
        first_row, last_row, first_column, last_column = (int(bound) for bound in seen)
        for down, across in np.ndindex(*found.shape):
            y, stop_y = self._rows[down : down + 2]
            x, stop_x = self._columns[across : across + 2]
            top, bottom = max(y, first_row), min(stop_y, last_row)
            left, right = max(x, first_column), min(stop_x, last_column)
            whole = (stop_y - y) * (stop_x - x)
            if top >= bottom or left >= right:
                continue
            if (bottom - top) * (right - left) >= _LEAST_SEEN_SHARE * whole:
                part = np.s_[top:bottom, left:right]
                found[down, across] = correlation(frame[part], self._template[part])
        return found

    def lie_well(self, frame: Float32, seen: IntArray, *, share: float = LIES_WELL) -> bool:
        """Say whether the parts of a corrected, band-passed frame lie where they should.

        False where too few parts could be recognised to tell. `share` is what a part must reach of
        its correlation in ordinary frames.
        """
        likeness = self._likeness(frame, seen)
        is_structured = self._usual > _LEAST_LIKENESS
        is_compared = is_structured & np.isfinite(likeness)
        least = max(_LEAST_PARTS, _LEAST_PARTS_SHARE * is_structured.sum())
        if is_compared.sum() < least:
            return False
        lies_well = is_compared & (likeness >= share * self._usual)
        n_compared, n_well = is_compared.sum(axis=1), lies_well.sum(axis=1)
        if n_well.sum() < _MOST_PARTS * n_compared.sum():
            return False
        return bool((n_well >= _ROW_SHARE * n_compared).all())
