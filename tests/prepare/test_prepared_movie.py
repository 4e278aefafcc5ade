"""What the prepared movie shows, against numpy on the raw frames."""

from __future__ import annotations

import numpy as np
import pytest
from prepared_fields import prepared, simulated

from miniscope_nwb.movie import ArrayMovie, FrameClock
from miniscope_nwb.prepare.movie import PreparedMovie, trend_at


def test_what_is_not_changed_passes_as_it_is(tmp_path):
    for frames in (simulated("easy"), simulated("easy").astype(np.uint16) * 9):
        found = prepared(frames, tmp_path)
        movie = PreparedMovie(ArrayMovie(frames), found)
        assert movie.dtype == frames.dtype
        np.testing.assert_array_equal(movie.read(7, 40), frames[7:40])
        assert found.crop == (0, 0, 168, 120)
        assert found.glow is found.vignette is found.trend is found.baseline is None


@pytest.mark.parametrize("corners", [(11, 9, 150, 100), (150, 9, 11, 100), (150, 100, 11, 9)])
def test_crop_by_corners_in_any_order(corners, tmp_path):
    frames = simulated("easy")
    found = prepared(frames, tmp_path, crop=corners)
    assert found.crop == (11, 9, 150, 100)
    movie = PreparedMovie(ArrayMovie(frames), found)
    assert (movie.height, movie.width) == (91, 139)
    np.testing.assert_array_equal(movie.read(3, 9), frames[3:9, 9:100, 11:150])
    assert movie.read(3, 9).flags.c_contiguous


@pytest.mark.parametrize("factor", [2, 3])
def test_binning_is_the_mean(factor, tmp_path):
    frames = simulated("easy")
    found = prepared(frames, tmp_path, spatial_factor=factor, crop=(2, 3, 168, 120))
    movie = PreparedMovie(ArrayMovie(frames), found)
    assert movie.dtype == np.float32
    down, across = 117 // factor, 166 // factor
    cut = frames[5:9, 3 : 3 + down * factor, 2 : 2 + across * factor].astype(float)
    expected = cut.reshape(4, down, factor, across, factor).mean(axis=(2, 4))
    np.testing.assert_allclose(movie.read(5, 9), expected, rtol=1e-6)
    assert found.cell_diameter_px == pytest.approx(7.3 / factor)


def with_defects(frames):
    """Pixels as broken sensors have them; returns where (x, y)."""
    rng = np.random.default_rng(3)
    frames[:, 20, 30] = 251  # stuck bright
    frames[:, 60, 101] = 0  # dead
    frames[:, 0, 77] = 90  # stuck at an ordinary value, at the edge
    frames[:, 88, 5] = (frames[:, 88, 5] + 45.0).clip(0, 255)  # hot
    frames[:, 89, 5] = (frames[:, 89, 5] + 60.0).clip(0, 255)  # its neighbour is hot, too
    frames[:, 40, 140] = np.where(rng.random(len(frames)) < 0.3, 220, 90)  # flickers
    return {(30, 20), (101, 60), (77, 0), (5, 88), (5, 89), (140, 40)}


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_defective_pixels_are_read_from_their_neighbours(level, tmp_path):
    clean = simulated(level)
    frames, said = clean.copy(), []
    places = with_defects(frames)
    found = prepared(frames, tmp_path, said=said)
    assert {tuple(pixel) for pixel in found.defective_pixels.tolist()} == places
    assert any("6 defective pixels" in sentence for sentence in said)
    mended = PreparedMovie(ArrayMovie(frames), found).read(0, 300)
    assert mended.dtype == np.uint8
    for x, y in places:
        # Noise, fixed pattern and the slope of the tissue are left, not the defect.
        assert abs(float(mended[:, y, x].mean()) - clean[:, y, x].mean()) < 4
    sound = np.ones(clean.shape[1:], bool)
    for x, y in places:
        sound[y, x] = False
    np.testing.assert_array_equal(mended[:, sound], clean[:, sound])
    inner = np.delete(frames[50, 19:22, 29:32].ravel(), 4)
    assert mended[50, 20, 30] == round(inner.mean())


def test_defects_are_named_in_raw_pixels_and_mended_before_binning(tmp_path):
    frames = simulated("easy")
    places = with_defects(frames)
    found = prepared(frames, tmp_path, crop=(20, 10, 160, 110), spatial_factor=2)
    inside = {(x, y) for x, y in places if 20 <= x < 160 and 10 <= y < 110}
    assert {tuple(pixel) for pixel in found.defective_pixels.tolist()} == inside
    binned = PreparedMovie(ArrayMovie(frames), found).read(0, 300).mean(axis=0)
    clean = simulated("easy")[:, 10:110, 20:160].reshape(300, 50, 2, 70, 2).mean(axis=(0, 2, 4))
    np.testing.assert_allclose(binned, clean, atol=3)
    kept = prepared(frames, tmp_path, mend_pixels=False)
    assert len(kept.defective_pixels) == 0


def test_bright_cells_and_vessels_that_stand_still_are_no_defects(tmp_path):
    """The hardest case: nothing moves, and a small bright cell fires all the time."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:120, :168]
    picture = 100 - 40 * (np.abs(x - 80 - 0.3 * y) < 3)  # a sharp vessel
    for row, column, sigma in [(30, 30, 1.2), (70, 40, 1.6), (90, 130, 2.5)]:
        picture = picture + 80 * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / sigma**2)
    frames = picture * rng.gamma(30, 1 / 30, (300, 1, 1)) ** 0.2 + rng.normal(0, 3, (300, 120, 168))
    found = prepared(frames.clip(0, 255).round().astype(np.uint8), tmp_path)
    assert len(found.defective_pixels) == 0


def test_recorded_intensities_know_only_crop_mending_and_binning(tmp_path):
    frames = simulated("moderate")
    places = with_defects(frames)
    choices = {"remove_glow": True, "detrend": "linear", "normalise": "dff", "spatial_factor": 2}
    found = prepared(frames, tmp_path, **choices)
    recorded = PreparedMovie(ArrayMovie(frames), found, recorded=True)
    plain = prepared(frames, tmp_path, spatial_factor=2)
    np.testing.assert_array_equal(
        recorded.read(0, 50), PreparedMovie(ArrayMovie(frames), plain).read(0, 50)
    )
    assert len(found.defective_pixels) == len(places)
    assert PreparedMovie(ArrayMovie(frames), found).read(0, 50).mean() < 1  # dF/F


def test_vignette_and_glow(tmp_path):
    frames = simulated("moderate", frames=400)
    y, x = np.meshgrid(np.linspace(-1, 1, 120), np.linspace(-1, 1, 168), indexing="ij")
    found = prepared(frames, tmp_path, remove_glow=True)
    truth = 1 - 0.3 * np.clip(x**2 + y**2, 0, 2)
    assert np.corrcoef(found.vignette.ravel(), truth.ravel())[0, 1] > 0.9
    assert found.vignette.max() == 1
    before = frames.mean(axis=0)

    def unevenness(picture):
        corners = picture[:20, :20], picture[-20:, :20], picture[:20, -20:], picture[-20:, -20:]
        return abs(np.median(corners) / np.median(picture[40:80, 60:110]) - 1)

    assert unevenness(before) > 0.25
    assert unevenness(before / found.vignette) < 0.5 * unevenness(before)
    values = PreparedMovie(ArrayMovie(frames), found).read(0, 400)
    np.testing.assert_allclose(values, (frames - found.glow) / found.vignette, atol=1e-2)
    assert (values.mean(axis=0) > 0).mean() > 0.97  # no more is taken off than the darkest sends


def bleached(times_s, segment, *, level=(1.0, 1.0)):
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:60, :88]
    tissue = 90 + 20 * np.sin(x / 15) + 10 * np.cos(y / 11)
    factor = np.where(segment == 0, level[0], level[1]) * (1 - 0.002 * times_s)
    return (tissue * factor[:, None, None] + rng.normal(0, 2, (len(times_s), 60, 88))).astype(
        np.float32
    )


@pytest.mark.parametrize("method", ["linear", "median"])
def test_bleaching_is_taken_off_in_true_time_and_each_recording_by_itself(method, tmp_path):
    n = 800
    segment = np.repeat([0, 1], n // 2)
    steps = np.ones(n, np.int64)
    steps[150] = 600  # half a minute is lost
    steps[n // 2] = 1
    times = np.cumsum(steps) / 20.0
    clock = FrameClock(times, steps, segment, 20.0)
    frames = bleached(times, segment, level=(1.0, 0.7))
    raw = ArrayMovie(frames, clock)
    found = prepared(raw, tmp_path, detrend=method, detrend_window_s=6.0)
    movie = PreparedMovie(raw, found)
    means = movie.read(0, n).mean(axis=(1, 2))
    # It bleaches by a tenth within the first recording, and the second is darker by 30 levels.
    assert np.ptp(frames.mean(axis=(1, 2))) > 30
    assert np.ptp(means) < 1.0
    assert means.mean() == pytest.approx(frames.mean(), abs=0.5)
    assert found.trend.images.shape[1:] == (60, 88)
    if method == "linear":
        assert len(found.trend.times_s) == 4  # two knots a recording
    assert (np.diff(found.trend.times_s) > 0).all()


def test_the_trend_leaves_cells_alone(tmp_path):
    frames = simulated("easy")
    found = prepared(frames, tmp_path, detrend="median", detrend_window_s=5.0)
    trend = trend_at(found.trend, 7.0)
    # Smooth over several cells: nothing of a cell's size is in it.
    assert np.abs(np.diff(trend, axis=0)).max() < 0.5
    np.testing.assert_array_equal(trend_at(found.trend, -5.0), found.trend.images[0])
    np.testing.assert_array_equal(trend_at(found.trend, 1e6), found.trend.images[-1])


def test_relative_change_and_root(tmp_path):
    frames = simulated("moderate")
    found = prepared(frames, tmp_path, normalise="dff")
    values = PreparedMovie(ArrayMovie(frames), found).read(20, 60)
    expected = (frames[20:60] - found.baseline) / found.baseline
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    assert abs(np.median(values)) < 0.05
    root = prepared(frames, tmp_path, normalise="sqrt")
    np.testing.assert_allclose(
        PreparedMovie(ArrayMovie(frames), root).read(20, 60),
        np.sqrt(frames[20:60].astype(float)),
        rtol=1e-6,
    )


def test_blocks_do_not_matter(tmp_path):
    frames = simulated("moderate")
    choices = {"remove_glow": True, "detrend": "median", "detrend_window_s": 4.0}
    movie = PreparedMovie(ArrayMovie(frames), prepared(frames, tmp_path, **choices))
    whole = movie.read(0, 300)
    np.testing.assert_array_equal(np.concatenate([movie.read(0, 37), movie.read(37, 300)]), whole)
