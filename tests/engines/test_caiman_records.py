"""What CaImAn gets and what it gives back, translated: pixels, frames, shifts, parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csc_matrix, random_array

from miniscope_nwb.deconvolve import indicator_decay_s
from miniscope_nwb.engines.base import Scale, Task
from miniscope_nwb.engines.caiman.components import (
    c_order,
    footprints_of,
    reasons_of,
    ring_of,
)
from miniscope_nwb.engines.caiman.handover import map_path, write_frames, write_map
from miniscope_nwb.engines.caiman.motion import to_motion_result
from miniscope_nwb.engines.caiman.parameters import extract_values, motion_values
from miniscope_nwb.engines.caiman.prediction import predict
from miniscope_nwb.engines.caiman.timeline import even_timeline, same_timeline
from miniscope_nwb.engines.caiman.worker.settings import UnknownParameterError, placed
from miniscope_nwb.errors import EngineError
from miniscope_nwb.movie import ArrayMovie, FrameClock, regular_clock
from miniscope_nwb.testing.jobs import extract_job, motion_job, resources

HEIGHT, WIDTH, N_FRAMES = 18, 25, 40
NONE_OUT = np.zeros(N_FRAMES, bool)


class HalfSeen(ArrayMovie):
    """A movie whose frames move in from the left: their first columns were not seen."""

    def seen(self, start, stop):
        bounds = super().seen(start, stop)
        bounds[:, 2] = 3
        bounds[:, 1] = self.height - 2
        return bounds


@pytest.fixture
def frames():
    return np.random.default_rng(1).integers(0, 200, (N_FRAMES, HEIGHT, WIDTH), dtype=np.uint8)


def read_map(path, timeline):
    """Read the map as CaImAn does: pixels, columns first, by frames."""
    flat = np.memmap(path, np.float32, "r", shape=(HEIGHT * WIDTH, timeline.n_handed))
    return flat.T.reshape((timeline.n_handed, HEIGHT, WIDTH), order="F")


@pytest.mark.parametrize("memory", [4 << 30, 8 * 7 * 4 * HEIGHT * WIDTH])  # in one go, 7 at a time
def test_map_is_the_movie(tmp_path, frames, memory):
    movie, timeline = ArrayMovie(frames), same_timeline(NONE_OUT)
    path = map_path(movie, timeline, tmp_path)
    write_map(movie, timeline, path, resources(tmp_path, max_memory_bytes=memory))
    assert path.name == "movie_d1_18_d2_25_d3_1_order_C_frames_40.mmap"
    assert np.array_equal(read_map(path, timeline), frames)


def test_unseen_pixels_are_filled_from_the_nearest(tmp_path, frames):
    floating = frames.astype(np.float32)
    floating[:, :, :3] = np.nan
    floating[:, -2:] = np.nan
    movie, timeline = HalfSeen(floating), same_timeline(NONE_OUT)
    path = map_path(movie, timeline, tmp_path)
    write_map(movie, timeline, path, resources(tmp_path))
    handed = read_map(path, timeline)
    assert np.isfinite(handed).all()
    assert np.array_equal(handed[:, 5, 0], frames[:, 5, 3])
    assert np.array_equal(handed[:, -1, 9], frames[:, -3, 9])
    assert np.array_equal(handed[:, -1, 0], frames[:, -3, 3])


def test_frames_left_out_are_made_of_their_neighbours(tmp_path, frames):
    left_out = NONE_OUT.copy()
    left_out[[0, 10, 11, 39]] = True
    timeline = same_timeline(left_out)
    assert timeline.n_made == 4
    write_frames(ArrayMovie(frames), timeline, tmp_path / "f.npy", resources(tmp_path))
    handed = np.load(tmp_path / "f.npy")
    assert handed.dtype == np.uint8
    assert np.array_equal(handed[0], frames[1])
    assert np.array_equal(handed[39], frames[38])
    expected = np.rint(frames[9] * (2 / 3) + frames[12] / 3)
    assert np.abs(handed[10] - expected).max() <= 1  # rounded once more
    kept = ~left_out
    assert np.array_equal(handed[kept], frames[kept])


def test_time_goes_on_in_a_gap():
    """Lost frames are put in, but no more than it takes to forget the calcium."""
    steps = np.ones(N_FRAMES, np.int64)
    steps[5], steps[20] = 4, 10_000
    segment = np.repeat([0, 1], [30, 10])
    clock = FrameClock(np.cumsum(steps) / 10.0, steps, segment, 10.0)
    timeline = even_timeline(clock, NONE_OUT, decay_s=0.4)
    added = np.diff(timeline.place) - 1
    assert np.flatnonzero(added).tolist() == [4, 19, 29]
    assert added[[4, 19, 29]].tolist() == [3, 20, 20]
    assert timeline.n_made == 43
    assert np.array_equal(timeline.before[timeline.place], np.arange(N_FRAMES))
    between = slice(timeline.place[4] + 1, timeline.place[5])
    assert timeline.weight[between].tolist() == pytest.approx([0.25, 0.5, 0.75])


def test_nothing_but_frames_left_out():
    with pytest.raises(EngineError, match="every frame of the movie is left out"):
        same_timeline(np.ones(5, bool))


def test_shifts_are_x_then_y():
    left_out = NONE_OUT.copy()
    left_out[7] = True
    rigid = np.stack([np.arange(40) / 10, -np.arange(40) / 20], axis=1)  # rows, columns
    rigid[7] = 99
    rigid[30] = [0, 12]
    blocks = np.stack([rigid, rigid + 1, rigid + 2, rigid + 3], axis=1)
    arrays = {
        "rigid": rigid, "blocks": blocks, "template": np.zeros((HEIGHT, WIDTH)),
        "row_start": np.array([0, 6]), "column_start": np.array([0, 13]), "size": np.full(2, 12),
    }  # fmt: skip
    found = to_motion_result(
        arrays, is_left_out=left_out, max_shift_px=12, derived=(), versions={"engine": "caiman 1"}
    )
    assert found.shifts_px[6] == pytest.approx([-0.3, 0.6])
    assert found.shifts_px[7] == pytest.approx([-0.35, 0.7])
    assert np.flatnonzero(~found.is_registered).tolist() == [7, 30]
    assert found.block_shifts_px[6, 3] == pytest.approx([2.7, 3.6])
    assert found.blocks.x_start.tolist() == [0, 13, 0, 13]
    assert found.blocks.y_stop.tolist() == [12, 12, 18, 18]


def test_footprints_are_turned_and_scaled():
    image = np.zeros((HEIGHT, WIDTH))
    image[4, 9], image[5, 9], image[5, 10] = 0.6, 0.3, -0.1
    cut = np.zeros((HEIGHT, WIDTH))
    cut[0, 0] = 1
    region = np.ones((HEIGHT, WIDTH), bool)
    region[0] = False
    matrix = csc_matrix(np.stack([image.ravel(order="F"), cut.ravel(order="F")], axis=1))
    found, factors = footprints_of(matrix, height=HEIGHT, width=WIDTH, region=region)
    assert factors.tolist() == [0.6, 0]
    mask = found[:, [0]].toarray().reshape(HEIGHT, WIDTH)
    assert mask[4, 9] == 1
    assert mask[5, 9] == pytest.approx(0.5)
    assert np.count_nonzero(mask) == 2
    assert found[:, [1]].nnz == 0


def test_ring_keeps_its_neighbours():
    """The background of CaImAn's model, in its order, is that of ours, in ours."""
    rng = np.random.default_rng(3)
    rows, columns = 9, 13  # binned by 2, the last column half filled
    weights = random_array((rows * columns, rows * columns), density=0.1, rng=rng)
    picture = rng.normal(size=(rows, columns))
    theirs = (weights @ picture.ravel(order="F")).reshape((rows, columns), order="F")
    narrow = csc_matrix(weights)[:, : rows * columns - 3]  # the last columns may be missing
    b0 = rng.normal(size=HEIGHT * WIDTH)
    ring = ring_of(csc_matrix(weights), b0, height=HEIGHT, width=WIDTH, radius_px=5.0)
    assert ring.factor == 2
    np.testing.assert_allclose(
        (ring.weights @ picture.ravel()).reshape(rows, columns), theirs, 1e-4
    )
    assert ring.b0[4, 7] == pytest.approx(b0[7 * HEIGHT + 4])
    assert ring_of(narrow, b0, height=HEIGHT, width=WIDTH, radius_px=5.0).weights.shape == (
        117,
        117,
    )
    assert c_order(2, 3).tolist() == [0, 3, 1, 4, 2, 5]


def test_reasons_name_the_rule():
    scores = {"snr": np.array([5.0, 2.0, 0.2]), "r_value": np.array([0.5, 0.6, 0.9])}
    quality = {"min_SNR": 3, "SNR_lowest": 0.5, "rval_thr": 0.85, "rval_lowest": -1}
    assert reasons_of(np.array([True, False, False]), scores, quality) == (
        "CaImAn: SNR 5.00 reaches 3",
        "CaImAn: SNR 2.00 below 3, r 0.60 below 0.85",
        "CaImAn: SNR 0.20 not above 0.5",
    )


def test_sizes_follow_the_cells(frames):
    job = extract_job(ArrayMovie(frames))
    job = replace(job, images=replace(job.images, cell_diameter_px=10.0))
    values = extract_values(job).values
    assert values["init"]["gSig"] == [4, 4]
    assert values["init"]["gSiz"] == [17, 17]
    assert values["init"]["ring_size_factor"] * 17 == pytest.approx(15)
    assert values["init"]["nb"] == 0
    assert values["init"]["ssub_B"] == 2
    assert values["patch"]["rf"] is None  # the field is smaller than a patch
    large = replace(job, movie=ArrayMovie(np.zeros((3, 90, 70), np.uint8)))
    assert extract_values(large).values["patch"]["rf"] == 40
    assert extract_values(large).values["patch"]["stride"] == 15
    assert values["preprocess"]["p"] == 2
    assert values["quality"] == {
        "min_SNR": 3.0, "rval_thr": 0.85, "use_cnn": False, "min_cnn_thr": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("indicator", ["", "jGCaMP8m", "gcamp 8s", "AAV1-GCaMP6f", "R-CaMP"])
def test_every_engine_starts_from_the_same_decay(frames, indicator):
    job = extract_job(ArrayMovie(frames))
    named = replace(job, scale=replace(job.scale, indicator=indicator))
    decay_s = extract_values(named).values["data"]["decay_time"]
    assert decay_s == indicator_decay_s(indicator)


def test_decay_by_the_indicator(frames):
    job = extract_job(ArrayMovie(frames))
    slow = replace(job, scale=Scale(1.6, 8.0, "jGCaMP6s (AAV9)"))
    values = extract_values(slow).values
    assert values["data"]["decay_time"] == 1.8
    assert values["preprocess"]["p"] == 1
    given = replace(job, params=job.params.model_copy(update={"decay_time_s": 0.7}))
    assert extract_values(given).values["data"]["decay_time"] == 0.7


def test_what_the_user_passes_is_not_derived(frames):
    values = extract_values(extract_job(ArrayMovie(frames)))
    extra = {"min_pnr": 5, "init": {"gSig": [2, 2]}}
    names = {item.parameter for item in values.derived(extra)}
    assert not names & {"init.min_pnr", "init.gSig"}
    assert {"init.min_corr", "init.gSiz"} <= names


def test_blocks_are_smaller_than_the_field(frames):
    values = motion_values(motion_job(ArrayMovie(frames)), is_piecewise=True).values["motion"]
    for side, stride, overlap in zip(
        (HEIGHT, WIDTH), values["strides"], values["overlaps"], strict=True
    ):
        assert stride + overlap < side
    assert values["pw_rigid"]
    assert values["max_shifts"] == [13, 13]  # 20 um of 1.64 um a pixel


def test_names_are_placed_where_caiman_has_them():
    known = {"init": {"nb": 1, "gSig": 2}, "temporal": {"nb": 1, "p": 2}, "preprocess": {"p": 1}}
    assert placed({"p": 1, "nb": 0, "init": {"gSig": 3}}, known) == [
        ("temporal", "p", 1),
        ("preprocess", "p", 1),
        ("init", "nb", 0),
        ("init", "gSig", 3),
    ]
    with pytest.raises(UnknownParameterError, match="'gsig'; the nearest is 'gSig'"):
        placed({"gsig": 3}, known)


def test_prediction_grows_with_the_movie():
    task = Task(n_frames=1000, height=300, width=300, itemsize=1, n_cells=50, n_threads=2)
    twice = predict(replace(task, n_frames=2000))
    assert twice.scratch_bytes == pytest.approx(2 * predict(task).scratch_bytes, abs=2)
    assert twice.seconds["extract"] > predict(task).seconds["extract"]
    assert regular_clock(3, rate_hz=10.0).n_frames == 3
