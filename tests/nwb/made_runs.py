"""Runs made by hand, every number known: the raw movie is 40 high and 56 wide, cropped, binned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import scipy.sparse
from foreign_files import write_foreign

from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.nwb.recording_file import input_hash
from miniscope_nwb.results import (
    Decisions,
    EventImages,
    Events,
    ExtractionResult,
    MetricColumn,
    MotionBlocks,
    MotionQuality,
    MotionResult,
    Prepared,
    Quality,
    RunParameter,
    RunRecord,
    StageTiming,
    SummaryImages,
    Traces,
)

N = 150  # frames
HEIGHT, WIDTH = 40, 56  # raw
CROP = (8, 4, 48, 36)  # x0, y0, x1, y1
FACTOR = 2
INNER = (16, 20)  # prepared height, width
STORAGE = {"chunks": (10, WIDTH, HEIGHT), "compression": "gzip", "compression_opts": 1}
TIMES = np.arange(N) / 20.0 - 0.01
LEFT_OUT = (30, 31)


def raw_frames() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 250, (N, HEIGHT, WIDTH)).astype(np.uint8)


def raw_file(path: Path) -> Path:
    return write_foreign(path, raw_frames(), storage=STORAGE, times=TIMES, names=("Movie",))


def corrected_movie() -> ArrayMovie:
    """Corrected frames of the prepared size: the last column is never seen."""
    frames = np.random.default_rng(9).uniform(20, 200, (N, *INNER)).astype(np.float32)
    frames[:, :, -1] = np.nan
    frames[5, :4] = np.nan
    clock = FrameClock(TIMES, np.ones(N, np.int64), np.zeros(N, np.int64), 20.0)
    return ArrayMovie(frames, clock)


@contextmanager
def unchecked() -> Iterator[None]:
    """Write runs without reading them again by pynwb, which takes a third of the time.

    For files that others' tests begin with; that check has tests of its own.
    """
    with mock.patch("miniscope_nwb.nwb.processed.recheck.recheck_run"):
        yield


def make_run(
    path: Path,
    name: str = "first",
    *,
    n_cells: int = 2,
    n_blocks: tuple[int, int] | None = None,
    motion_hash: str = "motion-a",
    with_engine: bool = False,
    seed: int = 5,
    series: str = "Movie",
) -> RunRecord:
    rng = np.random.default_rng(seed)
    motion = _motion(rng, n_blocks)
    left_out = np.isin(np.arange(N), LEFT_OUT)
    return RunRecord(
        name=name,
        engine="builtin",
        engine_version="0.1.0",
        engine_reason="CaImAn is not installed",
        versions={"scipy": "1.17.1", "numpy": "2.4.6"},
        parameter_hash=f"parameters-{name}",
        motion_hash=motion_hash,
        input_hash=input_hash(path, series),
        series=series,
        started=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        ended=datetime(2026, 3, 4, 5, 7, 8, tzinfo=UTC),
        seconds=61.0,
        host="bench",
        parameters=(
            RunParameter("motion", "method", "rigid", "user"),
            RunParameter("extract", "min_pnr", 7.5, "derived", "null movie: 1 false seed a field"),
            RunParameter("preprocess", "crop", list(CROP), "default"),
        ),
        timings=(StageTiming("motion", 2.5, 10**9), StageTiming("extract", 40.0, 2 * 10**9)),
        prepared=_prepared(rng, left_out),
        motion=motion,
        motion_quality=_motion_quality(rng, left_out),
        images=_images(rng),
        extraction=_extraction(rng, n_cells),
        traces=_traces(rng, n_cells, left_out),
        quality=_quality(rng, n_cells, with_engine=with_engine),
    )


def _prepared(rng: np.random.Generator, left_out: np.ndarray) -> Prepared:
    reasons = np.where(left_out, "black", "").tolist()
    return Prepared(
        crop=CROP,
        spatial_factor=FACTOR,
        temporal_factor=1,
        is_left_out=left_out,
        reason_left_out=tuple(reasons),
        defective_pixels=np.array([[9, 5], [40, 30]]),
        glow=None,
        vignette=None,
        trend=None,
        normalise="none",
        baseline=None,
        brightness=rng.uniform(90, 110, N).astype(np.float32),
        brightness_steps=np.array([70]),
        cell_diameter_px=4.0,
        figures={"bleaching_per_hour": 0.03},
    )


def _motion_quality(rng: np.random.Generator, left_out: np.ndarray) -> MotionQuality:
    return MotionQuality(
        correlation_before=rng.uniform(0.2, 0.4, N).astype(np.float32),
        correlation_after=rng.uniform(0.6, 0.9, N).astype(np.float32),
        is_outlier=left_out,
        residual_px=0.1,
        blur=0.02,
        share_moved=0.25,
    )


def _motion(rng: np.random.Generator, n_blocks: tuple[int, int] | None) -> MotionResult:
    shifts = rng.normal(0, 2, (N, 2)).astype(np.float32)
    blocks = block_shifts = None
    if n_blocks is not None:
        down, across = n_blocks
        y = np.linspace(0, INNER[0], down + 1).astype(int)
        x = np.linspace(0, INNER[1], across + 1).astype(int)
        rows, columns = (a.ravel() for a in np.mgrid[:down, :across])
        blocks = MotionBlocks(down, across, x[columns], x[columns + 1], y[rows], y[rows + 1])
        block_shifts = (shifts[:, None] + rng.normal(0, 0.3, (N, down * across, 2))).astype("f4")
    return MotionResult(
        template=np.zeros(INNER, np.float32),
        shifts_px=shifts,
        blocks=blocks,
        block_shifts_px=block_shifts,
        is_registered=np.arange(N) != 31,
        block_residual_px=0.4,
    )


def _images(rng: np.random.Generator) -> SummaryImages:
    names = ("template", "mean", "max", "std", "variance", "correlation", "pnr")
    images = {name: rng.uniform(1, 200, INNER).astype(np.float32) for name in names}
    images["pnr"][0, 0] = np.nan
    return SummaryImages(**images, region=np.ones(INNER, bool), cell_diameter_px=4.5)


def dense_footprints(n_cells: int) -> np.ndarray:
    """(n_cells, height, width) of the prepared size: a bar and then shorter and shorter ones."""
    dense = np.zeros((n_cells, *INNER), np.float32)
    for cell in range(n_cells):
        dense[cell, 3 + cell, 2 + cell : 9] = np.linspace(0.25, 1, 7 - cell)
        dense[cell, 4 + cell, 5] = 0.5
    return dense


def _extraction(rng: np.random.Generator, n_cells: int) -> ExtractionResult:
    dense = dense_footprints(n_cells).reshape(n_cells, INNER[0] * INNER[1])
    traces = rng.normal(0, 1, (3, n_cells, N)).astype(np.float32)
    return ExtractionResult(
        height=INNER[0],
        width=INNER[1],
        footprints=scipy.sparse.csc_array(dense.T),
        denoised=traces[0],
        deconvolved=traces[1],
        raw=traces[2],
        baseline=np.arange(n_cells, dtype=np.float32),
        noise=np.ones(n_cells, np.float32),
        kernel=np.full((n_cells, 1), 0.9, np.float32),
        background=None,
        pixel_noise=None,
        scores={"score": np.arange(n_cells) / 10},
        n_seeds=7,
        emptied_by="" if n_cells else "min_pnr 7.5: the highest was 3.1",
    )


def _traces(rng: np.random.Generator, n_cells: int, left_out: np.ndarray) -> Traces:
    def made(*, measured: bool) -> np.ndarray:
        values = rng.normal(0, 1, (n_cells, N)).astype(np.float32)
        if measured:
            values[:, left_out] = np.nan
        return values

    return Traces(
        fluorescence=made(measured=True),
        denoised=made(measured=False),
        deconvolved=made(measured=False),
        noise_normalized=made(measured=True),
        neuropil=made(measured=True),
        dff=made(measured=True),
        f0=np.full((n_cells, N), 50, np.float32),
        halves=np.zeros((2, n_cells, N), np.float32),
        f0_text="a running 10th percentile of the recorded intensity",
    )


def _quality(rng: np.random.Generator, n_cells: int, *, with_engine: bool) -> Quality:
    side = 6
    image = rng.normal(0, 1, (n_cells, side, side + 0)).astype(np.float32)
    decisions = Decisions(
        accepted=np.arange(n_cells) % 2 == 0,
        reason=tuple(f"reason {cell}" for cell in range(n_cells)),
        mask_type=tuple("soma" if cell % 2 == 0 else "unknown" for cell in range(n_cells)),
        confidence=np.linspace(0.5, 0.9, n_cells).astype(np.float32),
        method="miniscope-nwb rules",
    )
    own = replace(decisions, accepted=~decisions.accepted, method="CaImAn evaluate_components")
    n_events = 3 if n_cells else 0
    return Quality(
        metrics={
            "snr": MetricColumn("Signal to noise.", 5.0 + np.arange(n_cells)),
            "r_value": MetricColumn("Spatial correlation.", 0.5 + np.arange(n_cells) / 10),
            "n_parts": MetricColumn("Parts of the footprint.", np.ones(n_cells, np.int64)),
            "cnn": MetricColumn("Score of a network.", np.full(n_cells, np.nan)),
        },
        decisions=decisions,
        engine_decisions=own if with_engine else None,
        events=Events(
            cell=np.array([1, 0, 1][:n_events]) % max(1, n_cells),
            onset=np.array([10, 50, 90][:n_events]),
            peak=np.array([12, 53, 91][:n_events]),
            end=np.array([20, 60, 99][:n_events]),
            size=np.array([6.5, 8.0, 5.5][:n_events], np.float32),
        ),
        event_images=EventImages(
            image=image,
            null_image=image * 0.1,
            x_start=np.arange(n_cells) - 1,
            y_start=np.arange(n_cells) + 2,
            n_events=np.arange(n_cells) + 1,
            correlation=np.linspace(0.5, 0.8, n_cells).astype(np.float32),
            null_correlation=np.zeros(n_cells, np.float32),
        ),
    )


def masks_in_raw(n_cells: int) -> np.ndarray:
    """(n_cells, HEIGHT, WIDTH): the footprints where they belong, by the slow way."""
    whole = np.zeros((n_cells, HEIGHT, WIDTH), np.float32)
    dense = dense_footprints(n_cells)
    for row in range(INNER[0]):
        for column in range(INNER[1]):
            y, x = CROP[1] + FACTOR * row, CROP[0] + FACTOR * column
            whole[:, y : y + FACTOR, x : x + FACTOR] = dense[:, row, column, None, None]
    return whole


def with_changes(run: RunRecord, **changes: Any) -> RunRecord:
    return replace(run, **changes)
