"""The truth says of the pixels what they show: motion, footprints, activity, noise."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from simulated import frames_of, make

from miniscope_nwb.simulate import motion
from miniscope_nwb.simulate.activity import Activity
from miniscope_nwb.simulate.cells import make_cells
from miniscope_nwb.simulate.field import Field, _counts_since
from miniscope_nwb.simulate.levels import LEVELS, Level
from miniscope_nwb.simulate.options import SimulateOptions, level_of, n_cells, resolve

EDGE = 12  # pixels of the frame's edge that shifted frames do not cover


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    inner = np.s_[EDGE:-EDGE, EDGE:-EDGE]
    return float(np.corrcoef(a[inner].ravel(), b[inner].ravel())[0, 1])


def shift(frame: np.ndarray, x: float, y: float) -> np.ndarray:
    """Move the content of a frame right by x and down by y pixels."""
    matrix = np.array([[1, 0, x], [0, 1, y]], float)
    size = frame.shape[1], frame.shape[0]
    return cv2.warpAffine(frame.astype(np.float32), matrix, size, flags=cv2.INTER_CUBIC)


def test_the_stored_correction_brings_frames_onto_the_template(tmp_path, read_truth):
    result = make(tmp_path, width=120, height=88, motion=2.0, noise=0.5, level="easy", cameras=0)
    truth = read_truth(result.truth).processing["ophys"]
    correction = truth["xy_translation"].data[:]
    template = truth["SummaryImages"]["template"].data[:].T
    frames = frames_of(result.raw / "Miniscope")
    assert correction.shape == (40, 2)
    for axis in (0, 1):
        moved = np.abs(correction[:, axis]) > 1.5
        assert moved.any()
    far = np.hypot(*correction.T) > 1.5
    for frame, (x, y) in zip(frames[far], correction[far], strict=True):
        before, after = correlation(frame, template), correlation(shift(frame, x, y), template)
        wrong = correlation(shift(frame, y, x), template)  # axes confused
        assert after > 0.97
        assert after > before + 0.01
        assert after >= wrong or abs(x - y) < 1


def test_block_shifts_align_better_than_rigid_ones(tmp_path, read_truth):
    result = make(
        tmp_path, width=160, height=120, level="nonrigid", noise=0.5, cells=0, cameras=0, frames=25
    )
    truth = read_truth(result.truth).processing["ophys"]
    rigid, blocks = truth["xy_translation"].data[:], truth["BlockShifts"].data[:]
    table = truth["MotionBlocks"].to_dataframe()
    template = truth["SummaryImages"]["template"].data[:].T
    assert list(table.columns) == ["block", "x_start", "x_stop", "y_start", "y_stop"]
    assert table.x_stop.max() == 160
    assert table.y_stop.max() == 120
    assert blocks.shape == (25, len(table), 2)
    np.testing.assert_allclose(blocks.mean(axis=1), rigid, atol=1e-4)
    gains = []
    for number, frame in enumerate(frames_of(result.raw / "Miniscope")):
        grid = blocks[number].reshape(2, 2, 2).astype(np.float32)
        field = cv2.resize(grid, (160, 120), interpolation=cv2.INTER_CUBIC)
        x, y = np.meshgrid(np.arange(160, dtype=np.float32), np.arange(120, dtype=np.float32))
        bent = cv2.remap(
            frame.astype(np.float32), x - field[:, :, 0], y - field[:, :, 1], cv2.INTER_CUBIC
        )
        straight = shift(frame, *rigid[number])
        gains.append(correlation(bent, template) - correlation(straight, template))
    assert np.mean(gains) > 0.01
    assert np.mean(np.array(gains) > 0) > 0.8


def test_footprints_lie_where_the_pixels_change(tmp_path, read_truth):
    options = resolve(
        SimulateOptions(
            width=96, height=60, frames=120, cells=4, motion=0, noise=0, level="easy", cameras=0
        ),
        format="v4",
    )
    field = Field(options, device=0)
    options_only = dataclasses.replace(
        level_of(options), neuropil_grey=0.0, bleaching=0.0, dilation_rms_px=0.0
    )
    field.level = options_only
    with ThreadPoolExecutor(1) as workers:
        blocks = list(field.stream(np.arange(120), workers))
        frames = np.stack([frame for block in blocks for frame in block.frames]).astype(float)
    traces = np.concatenate([block.fluorescence for block in blocks])
    n_checked = 0
    for number, item in enumerate(field.cells.footprints):
        if field.cells.overlaps[number] or traces[:, number].max() < 10:
            continue
        mask = item.whole(60, 96)
        row, column = np.unravel_index(mask.argmax(), mask.shape)
        assert np.corrcoef(frames[:, row, column], traces[:, number])[0, 1] > 0.98
        map_ = np.cov(np.column_stack([traces[:, number], frames.reshape(120, -1)]).T)[0, 1:]
        inside = mask > 0
        assert np.corrcoef(map_.reshape(60, 96)[inside], mask[inside])[0, 1] > 0.9
        assert abs(field.cells.center_x[number] - column) < 6
        assert abs(field.cells.center_y[number] - row) < 6
        n_checked += 1
    assert n_checked >= 2


def test_stored_masks_are_width_by_height(tmp_path, read_truth):
    result = make(tmp_path, cells=5, cameras=0)
    plane = read_truth(result.truth).processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
    masks = plane["image_mask"].data
    assert masks.shape == (5, 64, 48)
    assert masks.chunks == (1, 64, 48)
    assert masks.dtype == np.float32
    for number in range(5):
        mask = masks[number]
        x, y = np.indices(mask.shape)
        assert (mask * x).sum() / mask.sum() == pytest.approx(plane["center_x"][number], abs=1e-3)
        assert (mask * y).sum() / mask.sum() == pytest.approx(plane["center_y"][number], abs=1e-3)
        assert np.count_nonzero(mask) == plane["npix"][number]


def test_overlaps_are_pairs_that_share_pixels():
    level = dataclasses.replace(LEVELS["moderate"], overlap_share=1.0, out_of_focus_share=0.0)
    cells = make_cells(6, width=300, height=200, level=level, seed=3, device=0)
    assert cells.overlaps.all()
    apart = dataclasses.replace(level, overlap_share=0.0)
    assert not make_cells(6, width=300, height=200, level=apart, seed=3, device=0).overlaps.any()


def test_cells_out_of_focus_are_larger_and_dimmer():
    sharp = dataclasses.replace(LEVELS["moderate"], out_of_focus_share=0.0)
    soft = dataclasses.replace(LEVELS["moderate"], out_of_focus_share=1.0)
    near, far = (
        make_cells(20, width=400, height=300, level=level, seed=1, device=0)
        for level in (sharp, soft)
    )
    areas = [np.median([(f.mask > 0.5).sum() for f in cells.footprints]) for cells in (near, far)]
    assert areas[1] > 2 * areas[0]
    assert np.median(far.amplitude) < 0.6 * np.median(near.amplitude)
    assert near.in_focus.all()
    assert not far.in_focus.any()


def test_a_spike_adds_a_transient_of_peak_one():
    activity = Activity(2, rate_hz=1000.0, burst_rate_hz=0.0, seed=0, device=0)
    activity._start = np.array([1.0, 0.0])  # one spike in the first frame
    activity._stop = 1.0
    activity._mean_spikes = 0.0
    _, first = activity.next_block()
    assert not first[:, 1].any()
    activity = Activity(1, rate_hz=100.0, burst_rate_hz=0.0, seed=0, device=0)
    activity._slow[:] = activity._fast[:] = 1.0
    _, calcium = activity.next_block()
    assert calcium.max() == pytest.approx(1.0, abs=0.01)
    assert calcium.argmax() == pytest.approx(12, abs=2)  # ln(10) * 0.5 * 0.05 / 0.45 s


def test_bursts_come_at_the_rate_of_the_level():
    activity = Activity(300, rate_hz=20.0, burst_rate_hz=0.2, seed=4, device=0)
    spikes = np.concatenate([activity.next_block()[0] for _ in range(8)])
    onsets = (spikes[1:] > 0) & (spikes[:-1] == 0)
    per_second = onsets.sum() / 300 / (len(spikes) / 20.0)
    assert 0.1 < per_second < 0.4


def test_spikes_of_lost_frames_are_counted_in_the_next_one():
    spikes = np.arange(12, dtype=np.float32).reshape(6, 2)
    counts, rest = _counts_since(spikes, np.array([1, 4]), np.array([100, 0], np.float32))
    np.testing.assert_array_equal(counts, [[102, 4], [18, 21]])
    np.testing.assert_array_equal(rest, [10, 11])
    counts, rest = _counts_since(spikes, np.array([], int), np.array([1, 1], np.float32))
    assert counts.shape == (0, 2)
    np.testing.assert_array_equal(rest, 1 + spikes.sum(axis=0))


def test_motion_has_the_size_that_was_asked_for():
    level = dataclasses.replace(LEVELS["nonrigid"], jerk_rate_hz=0.0)
    blocks = motion.make_blocks(300, 200)
    moving = motion.Motion(level, blocks, rate_hz=5.0, seed=2, device=0)
    pairs = [moving.next_block() for _ in range(40)]
    rigid = np.concatenate([pair[0] for pair in pairs])
    bend = np.concatenate([pair[1] for pair in pairs])
    assert rigid.std() == pytest.approx(level.motion_rms_px, rel=0.15)
    # The mean of the blocks is taken out, which leaves sqrt(1 - 1/n) of the deviation.
    wanted = level.nonrigid_rms_px * np.sqrt(1 - 1 / len(blocks))
    assert bend.std() == pytest.approx(wanted, rel=0.15)
    np.testing.assert_allclose(bend.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_array_equal(rigid, np.round(rigid * 32) / 32)
    assert np.abs(rigid).max() <= motion.farthest_px(level)


def test_noise_and_brightness_are_those_of_the_level(tmp_path):
    result = make(tmp_path, level="noise", cells=None, motion=0, noise=6.0, cameras=0)
    frames = frames_of(result.raw / "Miniscope").astype(float)
    assert result.n_cells == 0
    assert np.median(np.diff(frames, axis=0).std(axis=0)) / np.sqrt(2) == pytest.approx(6, rel=0.1)
    assert 60 < frames.mean() < 120
    assert frames.max() < 255
    assert frames.min() > 0


def test_options_replace_the_values_of_a_level():
    assert level_of(SimulateOptions(noise=9, motion=0)) == dataclasses.replace(
        LEVELS["moderate"], noise_grey=9, motion_rms_px=0, jerk_rate_hz=0, nonrigid_rms_px=0
    )
    assert n_cells(SimulateOptions(cells=7)) == 7
    assert n_cells(SimulateOptions()) == round(400 * 240 * 200 * 1.64e-3**2)


def test_the_page_holds_the_levels():
    from pathlib import Path

    page = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    assert f"| | {' | '.join(LEVELS)} |" in lines
    for item in dataclasses.fields(Level):
        row = next(line for line in lines if line.startswith(f"| `{item.name}`"))
        shown = [float(cell) for cell in row.strip("| ").split("|")[1:]]
        assert shown == [getattr(level, item.name) for level in LEVELS.values()], item.name
