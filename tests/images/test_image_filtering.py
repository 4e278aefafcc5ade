"""The spatial filter and the measures on filtered frames, against direct computation."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.images.correlation import (
    LocalCorrelation,
    NoiseAndPeak,
    median_of_frames,
    peak_to_noise,
)
from miniscope_nwb.images.filtering import center_surround_kernel, highpass

HEIGHT, WIDTH = 34, 45


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def direct_filter(frame, kernel):
    """The definition: each output is the sum of kernel times window, edges mirrored."""
    radius = len(kernel) // 2
    padded = np.pad(frame.astype(float), radius, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


def direct_correlation(values):
    """Mean of the Pearson correlations with up to eight neighbours, by numpy alone."""
    _, height, width = values.shape
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            found = []
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    there = y + down, x + right
                    if (down, right) == (0, 0) or not (
                        0 <= there[0] < height and 0 <= there[1] < width
                    ):
                        continue
                    a, b = values[:, y, x], values[:, there[0], there[1]]
                    both = a.std() * b.std()
                    found.append(((a - a.mean()) * (b - b.mean())).mean() / both if both else 0)
            out[y, x] = np.mean(found)
    return out


@pytest.mark.parametrize("diameter", [3.0, 6.3, 7.3, 12.0, 60.0])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_highpass_is_the_exact_convolution(rng, diameter, dtype):
    kernel = center_surround_kernel(diameter)
    frames = rng.integers(0, 250, (2, HEIGHT, WIDTH)).astype(dtype)
    filtered = highpass(frames, kernel)
    assert filtered.dtype == np.float32
    assert abs(kernel.array().sum()) < 1e-5
    for frame, out in zip(frames, filtered, strict=True):
        np.testing.assert_allclose(out, direct_filter(frame, kernel.array()), atol=2e-3)


def test_highpass_takes_nothing_from_where_a_frame_was_not_seen(rng):
    kernel = center_surround_kernel(7.0)
    frames = rng.normal(size=(2, HEIGHT, WIDTH)).astype(np.float32)
    seen = np.array([[3, HEIGHT, 0, WIDTH - 4], [0, 0, 0, 0]])
    frames[0, :3], frames[0, :, -4:], frames[1] = np.nan, np.nan, np.nan
    filtered = highpass(frames, kernel, seen=seen)
    inside = np.s_[3:, : WIDTH - 4]
    np.testing.assert_array_equal(filtered[0][inside], highpass(frames[:1][:, 3:, :-4], kernel)[0])
    assert np.isnan(filtered[0, :3]).all()
    assert np.isnan(filtered[0, :, -4:]).all()
    assert np.isnan(filtered[1]).all()


def test_noise_is_that_of_fast_fluctuations(rng):
    time = np.arange(1200)
    slow = 30 * np.sin(2 * np.pi * time / 200)[:, None, None]  # as slow as calcium
    frames = (slow + rng.normal(0, 2.0, (1200, 9, 11))).astype(np.float32)
    parts = [NoiseAndPeak(9, 11), NoiseAndPeak(9, 11)]
    parts[0].add(frames[:500])
    parts[1].add(frames[500:])
    parts[0].merge(parts[1])
    # 1196 second differences, correlated: about 5 % for a pixel.
    np.testing.assert_allclose(parts[0].noise, 2.0, rtol=0.2)
    assert parts[0].noise.mean() == pytest.approx(2.0, rel=0.02)
    np.testing.assert_array_equal(parts[0].peak, frames.max(axis=0))


def test_unseen_pixels_have_no_part_in_noise_and_peak(rng):
    frames = rng.normal(0, 1, (60, 9, 11)).astype(np.float32)
    seen = np.tile([0, 9, 2, 11], (60, 1))
    frames[:, :, :2] = np.nan
    seen[30], frames[30] = [0, 4, 2, 11], np.where(np.arange(9)[:, None] < 4, frames[30], np.nan)
    both = NoiseAndPeak(9, 11)
    both.add(frames, seen=seen)
    assert np.isnan(both.noise[:, :2]).all()
    assert np.isnan(both.peak[:, :2]).all()
    np.testing.assert_array_equal(both.peak[:, 2:], np.nanmax(frames[:, :, 2:], axis=0))
    second = frames[:-2] - 2 * frames[1:-1] + frames[2:]
    expected = np.sqrt(np.nanmean(second[:, :, 2:].astype(float) ** 2, axis=0) / 6)
    # Clipped, and corrected for it: not the same number, but the same noise.
    np.testing.assert_allclose(both.noise[:, 2:], expected, rtol=0.25)
    assert both.noise[:, 2:].mean() == pytest.approx(expected.mean(), rel=0.03)


def test_onsets_of_bright_transients_are_no_noise(rng):
    frames = rng.normal(0, 1, (600, 6, 8))
    quiet = NoiseAndPeak(6, 8)
    quiet.add(frames.astype(np.float32))
    decay = 60 * np.exp(-np.arange(30) / 10)
    for start in range(20, 560, 45):
        frames[start : start + 30] += decay[:, None, None]
    active = NoiseAndPeak(6, 8)
    for start in range(0, 600, 50):
        active.add(frames[start : start + 50].astype(np.float32))
    assert active.noise.mean() == pytest.approx(quiet.noise.mean(), rel=0.1)


@pytest.mark.parametrize("sigmas", [-np.inf, 0.5])
def test_local_correlation_is_the_mean_over_neighbours(rng, sigmas):
    common = rng.normal(0, 1, (300, 1, 1))
    frames = (common * rng.random((1, 8, 11)) + rng.normal(0, 0.5, (300, 8, 11))).astype(np.float32)
    baseline, noise = np.median(frames, axis=0), np.full((8, 11), 0.5, np.float32)
    above = frames.astype(float) - baseline
    values = np.where(above > sigmas * 0.5, above, 0)
    parts = LocalCorrelation(baseline, noise, sigmas=sigmas)
    for start in (0, 100, 200):
        part = parts.empty_copy()
        part.add(frames[start : start + 100])
        parts.merge(part)
    np.testing.assert_allclose(parts.result(), direct_correlation(values), atol=1e-4)


def test_a_blinking_blob_correlates_and_white_noise_does_not(rng):
    kernel = center_surround_kernel(7.0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    blob = np.exp(-0.5 * ((y - 15) ** 2 + (x - 25) ** 2) / 2.5**2)
    trace = np.where(np.arange(400) % 80 < 8, 12.0, 0)
    frames = 60 + trace[:, None, None] * blob + rng.normal(0, 3, (400, HEIGHT, WIDTH))
    filtered = highpass(frames, kernel)
    found = NoiseAndPeak(HEIGHT, WIDTH)
    found.add(filtered)
    baseline = median_of_frames(filtered)
    correlation = LocalCorrelation(baseline, found.noise)
    correlation.add(filtered)
    pnr = peak_to_noise(found.peak, baseline, found.noise)
    image = correlation.result()
    far = np.hypot(y - 15, x - 25) > 14
    best = np.unravel_index((image * pnr).argmax(), image.shape)  # what seeding goes by
    assert np.hypot(best[0] - 15, best[1] - 25) <= 1
    assert image[15, 25] > 0.85
    assert np.median(image[far]) < 0.4
    assert pnr[15, 25] > 2 * np.percentile(pnr[far], 99)


def test_a_pixel_without_change_has_no_correlation_and_an_unseen_one_is_nan():
    frames = np.zeros((20, 5, 7), np.float32)
    frames[:, :, 6] = np.nan
    seen = np.tile([0, 5, 0, 6], (20, 1))
    correlation = LocalCorrelation(np.zeros((5, 7), np.float32), np.ones((5, 7), np.float32))
    correlation.add(frames, seen=seen)
    image = correlation.result()
    assert (image[:, :6] == 0).all()
    assert np.isnan(image[:, 6]).all()
    ratio = peak_to_noise(frames[0], frames[0] * 0, frames[0] * 0)
    assert (ratio[:, :6] == 0).all()
    assert np.isnan(ratio[:, 6]).all()


def test_median_leaves_unseen_values_out(rng):
    frames = rng.normal(size=(21, 6, 9)).astype(np.float32)
    frames[rng.random(frames.shape) < 0.3] = np.nan
    frames[:, 2, 3] = np.nan
    found = median_of_frames(frames)
    assert np.isnan(found[2, 3])
    keep = ~np.isnan(found)
    np.testing.assert_allclose(found[keep], np.nanmedian(frames[:, keep], axis=0), rtol=1e-6)
