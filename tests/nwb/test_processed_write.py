"""What a run writes: every number where the file says it stands."""

from __future__ import annotations

import warnings

import h5py
import made_runs as made
import numpy as np
import pytest
from made_runs import CROP, FACTOR, HEIGHT, INNER, TIMES, WIDTH, N
from pynwb import NWBHDF5IO, validate

from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.nwb.recording_file import input_hash


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Path of a file with one run, and the run."""
    path = made.raw_file(tmp_path_factory.mktemp("written") / "x.nwb")
    run = made.make_run(path, n_blocks=(2, 3), with_engine=True)
    write_run(path, run, movie=made.corrected_movie())
    return path, run


@pytest.fixture(scope="module")
def nwb(written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        io = NWBHDF5IO(written[0], "r")
        file = io.read()
    yield file
    io.close()


@pytest.fixture(scope="module")
def ophys(nwb):
    return nwb.processing["ophys"]


def whole(image: np.ndarray) -> np.ndarray:
    """A prepared image where it belongs in the raw field, as NWB has it: (width, height)."""
    out = np.full((WIDTH, HEIGHT), np.nan, image.dtype)
    for x in range(INNER[1] * FACTOR):
        for y in range(INNER[0] * FACTOR):
            out[CROP[0] + x, CROP[1] + y] = image[y // FACTOR, x // FACTOR]
    return out


def test_the_shifts_are_corrections_in_raw_pixels(written, nwb, ophys):
    run = written[1]
    stack = ophys["MotionCorrection"]["CorrectedImageStack"]
    assert stack.original is nwb.acquisition["Movie"]
    np.testing.assert_allclose(stack.xy_translation.data[:], run.motion.shifts_px * FACTOR)
    np.testing.assert_array_equal(stack.xy_translation.timestamps[:], TIMES)
    assert "displacement that brings the frame onto the template" in (
        stack.xy_translation.description
    )
    blocks = ophys["BlockShifts"]
    np.testing.assert_allclose(blocks.data[:], run.motion.block_shifts_px * FACTOR)
    table = ophys["MotionBlocks"].to_dataframe()
    assert len(table) == 6
    last = table.iloc[-1]
    assert last.x_stop == CROP[0] + INNER[1] * FACTOR == CROP[2]
    assert last.y_stop == CROP[1] + INNER[0] * FACTOR == CROP[3]
    assert (table.iloc[0].x_start, table.iloc[0].y_start) == CROP[:2]
    assert table.iloc[1].x_start > table.iloc[0].x_start, "row by row"
    assert table.iloc[1].y_start == table.iloc[0].y_start


def test_the_preview_is_a_small_movie_of_means(written, ophys):
    corrected = ophys["MotionCorrection"]["CorrectedImageStack"].corrected
    stored = corrected.data[:]
    n_bins = len(stored)
    assert stored.shape[1:] == (INNER[1], INNER[0])
    assert stored.dtype == np.uint8
    length = -(-N // n_bins)
    assert length > 1
    frames = made.corrected_movie().read(0, N)
    keep = ~written[1].motion_quality.is_outlier
    for bin_ in (0, 4, n_bins - 1):
        span = slice(bin_ * length, min((bin_ + 1) * length, N))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mean = np.nanmean(frames[span][keep[span]], axis=0).T
        expected = np.where(np.isnan(mean), 0, np.rint(mean))
        assert np.abs(stored[bin_].astype(float) - expected).max() <= 1e-3
        assert corrected.timestamps[bin_] == pytest.approx(TIMES[span].mean())
    assert (stored[:, -1] == 0).all(), "never seen"
    assert f"raw columns {CROP[0]} to {CROP[0] + 1} and rows {CROP[1]} to" in corrected.comments


def test_frames_have_their_quality(written, ophys):
    run, table = written[1], ophys["MotionQuality"].to_dataframe()
    np.testing.assert_array_equal(table.correlation_after, run.motion_quality.correlation_after)
    np.testing.assert_array_equal(table.correlation_before, run.motion_quality.correlation_before)
    assert np.flatnonzero(table.outlier).tolist() == list(made.LEFT_OUT)
    assert np.flatnonzero(~table.registered).tolist() == [31]
    assert table.defect[30] == "black"
    np.testing.assert_array_equal(table.brightness, run.prepared.brightness)
    assert np.flatnonzero(table.is_brightness_step).tolist() == [70]
    defects = ophys["DefectivePixels"].to_dataframe()
    assert defects.to_numpy().tolist() == [[9, 5], [40, 30]]


def test_images_cover_the_raw_field(written, ophys):
    images = ophys["SummaryImages"]
    names = ("template", "mean", "max", "std", "variance", "correlation", "pnr")
    assert sorted(images.images) == sorted(names)
    for name in names:
        stored = images[name].data[:]
        assert stored.shape == (WIDTH, HEIGHT)
        np.testing.assert_array_equal(stored, whole(getattr(written[1].images, name)))


def test_masks_and_their_columns(written, nwb, ophys):
    table = ophys["ImageSegmentation"]["PlaneSegmentation"]
    assert table.imaging_plane is nwb.acquisition["Movie"].imaging_plane
    assert table.reference_images[0] is nwb.acquisition["Movie"]
    data = table["image_mask"].data
    assert data.shape == (2, WIDTH, HEIGHT)
    assert data.chunks == (1, WIDTH, HEIGHT)
    assert (data.dtype, data.compression, data.shuffle) == (np.float32, "gzip", True)
    masks = made.masks_in_raw(2)
    np.testing.assert_array_equal(data[:], masks.transpose(0, 2, 1))
    cells = table.to_dataframe().drop(columns="image_mask")
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for cell, mask in enumerate(masks):
        assert cells.npix[cell] == (mask > 0).sum()
        assert cells.center_x[cell] == pytest.approx((mask * x).sum() / mask.sum())
        assert cells.center_y[cell] == pytest.approx((mask * y).sum() / mask.sum())
    assert cells.accepted.tolist() == [True, False]
    assert cells.reason.tolist() == ["reason 0", "reason 1"]
    assert cells.mask_type.tolist() == ["soma", "unknown"]
    assert cells.mask_type_confidence.tolist() == pytest.approx([0.5, 0.9])
    assert set(cells.mask_type_method) == {"miniscope-nwb rules"}
    assert cells.snr.tolist() == [5.0, 6.0]
    assert cells.r_value.tolist() == [0.5, 0.6]


def test_traces_are_streamed_and_linked(written, nwb, ophys):
    run = written[1]
    fields = {
        "Fluorescence": "fluorescence", "Denoised": "denoised", "Deconvolved": "deconvolved",
        "NoiseNormalized": "noise_normalized", "Neuropil": "neuropil",
    }  # fmt: skip
    container = ophys["Fluorescence"].roi_response_series
    assert set(container) == set(fields)
    for name, field in fields.items():
        series = container[name]
        np.testing.assert_array_equal(series.data[:], getattr(run.traces, field).T)
        assert series.rois.table is ophys["ImageSegmentation"]["PlaneSegmentation"]
        assert series.rois.data[:].tolist() == [0, 1]
        assert series.data.compression == "gzip"
        assert series.data.shuffle
    assert np.isnan(container["Fluorescence"].data[30]).all()
    assert np.isfinite(container["Denoised"].data[30]).all()
    dff = ophys["DfOverF"]["DfOverF"]
    np.testing.assert_array_equal(dff.data[:], run.traces.dff.T)
    assert "running 10th percentile of the recorded intensity" in dff.description
    with h5py.File(written[0]) as file:
        link = file["processing/ophys/Fluorescence/Denoised"].get("timestamps", getlink=True)
        assert isinstance(link, h5py.SoftLink)
        assert link.path == "/acquisition/Movie/timestamps"


def test_metrics_events_and_event_images(written, nwb, ophys):
    run = written[1]
    table = ophys["QualityMetrics"].to_dataframe()
    assert "cnn" not in table, "a column of nothing but NaN is left out"
    assert table.n_parts.tolist() == [1, 1]
    assert table.ar_1.tolist() == pytest.approx([0.9, 0.9])
    assert table.builtin_score.tolist() == [0.0, 0.1]
    assert ophys["QualityMetrics"]["roi"].table is ophys["ImageSegmentation"]["PlaneSegmentation"]
    events = nwb.events["CalciumEvents"].to_dataframe(index=True)
    assert events.timestamp.tolist() == TIMES[[10, 50, 90]].tolist()
    assert events.peak_time.tolist() == TIMES[[12, 53, 91]].tolist()
    assert events.end_time.tolist() == TIMES[[20, 60, 99]].tolist()
    assert events["size"].tolist() == [6.5, 8.0, 5.5]
    assert nwb.events["CalciumEvents"]["roi"].data[:].tolist() == [1, 0, 1]
    patches = ophys["EventImages"]
    stored = patches["image"].data[:]
    expected = run.quality.event_images.image.repeat(2, 1).repeat(2, 2).transpose(0, 2, 1)
    np.testing.assert_array_equal(stored, expected)
    assert patches["x_start"].data[:].tolist() == [CROP[0] - FACTOR, CROP[0]]
    assert patches["y_start"].data[:].tolist() == [CROP[1] + 4, CROP[1] + 6]
    assert patches["n_events"].data[:].tolist() == [1, 2]


def test_the_run_tells_how_it_was_made(written, ophys):
    run = written[1]
    row = ophys["ProcessingRuns"].to_dataframe().iloc[0]
    assert (row.run, row.engine, row.engine_version) == ("first", "builtin", "0.1.0")
    assert (row.parameter_hash, row.input_hash) == (run.parameter_hash, run.input_hash)
    assert (row.started, row.ended) == ("2026-03-04T05:06:07+00:00", "2026-03-04T05:07:08+00:00")
    assert (row.n_components, row.n_accepted, row.n_frames, row.n_left_out) == (2, 1, N, 2)
    assert row.versions == "numpy 2.4.6; scipy 1.17.1"
    assert row.segmentation == "PlaneSegmentation"
    assert row.curation_round == 2
    kept = ~run.motion_quality.is_outlier
    assert row.shift_std_x == pytest.approx(run.motion.shifts_px[kept, 0].std() * 2, rel=1e-5)
    assert row.shift_std_y == pytest.approx(run.motion.shifts_px[kept, 1].std() * 2, rel=1e-5)
    assert row.residual_motion_px == pytest.approx(0.2)
    parameters = ophys["ProcessingParameters"].to_dataframe()
    assert parameters.iloc[1].tolist() == [
        "first", "extract", "min_pnr", "7.5", "derived", "null movie: 1 false seed a field",
    ]  # fmt: skip
    assert parameters.value_json[2] == "[8, 4, 48, 36]"
    timings = ophys["StageTimings"].to_dataframe()
    assert timings.to_numpy().tolist()[1] == ["first", "extract", 40.0, 2 * 10**9]
    figures = ophys["RunFigures"].to_dataframe().set_index("figure").value
    assert figures["bleaching_per_hour"] == 0.03
    assert figures["n_seeds"] == 7


def test_the_engines_own_decision_is_a_round_beside_ours(ophys):
    rounds = ophys["CurationRounds"].to_dataframe()
    assert rounds["round"].tolist() == [1, 2]
    assert rounds.made_by.tolist() == ["builtin", "miniscope-nwb"]
    assert not rounds.is_manual.any()
    decisions = ophys["CurationDecisions"].to_dataframe()
    assert decisions["round"].tolist() == [1, 1, 2, 2]
    assert decisions.accepted.tolist() == [False, True, True, False]
    assert decisions.roi.tolist() == [0, 1, 0, 1]
    assert decisions.method[0] == "CaImAn evaluate_components"


def test_the_file_is_valid_and_the_raw_series_untouched(written, tmp_path):
    path, run = written
    assert validate(path=str(path)) == []
    assert input_hash(path, "Movie") == run.input_hash
    plain = made.raw_file(tmp_path / "raw.nwb")
    with h5py.File(plain) as before, h5py.File(path) as after:
        np.testing.assert_array_equal(
            before["acquisition/Movie/data"][:], after["acquisition/Movie/data"][:]
        )


def test_the_inspector_finds_nothing_critical_that_was_not_there(written, tmp_path):
    from nwbinspector import Importance, inspect_nwbfile

    def critical(path):
        found = inspect_nwbfile(
            nwbfile_path=path, importance_threshold=Importance.BEST_PRACTICE_VIOLATION
        )
        hidden = {"check_regular_timestamps"}  # the made clock is exact
        return {
            (message.check_function_name, message.object_name)
            for message in found
            if message.check_function_name not in hidden
        }

    empty = made.raw_file(tmp_path / "empty.nwb")
    before = critical(empty)
    write_run(empty, made.make_run(empty, n_cells=0), movie=made.corrected_movie())
    assert critical(written[0]) <= before
    assert critical(empty) - before == {("check_empty_table", "PlaneSegmentation")}


def test_pynapple_opens_it_with_the_cells_as_metadata(written):
    pynapple = pytest.importorskip("pynapple")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pynapple.load_file(str(written[0]))
        trace = data["NoiseNormalized"]
        assert trace.shape == (N, 2)
        assert trace["accepted"].tolist() == [True, False]
        assert trace["snr"].tolist() == [5.0, 6.0]
        assert trace["mask_type"].tolist() == ["soma", "unknown"]
        np.testing.assert_array_equal(trace.t, TIMES)
