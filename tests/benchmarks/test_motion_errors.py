"""Shift errors of motion alone."""

from __future__ import annotations

import numpy as np

from benchmarks import motion


def test_a_small_movie_is_made_once_and_registered(tmp_path):
    movie = motion.of_name(tmp_path, "easy:311:120x100x200", minisim_python="")
    assert motion.of_name(tmp_path, "easy:311:120x100x200", minisim_python="").path == movie.path
    shift, block, seconds = motion.errors(movie)
    assert 0 < shift < 0.3
    assert np.isnan(block)
    assert seconds > 0
