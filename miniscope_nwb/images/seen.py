"""How many frames saw each pixel, told from the rectangles that were seen."""

from __future__ import annotations

import numpy as np

from miniscope_nwb.recording import IntArray


class SeenCount:
    """Counts frames by the corners of what they saw: as cheap for a large frame as for a small one.

    Parameters
    ----------
    height, width
        Of the frames.
    """

    def __init__(self, height: int, width: int) -> None:
        self._corners = np.zeros((height + 1, width + 1), np.int64)

    def add(self, bounds: IntArray) -> None:
        """Add frames by what was seen of them, (n, 4), as `Movie.seen` gives it."""
        top, bottom, left, right = bounds[
            (bounds[:, 0] < bounds[:, 1]) & (bounds[:, 2] < bounds[:, 3])
        ].T
        np.add.at(self._corners, (top, left), 1)
        np.add.at(self._corners, (bottom, right), 1)
        np.add.at(self._corners, (top, right), -1)
        np.add.at(self._corners, (bottom, left), -1)

    def merge(self, other: SeenCount) -> None:
        """Add what another counter has counted."""
        self._corners += other._corners

    def count(self) -> IntArray:
        """Return the number of frames that saw each pixel, (height, width)."""
        return np.asarray(self._corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1])
