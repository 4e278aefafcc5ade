"""Two results of a movie without truth are compared, whatever the order of their components."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array

from benchmarks import agreement as page_of
from benchmarks import builtin, movies
from benchmarks.agreement import Run, agreement, page, runs
from benchmarks.opponents.run import settings_of
from benchmarks.rows import DONE, Row
from benchmarks.scoring import Result

HEIGHT, WIDTH, N_FRAMES = 40, 48, 300
MOVIE = movies.BenchMovie(
    "clip-x", Path(), N_FRAMES, HEIGHT, WIDTH, rate_hz=20.0, cell_diameter_px=8.0,
    pixel_size_um=1.0, decay_s=0.5, is_bending=False,
)  # fmt: skip
CENTRES = ((10.0, 12.0), (24.0, 20.0), (36.0, 30.0))


def result(centres=CENTRES, *, accepted=None, rows=(0, 1, 2), noise=0.0, shift=(0.0, 0.0)):
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    masks = [np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 18.0) for cx, cy in centres]
    spikes = (rng.random((3, N_FRAMES)) < 0.03).astype(float)
    calcium = np.stack([np.convolve(row, np.exp(-np.arange(40) / 10))[:N_FRAMES] for row in spikes])
    blurred = calcium + noise * np.random.default_rng(5).standard_normal(calcium.shape)
    chosen = list(rows)
    return Result(
        footprints=csc_array(np.stack([np.where(m > 0.05, m, 0).ravel() for m in masks], 1)),
        accepted=np.ones(len(centres), bool) if accepted is None else np.array(accepted),
        traces={"raw": blurred[chosen], "denoised": calcium[chosen], "deconvolved": spikes[chosen]},
        shifts=np.tile(np.array(shift), (N_FRAMES, 1)),
    )


def test_a_result_agrees_with_itself_in_any_order_and_place():
    turned = result([(x + 2, y - 1) for x, y in CENTRES[::-1]], rows=(2, 1, 0), shift=(2.0, -1.0))
    same = agreement(result(), turned, MOVIE)
    assert (same.n_first, same.n_second, same.n_both) == (3, 3, 3)
    assert same.footprint_cosine == pytest.approx(1, abs=1e-3)
    assert same.correlations == pytest.approx({"raw": 1, "denoised": 1, "deconvolved": 1})
    assert same.shift_px == pytest.approx(0)


def test_only_what_both_accept_counts():
    other = result([CENTRES[0], CENTRES[1], (40.0, 8.0)], accepted=[True, False, True], noise=0.5)
    same = agreement(result(), other, MOVIE)
    assert (same.n_first, same.n_second, same.n_both) == (3, 2, 1)
    assert 0.3 < same.correlations["raw"] < 0.95
    assert same.correlations["denoised"] == pytest.approx(1)


def test_shifts_are_compared_where_nothing_was_found():
    nothing = replace(
        result(),
        footprints=csc_array((HEIGHT * WIDTH, 0)),
        accepted=np.zeros(0, bool),
        traces={name: np.zeros((0, N_FRAMES)) for name in ("raw", "denoised", "deconvolved")},
    )
    shaken = replace(nothing, shifts=np.where(np.arange(N_FRAMES)[:, None] % 2, 0.3, -0.3) * [1, 0])
    same = agreement(result(), shaken, MOVIE)
    assert (same.n_second, same.n_both) == (0, 0)
    assert np.isnan(same.footprint_cosine)
    assert same.shift_px == pytest.approx(0.3)


def test_the_page_names_every_pair_and_who_failed():
    row = Row(MOVIE.name, "builtin", "1", {}, DONE)
    made = {
        "builtin": Run(row, result()),
        "caiman": Run(replace(row, engine="caiman"), result(accepted=[True, True, False])),
        "x": Run(replace(row, engine="x", outcome="MemoryError: too large"), None),
    }
    lines = page(made, MOVIE).splitlines()
    assert lines[0] == "clip-x, 48x40x300. builtin 1, caiman 1, x 1."
    assert lines[4] == "| builtin | caiman | 3 | 2 | 2 | 1.00 | 1.00 | 1.00 | 1.00 | 0.00 |"
    assert lines[5:] == ["", "- x: MemoryError: too large"]


def test_every_engine_is_run_once_and_read_again(tmp_path, monkeypatch):
    movie = movies.simulated(
        tmp_path / "movies", level="easy", cells=6, width=100, height=90, frames=200, seed=3
    )
    ran = []

    def theirs(name, movie, changes, limits, python, *, work, keep):
        ran.append(name)
        row = Row(movie.name, name, "1", changes, DONE, settings=settings_of(name, movie, changes))
        if name == "minian":
            return replace(row, outcome="ValueError: no")
        shutil.copyfile(next(keep.parent.glob("*.npz")), keep)  # they find what we find
        return row

    monkeypatch.setattr(page_of, "version_of", lambda *_: "1")
    monkeypatch.setattr(page_of, "run_opponent", theirs)
    pythons = {"caiman": "a", "caiman-mended": "a", "minian": "b"}
    made = runs(movie, pythons, tmp_path)
    assert ran == ["caiman", "caiman-mended", "minian"]
    monkeypatch.setattr(builtin, "run_builtin", lambda *_, **__: sys.exit("run again"))
    again = runs(movie, pythons, tmp_path)
    assert ran == ["caiman", "caiman-mended", "minian"]
    assert made["minian"].result is again["minian"].result is None
    assert made["builtin"].result.accepted.sum() > 2
    same = agreement(made["builtin"].result, again["caiman"].result, movie)
    assert same.n_first == same.n_second == same.n_both
    assert same.footprint_cosine == pytest.approx(1)
