"""Chosen frames of a corrected and prepared movie are those that a whole pass gives."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.correct.movie import CorrectedMovie
from miniscope_nwb.movie import ArrayMovie, runs_of
from miniscope_nwb.results import MotionResult

N, HEIGHT, WIDTH = 12, 30, 41


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_chosen_corrected_frames(dtype):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (N, HEIGHT, WIDTH)).astype(dtype)
    shifts = rng.normal(0, 4, (N, 2)).astype(np.float32)
    shifts[3], shifts[4], shifts[5] = (2, 0.5), (0.25, -3), (-100, 0)
    motion = MotionResult(frames[0].astype(np.float32), shifts, None, None, np.ones(N, bool), 0.0)
    movie = CorrectedMovie(ArrayMovie(frames), motion)
    chosen = np.array([0, 1, 3, 4, 5, 9, 11])
    np.testing.assert_array_equal(movie.take(chosen), movie.read(0, N)[chosen])


def test_runs_of_frames():
    parts = runs_of(np.array([2, 3, 4, 8, 10, 11]))
    assert parts == [slice(0, 3), slice(3, 4), slice(4, 6)]
    assert runs_of(np.empty(0, np.int64)) == []
