"""The contract that every engine keeps, as tests to inherit.

    class TestMyEngine(EngineContract):
        @pytest.fixture(scope="class")
        def engine(self):
            return MyEngine()

All data are simulated with known truth. An engine that is exact in another measure than ours may
set the class attributes, but should say why.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miniscope_nwb.engines.base import Engine, TakesExtra, Task
from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import ArrayMovie, regular_clock
from miniscope_nwb.recording import BoolArray
from miniscope_nwb.results import ExtractionResult, MotionResult
from miniscope_nwb.testing.jobs import (
    SimulatedMovie,
    extract_job,
    motion_job,
    resources,
    simulated_movie,
)
from miniscope_nwb.testing.score import score

LEFT_OUT = (0, 77, 78, 250, 399)  # frames of the movie that are black
MIN_KEPT = 0.5  # of given masks that must be found again by cosine
STILL: dict[str, Any] = {
    "level": "easy", "width": 96, "height": 72, "frames": 600, "cells": 6, "motion": 0.0, "seed": 1,
}  # fmt: skip
MOVING: dict[str, Any] = {
    "level": "moderate", "width": 140, "height": 110, "frames": 200, "seed": 3,
}  # fmt: skip


class EngineContract:
    """What every engine does; inherit it and give the fixture ``engine``."""

    max_shift_error_px = 0.2  # RMS of the vector error at moderate noise
    min_f1 = 0.9  # on cells that are easy to see
    min_trace_correlation = 0.9  # median, of right components
    is_exact_twice = True  # the same job gives the same bytes

    @pytest.fixture(scope="class")
    def still(self) -> SimulatedMovie:
        """Return a movie that does not move, with cells; some frames of it are black."""
        simulated = simulated_movie(**STILL)
        simulated.frames[list(LEFT_OUT)] = 0
        return simulated

    @pytest.fixture(scope="class")
    def moving(self) -> SimulatedMovie:
        """Return a movie that moves."""
        return simulated_movie(**MOVING)

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Return where scratch folders are made."""
        return tmp_path_factory.mktemp("engine")

    @pytest.fixture(scope="class")
    def shifts(self, engine: Engine, moving: SimulatedMovie, folder: Path) -> MotionResult:
        """Return the rigid correction."""
        return engine.motion(motion_job(moving.movie, method="rigid"), resources(folder))

    @pytest.fixture(scope="class")
    def cells(
        self, engine: Engine, still: SimulatedMovie, folder: Path
    ) -> tuple[ExtractionResult, Path]:
        """Return the components, and the scratch folder that was used."""
        return self._extract(engine, still, folder)

    def _extract(
        self, engine: Engine, still: SimulatedMovie, folder: Path, **changes: Any
    ) -> tuple[ExtractionResult, Path]:
        given = resources(folder)
        job = extract_job(still.movie, left_out(still), **changes)
        return engine.extract(job, given), given.scratch

    def test_says_what_it_is(self, engine: Engine) -> None:
        """Name, summary, state and versions can be asked for at once."""
        assert isinstance(engine, Engine)
        assert engine.name
        assert engine.summary
        state = engine.availability()
        assert state.is_available, state.reason
        assert engine.versions()["engine"]

    def test_predicts_what_it_takes(self, engine: Engine) -> None:
        """A job of twice the length takes no less."""
        task = Task(n_frames=1000, height=200, width=280, itemsize=1, n_cells=100, n_threads=2)
        short, long = engine.predict(task), engine.predict(replace(task, n_frames=20_000))
        assert 0 < short.peak_memory_bytes <= long.peak_memory_bytes
        assert 0 <= short.scratch_bytes <= long.scratch_bytes

    def test_own_parameters_are_checked(self, engine: Engine) -> None:
        """An engine that takes parameters of its own refuses those that it does not know."""
        if not isinstance(engine, TakesExtra):
            pytest.skip("the engine takes no parameters of its own")
        engine.check_extra({})
        with pytest.raises(EngineError, match="no_such_parameter"):
            engine.check_extra({"no_such_parameter": 1})

    def test_shifts_are_the_correction(self, shifts: MotionResult, moving: SimulatedMovie) -> None:
        """Shifts are minus the tissue's motion, x then y, but for a constant."""
        sum_of_both = moving.rigid_px + shifts.shifts_px
        error = sum_of_both - np.median(sum_of_both, axis=0)
        rms = float(np.sqrt((error**2).sum(axis=1).mean()))
        assert rms <= self.max_shift_error_px

    def test_motion_record(self, shifts: MotionResult, moving: SimulatedMovie) -> None:
        """The record of a rigid correction has its shapes and types."""
        n_frames, *shape = moving.frames.shape
        assert shifts.template.shape == tuple(shape)
        assert shifts.shifts_px.shape == (n_frames, 2)
        assert shifts.shifts_px.dtype == np.float32
        assert shifts.is_registered.shape == (n_frames,)
        assert shifts.is_registered.mean() > 0.9
        assert shifts.blocks is None
        assert shifts.block_shifts_px is None
        assert shifts.versions["engine"]

    def test_finds_the_cells(
        self, cells: tuple[ExtractionResult, Path], still: SimulatedMovie
    ) -> None:
        """Easy cells are found, with their activity."""
        found, _ = cells
        traces = {"denoised": found.denoised, "raw": found.raw}
        kept = found.engine_accepted
        judged = score(found.footprints, still.truth, traces=traces, accepted=kept)
        assert judged.n_true >= 3, "the simulation must hold cells that have to be found"
        assert judged.f1 >= self.min_f1
        for name in traces:
            assert judged.correlation(name) >= self.min_trace_correlation, name

    def test_record_of_components(
        self, cells: tuple[ExtractionResult, Path], still: SimulatedMovie
    ) -> None:
        """Footprints are in C order with a maximum of 1; traces are at the full rate."""
        found, _ = cells
        n_frames, height, width = still.frames.shape
        n = found.n_cells
        assert (found.height, found.width) == (height, width)
        assert found.footprints.shape == (height * width, n)
        assert found.footprints.dtype == np.float32
        assert found.footprints.format == "csc"
        assert found.footprints.data.min() > 0
        np.testing.assert_allclose(found.footprints.max(axis=0).toarray().ravel(), 1, rtol=1e-5)
        for values in (found.denoised, found.deconvolved, found.raw):
            assert values.shape == (n, n_frames)
            assert values.dtype == np.float32
        for values in (found.baseline, found.noise):
            assert values.shape == (n,)
            assert np.isfinite(values).all()
        assert found.kernel.shape[0] == n
        for name, score_values in found.scores.items():
            assert score_values.shape == (n,), name
        if found.engine_accepted is not None:
            assert len(found.engine_accepted) == len(found.engine_reasons) == n
        assert found.versions["engine"]

    def test_frames_left_out_are_missing(self, cells: tuple[ExtractionResult, Path]) -> None:
        """Measured traces are NaN where a frame is left out; the model goes on through it."""
        found, _ = cells
        is_missing = np.isnan(found.raw).all(axis=0)
        assert np.flatnonzero(is_missing).tolist() == list(LEFT_OUT)
        assert np.isfinite(found.denoised).all()
        assert np.isfinite(found.deconvolved).all()

    def test_scratch_is_clean(self, cells: tuple[ExtractionResult, Path]) -> None:
        """Only arrays of the result stay in the scratch folder."""
        _, scratch = cells
        left = sorted(path.name for path in scratch.iterdir() if path.suffix != ".npy")
        assert left == []

    def test_same_twice(
        self,
        engine: Engine,
        cells: tuple[ExtractionResult, Path],
        still: SimulatedMovie,
        folder: Path,
    ) -> None:
        """The same job with the same seed gives the same components."""
        first, _ = cells
        second, _ = self._extract(engine, still, folder)
        assert second.n_cells == first.n_cells
        tolerance = 0.0 if self.is_exact_twice else 1e-4
        ours, theirs = first.footprints.toarray(), second.footprints.toarray()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
        scale = float(np.nanmax(np.abs(first.raw)))
        np.testing.assert_allclose(first.raw, second.raw, rtol=0, atol=tolerance * scale)

    def test_finds_given_masks_again(
        self, engine: Engine, still: SimulatedMovie, folder: Path
    ) -> None:
        """With masks of cells given, those cells come back."""
        masks = still.truth.footprints
        found, _ = self._extract(engine, still, folder, seeds=masks)
        lengths = [np.sqrt(m.power(2).sum(axis=0)).reshape(-1) for m in (masks, found.footprints)]
        cosine = (masks.T @ found.footprints).toarray() / np.outer(*lengths)
        best = cosine.max(axis=1)
        judged = score(found.footprints, still.truth)
        assert (best[judged.is_true] >= MIN_KEPT).all()

    def test_nothing_is_a_result(self, engine: Engine, folder: Path) -> None:
        """A movie of noise gives an empty record that says which threshold emptied it."""
        noise = np.random.default_rng(8).normal(100, 3, (300, 64, 80)).round().astype(np.uint8)
        movie = ArrayMovie(noise, regular_clock(300, rate_hz=20.0))
        found = engine.extract(extract_job(movie), resources(folder))
        assert found.n_cells == 0
        assert found.raw.shape == (0, 300)
        assert found.emptied_by


def left_out(still: SimulatedMovie) -> BoolArray:
    """Mark the frames of `still` that take no part."""
    marked = np.zeros(len(still.frames), np.bool_)
    marked[list(LEFT_OUT)] = True
    return marked
