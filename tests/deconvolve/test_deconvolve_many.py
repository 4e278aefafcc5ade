"""Many cells over memory maps: the same as one by one, in any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from deconvolution_reference import make_trace, uneven_clock

from miniscope_nwb.deconvolve import decay_kernel, deconvolve, deconvolve_many, update_many
from miniscope_nwb.engines.base import map_array

N = 500
CLOCK = uneven_clock(N, 20.0, lost=[(100, 5)], joints=[300])


def traces(order, n_cells=5):
    rng = np.random.default_rng(order)
    kernel = np.array(
        [decay_kernel(0.3 + 0.1 * i, rate_hz=20.0, order=order) for i in range(n_cells)]
    )
    raw = np.array([make_trace(rng, k, CLOCK)[0] for k in kernel], np.float32)
    raw[1, 50:60] = np.nan
    raw[3] = np.nan
    return kernel, raw


@pytest.mark.parametrize("order", [1, 2])
def test_threads_and_maps_change_nothing(order, tmp_path):
    kernel, raw = traces(order)
    left_out = np.zeros(N, bool)
    left_out[200:204] = True
    mapped = map_array(tmp_path / "raw.npy", raw.shape)
    mapped[:] = raw
    results = []
    for n_threads in (1, 3):
        denoised = map_array(tmp_path / f"c{n_threads}.npy", raw.shape)
        events = map_array(tmp_path / f"s{n_threads}.npy", raw.shape)
        fits = deconvolve_many(
            mapped,
            kernel=kernel,
            clock=CLOCK,
            is_missing=left_out,
            out_denoised=denoised,
            out_deconvolved=events,
            n_threads=n_threads,
        )
        results.append((np.array(denoised), np.array(events), fits.baseline, fits.penalty))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    single = deconvolve(raw[1], kernel=kernel[1], clock=CLOCK, is_missing=left_out)
    np.testing.assert_array_equal(results[0][0][1], single.denoised.astype(np.float32))
    assert np.isnan(results[0][2][3])  # never seen
    assert not results[0][0][3].any()


@pytest.mark.parametrize("order", [1, 2])
def test_short_update_keeps_what_is_settled_and_follows_what_changed(order):
    kernel, raw = traces(order)
    raw = raw[[0, 2, 4]]
    kernel = kernel[[0, 2, 4]]
    noise = np.full(3, 3.0)
    first = np.empty_like(raw)
    out, events = np.empty_like(raw), np.empty_like(raw)
    common = {"kernel": kernel, "noise": noise, "clock": CLOCK, "out_deconvolved": events}
    fits = update_many(raw, out_denoised=first, **common)
    again = update_many(raw, start=fits, out_denoised=out, **common)
    np.testing.assert_allclose(again.baseline, fits.baseline, atol=2e-3)
    np.testing.assert_allclose(out, first, atol=2e-2)
    moved = update_many(raw + 5, start=fits, out_denoised=out, n_rounds=2, **common)
    np.testing.assert_allclose(moved.baseline, fits.baseline + 5, atol=0.1)
    fixed = update_many(raw + 5, start=fits, out_denoised=out, n_rounds=0, **common)
    np.testing.assert_allclose(fixed.baseline, fits.baseline)
    assert out.mean() > first.mean() + 3


def test_outputs_may_be_the_input():
    kernel, raw = traces(1)
    expected, events = np.empty_like(raw), np.empty_like(raw)
    common = {"kernel": kernel, "clock": CLOCK}
    deconvolve_many(raw, out_denoised=expected, out_deconvolved=events, **common)
    deconvolve_many(raw, out_denoised=raw, out_deconvolved=events, **common)
    np.testing.assert_array_equal(raw, expected)


@pytest.mark.parametrize("kernel", [[1.0], [-0.2], [0.5, -0.9], [1.9, -0.89], [0.0, 0.0]])
def test_a_kernel_that_does_not_decay_is_refused(kernel):
    with pytest.raises(ValueError, match="of cell 0 does not decay"):
        deconvolve(np.zeros(N), kernel=np.array(kernel), clock=CLOCK)


def test_no_cells():
    nothing = np.empty((0, N), np.float32)
    fits = deconvolve_many(
        nothing,
        kernel=np.empty((0, 1)),
        clock=CLOCK,
        out_denoised=nothing,
        out_deconvolved=nothing,
    )
    assert fits.baseline.shape == (0,)
