"""Frames that are read when they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from miniscope_nwb.movie import Movie


class Frames:
    """Frames of a movie, read when they are indexed: by a number, a slice or a list of numbers."""

    def __init__(self, movie: Movie) -> None:
        self._movie = movie
        self.shape = (movie.n_frames, movie.height, movie.width)
        self.dtype = movie.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: Any) -> npt.NDArray[Any]:
        """Return one frame (height, width), or several (n, height, width)."""
        places = np.arange(len(self))[which]
        if places.ndim == 0:
            single: npt.NDArray[Any] = self._movie.read(int(places), int(places) + 1)[0]
            return single
        order = np.argsort(places, kind="stable")
        taken = self._movie.take(places[order])
        out = np.empty_like(taken)
        out[order] = taken
        return out
