"""Which frames show an event, where nothing is, and what the pictures gather."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.metrics import null_place
from miniscope_nwb.metrics.cutout import Cutout
from miniscope_nwb.metrics.event_choice import (
    Disturbance,
    EventFrames,
    FrameChooser,
    choose,
    largest_peaks,
)
from miniscope_nwb.metrics.gather import Slots, event_pictures
from miniscope_nwb.metrics.neighbours import find_neighbours
from miniscope_nwb.metrics.pictures import flattened, match, near_pixels, place_mask, width_of
from miniscope_nwb.movie import ArrayMovie, regular_clock

N, HEIGHT, WIDTH = 400, 24, 34
CLOCK = regular_clock(N, rate_hz=20.0)
ALL = np.zeros(N, bool)


def index(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_an_event_is_three_frames_from_the_peak_and_the_second_before_its_onset():
    chosen = choose(FrameChooser(CLOCK, ALL), index(100), index(104), np.array([9.0]), most=30)
    assert (chosen.before.tolist(), chosen.onset.tolist()) == ([80], [100])
    assert (chosen.peak.tolist(), chosen.peak_stop.tolist()) == ([104], [107])


def test_events_without_a_second_before_are_left_out():
    steps = CLOCK.steps.copy()
    steps[200] = 9  # frames were lost before frame 200
    left_out = ALL.copy()
    left_out[285:300] = True
    chooser = FrameChooser(dataclasses.replace(CLOCK, steps=steps), left_out)
    peaks = index(5, 100, 206, 215, 305, 398)
    chosen = choose(chooser, peaks - 2, peaks, np.ones(6), most=30)
    assert chosen.peak.tolist() == [100, 215, 398]
    assert chosen.before.tolist() == [78, 200, 376]
    assert chosen.peak_stop.tolist() == [103, 218, 400]


def test_the_largest_events_are_taken_in_order_of_time():
    peaks = index(50, 100, 150, 200)
    chosen = choose(FrameChooser(CLOCK, ALL), peaks - 2, peaks, np.array([5, 9, 4, 7.0]), most=2)
    assert chosen.peak.tolist() == [100, 200]


def pair(share_row: int) -> csc_array:
    """Two footprints of four rows, the second lower by `share_row` rows."""
    field = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    field[4:8, 4:8, 0] = 1
    field[4 + share_row : 8 + share_row, 4:8, 1] = 1
    return csc_array(field.reshape(-1, 2))


def test_events_with_an_active_overlapping_neighbour_are_left_out():
    matrix, centers = pair(2), np.array([[5.5, 5.5], [5.5, 7.5]])
    denoised = np.zeros((2, N), np.float32)
    denoised[1, 90:110] = 10  # half of it is seen by the first cell
    denoised[1, 195:220] = 3
    traces = np.random.default_rng(0).normal(size=(2, N)).astype(np.float32)
    neighbours = find_neighbours(matrix, centers, traces, reach_px=3)
    quiet = Disturbance(0, neighbours, denoised)
    assert quiet.rise(80, 120) == pytest.approx(5)
    assert quiet.rise(95, 105) == 0  # as bright before as at the peak: nothing is added
    peaks = index(100, 200, 300)
    chosen = choose(
        FrameChooser(CLOCK, ALL),
        peaks - 2,
        peaks,
        np.ones(3),
        most=30,
        disturbance=quiet,
        height=np.full(3, 8.0),
    )
    assert chosen.peak.tolist() == [200, 300]


def test_where_a_neighbour_is_always_active_the_events_are_taken_that_outshine_it():
    matrix, centers = pair(2), np.array([[5.5, 5.5], [5.5, 7.5]])
    denoised = np.zeros((2, N), np.float32)
    denoised[1, 90:110], denoised[1, 195:220] = 10, 30
    traces = np.random.default_rng(0).normal(size=(2, N)).astype(np.float32)
    neighbours = find_neighbours(matrix, centers, traces, reach_px=3)
    peaks = index(100, 200)
    chosen = choose(
        FrameChooser(CLOCK, ALL),
        peaks - 2,
        peaks,
        np.ones(2),
        most=30,
        disturbance=Disturbance(0, neighbours, denoised),
        height=np.full(2, 8.0),
    )
    assert chosen.peak.tolist() == [100]


def test_a_second_component_on_the_same_cell_is_no_neighbour():
    trace = np.random.default_rng(1).normal(size=(1, N)).astype(np.float32)
    centers = np.array([[5.5, 5.5], [5.5, 6.5]])
    same = find_neighbours(pair(1), centers, np.repeat(trace, 2, axis=0), reach_px=3)
    assert Disturbance(0, same, 10 * np.abs(np.repeat(trace, 2, axis=0))).rise(0, N) == 0


def test_largest_peaks_are_a_second_apart():
    trace = np.zeros(N, np.float32)
    trace[[50, 58, 90, 3, 200]] = [5, 4.9, 4, 9, 3]
    trace[300] = np.nan
    chosen = largest_peaks(trace, FrameChooser(CLOCK, ALL), CLOCK, most=3)
    assert chosen.peak.tolist() == [50, 90, 200]  # 58 is too near, 3 has no second before
    assert chosen.onset.tolist() == [47, 87, 197]
    assert len(largest_peaks(trace, FrameChooser(CLOCK, ALL), CLOCK, most=0)) == 0


def frames_at(before: int, onset: int, peak: int, stop: int) -> EventFrames:
    return EventFrames(index(before), index(onset), index(peak), index(stop))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_pictures_are_the_mean_at_the_events_minus_the_mean_before(n_threads):
    rng = np.random.default_rng(4)
    frames = rng.normal(100, 10, (N, HEIGHT, WIDTH)).astype(np.float32)
    frames[:, :, :3] = np.nan  # never seen
    frames[51, :, 10] = np.nan
    left_out = ALL.copy()
    left_out[42] = True
    none = EventFrames(*(np.empty(0, np.int64) for _ in range(4)))
    events = [frames_at(40, 48, 50, 53)] * 3 + [none]
    slots = Slots(index(6, 28, 1, 0), index(1, 16, -2, 0), 9, events)
    found = event_pictures(ArrayMovie(frames), slots, left_out, n_threads=n_threads)
    used = [40, 41, 43, 44, 45, 46, 47]
    peak = frames[50:53].astype(float)
    peak[:, :, 10] = peak[[0, 2], :, 10].mean(axis=0)  # of the two frames that saw the column
    expected = peak.mean(0) - frames[used].astype(float).mean(0)
    assert found.shape == (4, 9, 9)
    assert found[0] == pytest.approx(expected[1:10, 6:15], abs=1e-4)
    assert found[1, :8, :6] == pytest.approx(expected[16:, 28:], abs=1e-4)
    assert np.isnan(found[1, 8:]).all()  # beyond the edges of the field
    assert np.isnan(found[1, :, 6:]).all()
    assert np.isnan(found[2, :2]).all()
    assert np.isnan(found[2, :, :2]).all()  # columns that were never seen
    assert found[2, 2:, 2:] == pytest.approx(expected[:7, 3:10], abs=1e-4)
    assert np.isnan(found[3]).all()  # no event


def test_pictures_do_not_depend_on_the_number_of_threads():
    frames = np.random.default_rng(5).normal(size=(N, HEIGHT, WIDTH)).astype(np.float32)
    events = EventFrames(index(10, 60), index(30, 80), index(33, 82), index(36, 85))
    slots = Slots(index(3), index(4), 11, [events])
    one, two = (event_pictures(ArrayMovie(frames), slots, ALL, n_threads=n) for n in (1, 2))
    assert np.array_equal(one, two)


def test_only_frames_that_are_needed_are_read():
    class Watched(ArrayMovie):
        def read(self, start, stop):
            asked.extend(range(start, stop))
            return super().read(start, stop)

    asked: list[int] = []
    frames = np.zeros((N, HEIGHT, WIDTH), np.float32)
    slots = Slots(index(0, 2), index(0, 2), 5, [frames_at(40, 60, 63, 66)] * 2)
    event_pictures(Watched(frames), slots, ALL, n_threads=1)
    assert asked == [*range(40, 60), 63, 64, 65]


def test_displaced_footprints_lie_where_no_footprint_is_and_inside_the_region():
    mask = np.ones((4, 5), np.float32)
    items = [Cutout(mask, 2, 3), Cutout(mask, 2, 8), Cutout(mask, 12, 20)]
    taken = null_place.occupied(items, height=HEIGHT, width=WIDTH, least=0.1)
    assert taken.sum() == 60
    region = np.zeros((HEIGHT, WIDTH), bool)
    region[2:-2, 2:-2] = True
    moves = null_place.displacements(items, taken, region)
    assert moves[0].tolist() == [0, 4]  # just below: x does not change
    for item, (dx, dy) in zip(items, moves.tolist(), strict=True):
        place = np.s_[item.top + dy : item.top + dy + 4, item.left + dx : item.left + dx + 5]
        assert not taken[place].any()
        assert region[place].all()
        assert region[place].size == 20


def test_displaced_footprints_go_to_the_nearest_free_place():
    """However far that is, and where the field is nearly full."""
    rng = np.random.default_rng(4)
    taken = np.ones((150, 170), bool)
    for _ in range(12):
        y, x = rng.integers(0, 140), rng.integers(0, 160)
        taken[y : y + 7, x : x + 8] = False
    items = [
        Cutout(np.ones((4, 5), np.float32), int(rng.integers(0, 165)), int(rng.integers(0, 146)))
        for _ in range(30)
    ]
    moves = null_place.displacements(items, taken, np.ones_like(taken))
    windows = np.lib.stride_tricks.sliding_window_view(taken, (4, 5))
    tops, lefts = np.nonzero(~windows.any(axis=(2, 3)))
    for item, (dx, dy) in zip(items, moves.tolist(), strict=True):
        far = (tops - item.top) ** 2 + (lefts - item.left) ** 2
        assert dx**2 + dy**2 == far.min()
        assert not windows[item.top + dy, item.left + dx].any()


def test_a_full_field_has_no_place_without_a_cell():
    items = [Cutout(np.ones((5, 5), np.float32), 2, 3)]
    full = np.ones((HEIGHT, WIDTH), bool)
    moves = null_place.displacements(items, full, full)
    assert (moves == null_place.NOWHERE).all()
    weights = null_place.null_weights(items, moves, full, diameter_px=5)
    assert weights.shape == (HEIGHT * WIDTH, 2)
    assert weights.nnz == 0


def test_null_traces_read_a_source_above_its_surround(tmp_path):
    """A source of the footprint's form has its own grey levels; what is everywhere, none."""
    mask = np.array([[0.5, 1, 0.5]] * 4, np.float32)
    items = [Cutout(mask, 3, 4)]
    taken = null_place.occupied(items, height=HEIGHT, width=WIDTH, least=0.1)
    moves = index(12, 9).reshape(1, 2)
    activity = np.random.default_rng(6).normal(0, 5, N)
    glow = np.random.default_rng(7).normal(0, 20, N)
    frames = np.full((N, HEIGHT, WIDTH), 50.0, np.float32)
    frames[:, 12:16, 16:19] += activity[:, None, None].astype(np.float32) * mask
    frames += glow[:, None, None].astype(np.float32)
    mean = frames.mean(axis=0)
    weights = null_place.null_weights(items, moves, taken, diameter_px=4)
    found = null_place.null_traces(
        ArrayMovie(frames), weights, mean, path=tmp_path / "null.npy", n_threads=2
    )
    assert found.shape == (2, 1, N)
    for half in found[:, 0]:
        assert half == pytest.approx(activity - activity.mean(), abs=1e-3)


def test_the_movie_is_read_in_short_blocks(tmp_path):
    """Little is made of a frame in these passes, so little of the movie is held at a time."""
    frames = np.broadcast_to(np.float32(1), (1000, 300, 400))  # 480 kB a frame, no memory
    longest = []

    class Watched(ArrayMovie):
        def read(self, start, stop):
            longest.append(stop - start)
            return super().read(start, stop)

    weights = csc_array(np.ones((300 * 400, 2), np.float32))
    mean = np.full((300, 400), 0.5, np.float32)
    mean[0, 0] = np.nan  # never seen
    found = null_place.null_traces(
        Watched(frames), weights, mean, path=tmp_path / "null.npy", n_threads=1
    )
    assert max(longest) == 10
    assert found == pytest.approx(0.5 * (300 * 400 - 1) + 1)


def test_a_mask_is_drawn_where_the_picture_lies():
    mask = np.arange(1, 13, dtype=np.float32).reshape(3, 4) / 12
    picture = place_mask(Cutout(mask, 10, 20), left=18, top=9, side=7)
    assert picture[1:4, 2:6] == pytest.approx(mask)
    assert picture.sum() == pytest.approx(mask.sum())
    cut = place_mask(Cutout(mask, 10, 20), left=22, top=11, side=7)
    assert cut[:2, :2] == pytest.approx(mask[1:, 2:])
    assert not place_mask(Cutout(mask, 10, 20), left=40, top=9, side=7).any()


def test_near_pixels_are_the_mask_and_a_disc():
    mask = np.zeros((21, 25), np.float32)
    mask[10, 4:21] = 1
    near = near_pixels(mask, 3.0)
    assert near[10].sum() == 17
    assert near[:, 12].sum() == 7
    assert not near_pixels(np.zeros((5, 6), np.float32), 3).any()


def test_flattening_takes_the_plane_off_and_leaves_the_cell():
    rows, columns = np.indices((21, 21))
    cell = 8 * np.exp(-((rows - 10) ** 2 + (columns - 9) ** 2) / 8.0)
    is_free = np.hypot(rows - 10, columns - 9) > 7
    picture = (cell + 3 - 0.4 * rows + 0.7 * columns).astype(np.float32)
    picture[0, 0] = np.nan
    flat = flattened(picture, is_free)
    assert np.isnan(flat[0, 0])
    assert np.nanmax(np.abs(flat - cell)) < 0.05
    crowded = np.zeros((21, 21), bool)
    crowded[5, 5:10] = True
    level = np.median(picture[5, 5:10])
    assert flattened(picture, crowded)[3, 4] == pytest.approx(picture[3, 4] - level)
    none = np.zeros((21, 21), bool)
    assert flattened(picture, none)[3, 4] == picture[3, 4]


def test_match_and_width_of_a_picture():
    rows, columns = np.indices((41, 41))
    away = np.hypot(rows - 20, columns - 20)
    small = np.exp(-0.5 * (away / 2) ** 2).astype(np.float32)
    wide = (7 * np.exp(-0.5 * (away / 5) ** 2)).astype(np.float32)
    everywhere = np.ones((41, 41), bool)
    assert match(3 * small + 2, small, everywhere) == pytest.approx(1)
    assert match(-small, small, everywhere) == pytest.approx(-1)
    assert width_of(3 * small, small, everywhere) == pytest.approx(2 * 2.355, rel=0.08)
    # A small footprint on something wide: what is seen there is wide (its top is the reference).
    assert width_of(wide, small, everywhere) == pytest.approx(2 * 5 * 1.177, rel=0.05)
    assert np.isnan(width_of(-small, small, everywhere))
