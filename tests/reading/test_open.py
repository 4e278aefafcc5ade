"""`miniscope_nwb.open`: the same numbers that were written, as arrays and tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
import made_runs as made
from made_runs import CROP, FACTOR, HEIGHT, TIMES, WIDTH, N

import miniscope_nwb
from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.processed.masks import read_footprints
from miniscope_nwb.nwb.processed.write import write_run


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = made.raw_file(tmp_path_factory.mktemp("open") / "x.nwb")
    runs = [
        made.make_run(path),
        made.make_run(
            path, "bent", n_blocks=(2, 2), motion_hash="b", with_engine=True, n_cells=4, seed=6
        ),
        made.make_run(path, "empty", n_cells=0, motion_hash="c"),
    ]
    for run in runs:
        write_run(path, run, movie=made.corrected_movie())
    return path, {run.name: run for run in runs}


@pytest.fixture
def session(written):
    with miniscope_nwb.open(written[0]) as opened:
        yield opened


def test_importing_the_package_loads_nothing():
    code = (
        "import sys, miniscope_nwb\n"
        "print(sorted({'numpy', 'h5py', 'pandas', 'pynwb'} & set(sys.modules)))\n"
        "miniscope_nwb.open\n"
        "print(sorted({'h5py', 'pandas', 'pynwb', 'hdmf'} & set(sys.modules)))\n"
        "print(hasattr(miniscope_nwb, 'nothing'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]", "False"]


def test_frames_and_times(session):
    frames = made.raw_frames()
    assert len(session.frames) == N
    assert session.frames.shape == (N, HEIGHT, WIDTH)
    np.testing.assert_array_equal(session.frames[7], frames[7])
    np.testing.assert_array_equal(session.frames[-1], frames[-1])
    np.testing.assert_array_equal(session.frames[20:40:3], frames[20:40:3])
    np.testing.assert_array_equal(session.frames[[9, 2, 2]], frames[[9, 2, 2]])
    np.testing.assert_array_equal(session.times_s, TIMES)
    np.testing.assert_array_equal(session.run("first").times_s, TIMES)
    with pytest.raises(IndexError):
        session.frames[N]


def test_the_runs(session, written):
    assert session.run_names == ["first", "bent", "empty"]
    assert session.runs.n_components.tolist() == [2, 4, 0]
    assert session.run().name == "empty", "the last one"
    assert "first, bent, empty" in repr(session)
    assert repr(session.run("first")) == "Run('first', 2 components, 1 accepted)"
    with pytest.raises(NwbContentError, match=r"no run x: it holds first, bent, empty"):
        session.run("x")


@pytest.mark.parametrize("name", ["first", "bent"])
def test_what_was_written_is_read(session, written, name):
    run, record = session.run(name), written[1][name]
    n_cells = record.extraction.n_cells
    for field in ("fluorescence", "denoised", "deconvolved", "noise_normalized", "neuropil", "dff"):
        np.testing.assert_array_equal(getattr(run, field), getattr(record.traces, field))
    np.testing.assert_array_equal(run.trace("denoised", slice(1, 2)), record.traces.denoised[1:2])
    masks = made.masks_in_raw(n_cells)
    np.testing.assert_array_equal(run.masks, masks)
    assert run.footprints.format == "csc"
    np.testing.assert_array_equal(run.footprints.toarray().T.reshape(masks.shape), masks)
    rows, columns = slice(CROP[1], CROP[3]), slice(CROP[0], CROP[2])
    for key in ("template", "mean", "pnr"):
        image = run.images[key]
        assert image.shape == (HEIGHT, WIDTH)
        np.testing.assert_array_equal(
            image[rows, columns][::FACTOR, ::FACTOR], getattr(record.images, key)
        )
        assert np.isnan(image[: CROP[1]]).all()
    assert run.template is run.images["template"]
    np.testing.assert_allclose(run.shifts_px, record.motion.shifts_px * FACTOR)
    cells = run.cells
    assert cells.accepted.tolist() == record.quality.decisions.accepted.tolist()
    assert cells.snr.tolist() == record.quality.metrics["snr"].values.tolist()
    assert run.quality.n_parts.tolist() == [1] * n_cells
    assert run.events.roi.tolist() == record.quality.events.cell.tolist()
    assert run.events.timestamp.tolist() == TIMES[[10, 50, 90]].tolist()
    patches = run.event_images["image"]
    np.testing.assert_array_equal(patches[:, ::2, ::2], record.quality.event_images.image)
    assert run.parameters.value.tolist() == ["rigid", 7.5, list(CROP)]
    names = ["stage", "parameter", "value", "value_json", "source", "basis"]
    assert run.parameters.columns.tolist() == names
    assert run.parameters.value_json.tolist() == ['"rigid"', "7.5", str(list(CROP))]
    assert run.timings.seconds.tolist() == [2.5, 40.0]
    assert run.frame_quality.outlier.sum() == 2
    if name == "bent":
        np.testing.assert_allclose(run.block_shifts_px, record.motion.block_shifts_px * FACTOR)
        blocks = record.motion.blocks
        np.testing.assert_array_equal(run.blocks.x_start, CROP[0] + blocks.x_start * FACTOR)
        np.testing.assert_array_equal(run.blocks.y_stop, CROP[1] + blocks.y_stop * FACTOR)
    else:
        assert run.block_shifts_px is None
        assert run.blocks is None


def test_an_image_that_is_not_there_is_told_with_those_that_are(session):
    images = session.run("first").images
    with pytest.raises(KeyError, match=r"no image 'mena': there are .*mean, .*template"):
        images["mena"]
    assert images.get("mena") is None
    assert "mena" not in images


def test_an_empty_run_is_empty_tables(session):
    run = session.run("empty")
    assert run.n_cells == len(run.cells) == len(run.events) == len(run.decisions) == 0
    good = run.cells[run.cells.accepted & (run.cells.snr > 5) & (run.cells.mask_type == "soma")]
    assert run.dff[good.index].shape == (0, N)
    assert run.masks.shape == (0, HEIGHT, WIDTH)
    assert run.fluorescence.shape == (0, N)
    assert run.event_images is None
    assert run.rounds["round"].tolist() == [1]
    assert run.info["emptied_by"].startswith("min_pnr 7.5")


def test_rounds_of_curation(session):
    ours, engines = session.run("bent"), session.run("bent", round=1)
    assert ours.round == 2
    assert ours.rounds.made_by.tolist() == ["builtin", "miniscope-nwb"]
    assert (ours.cells.accepted != engines.cells.accepted).all()
    assert set(engines.cells.mask_type_method) == {"CaImAn evaluate_components"}
    assert engines.decisions.roi.tolist() == [0, 1, 2, 3]
    with pytest.raises(NwbContentError, match="has no round 3 of curation: it has 1, 2"):
        session.run("bent", round=3)


def test_corrected_frames_follow_from_raw_ones_and_shifts(tmp_path):
    """Whole-pixel shifts, no binning: the corrected frame is the shifted raw one, by hand."""
    path = made.raw_file(tmp_path / "x.nwb")
    run = made.make_run(path)
    shifts = np.random.default_rng(3).integers(-3, 4, (N, 2)).astype(np.float32)
    images = made.with_changes(
        run.images, **{
            key: np.zeros((32, 40), np.float32)
            for key in ("template", "mean", "max", "std", "variance", "correlation", "pnr")
        },
    )  # fmt: skip
    run = made.with_changes(
        run,
        prepared=made.with_changes(
            run.prepared, spatial_factor=1, defective_pixels=np.zeros((0, 2), int)
        ),
        motion=made.with_changes(run.motion, shifts_px=shifts),
        images=images,
        extraction=made.with_changes(
            run.extraction,
            height=32,
            width=40,
            footprints=run.extraction.footprints.__class__((32 * 40, 2), dtype=np.float32),
        ),
    )
    write_run(path, run)
    raw = made.raw_frames().astype(np.float32)
    with miniscope_nwb.open(path) as session:
        corrected = session.run().corrected
        assert corrected.shape == (N, HEIGHT, WIDTH)
        for number in (0, 17, N - 1):
            frame = corrected[number]
            dx, dy = shifts[number].astype(int)
            inner = raw[number, CROP[1] : CROP[3], CROP[0] : CROP[2]]
            expected = np.full((HEIGHT, WIDTH), np.nan, np.float32)
            for y in range(32):
                for x in range(40):
                    if 0 <= y - dy < 32 and 0 <= x - dx < 40:
                        expected[CROP[1] + y, CROP[0] + x] = inner[y - dy, x - dx]
            seen = np.isfinite(frame)
            assert not np.isfinite(frame[np.isnan(expected)]).any()
            np.testing.assert_allclose(frame[seen], expected[seen], atol=1e-3)
            assert seen.sum() > 0.7 * 32 * 40


def test_bent_frames_lie_in_the_crop(session):
    frame = session.run("bent").corrected[[3, 4]]
    assert frame.shape == (2, HEIGHT, WIDTH)
    assert np.isnan(frame[:, : CROP[1]]).all()
    assert np.isnan(frame[:, :, CROP[2] :]).all()
    assert np.isfinite(frame[:, CROP[1] : CROP[3], CROP[0] : CROP[2]]).mean() > 0.3


def test_a_converted_file_opens_without_any_run(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    with miniscope_nwb.open(str(path)) as session:
        assert session.run_names == []
        assert len(session.runs) == 0
        assert session.frames[3:5].shape == (2, HEIGHT, WIDTH)
        with pytest.raises(NwbContentError, match=r"no run of the processing: run `miniscope-nwb"):
            session.run()
    with pytest.raises(NwbContentError, match="does not exist"):
        miniscope_nwb.open(tmp_path / "no.nwb")


def test_short_movies_can_be_looked_at(tmp_path):
    frames = made.raw_frames()[:20]
    path = made.write_foreign(tmp_path / "x.nwb", frames, rate=10.0)
    with miniscope_nwb.open(path) as session:
        np.testing.assert_array_equal(session.frames[:], frames)


def test_footprints_for_seeding(written, tmp_path):
    path = written[0]
    masks = made.masks_in_raw(4)
    found, height, width = read_footprints(path, "bent", accepted_only=False)
    assert (height, width) == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(found.toarray().T.reshape(masks.shape), masks)
    accepted, _, _ = read_footprints(path, "bent")
    np.testing.assert_array_equal(accepted.toarray(), found.toarray()[:, [0, 2]])
    first, _, _ = read_footprints(path)
    assert first.shape == (HEIGHT * WIDTH, 1), "the accepted ones of the first run"
    empty, _, _ = read_footprints(path, "empty")
    assert empty.shape == (HEIGHT * WIDTH, 0)
    with pytest.raises(NwbContentError, match="no masks of nobody: it holds first, bent, empty"):
        read_footprints(path, "nobody")
    raw = made.raw_file(tmp_path / "raw.nwb")
    with pytest.raises(NwbContentError, match="holds no masks of cells"):
        read_footprints(raw)


def test_footprints_of_other_programs(tmp_path):
    """A table of pixel masks (x, y, weight), and one of image masks, of any name."""
    from pynwb import NWBHDF5IO
    from pynwb.ophys import ImageSegmentation

    path = made.raw_file(tmp_path / "x.nwb")
    with NWBHDF5IO(path, "a") as io:
        nwb = io.read()
        module = nwb.create_processing_module("theirs", "x")
        segmentation = ImageSegmentation()
        module.add(segmentation)
        plane = nwb.acquisition["Movie"].imaging_plane
        pixels = segmentation.create_plane_segmentation("p", plane, "pixels")
        pixels.add_roi(pixel_mask=[(50, 3, 0.5), (51, 3, 1.0)])
        pixels.add_roi(pixel_mask=[(0, 39, 2.0)])
        images = segmentation.create_plane_segmentation("i", plane, "images")
        mask = np.zeros((WIDTH, HEIGHT))
        mask[50, 3] = 0.5
        images.add_roi(image_mask=mask)
        io.write(nwb)
    with pytest.raises(NwbContentError, match=r"holds 2 tables of cells: name one as x\.nwb:"):
        read_footprints(path)
    found, height, width = read_footprints(path, "pixels")
    dense = found.toarray().T.reshape(2, height, width)
    assert (dense[0, 3, 50], dense[0, 3, 51], dense[1, 39, 0]) == (0.5, 1.0, 2.0)
    assert np.count_nonzero(dense) == 3
    other, _, _ = read_footprints(path, "images")
    assert other.toarray().reshape(height, width)[3, 50] == 0.5


def test_traces_that_are_none_are_told_with_those_that_are(session):
    with pytest.raises(NwbContentError, match=r"no traces nois: choose fluorescence, "):
        session.run("first").trace("nois")


def test_of_two_movies_a_run_knows_its_own(written, tmp_path):
    path = tmp_path / "two.nwb"
    path.write_bytes(written[0].read_bytes())
    with h5py.File(path, "r+") as file:
        file.copy("acquisition/Movie", "acquisition/Other")
        (name,) = set(file["processing/ophys/ProcessingRuns/series"].asstr()[:])
        assert name == "Movie"
    with miniscope_nwb.open(path) as session:
        assert len(session.run("first").corrected) == N
        told = r'two\.nwb holds 2 movies: choose one with miniscope_nwb\.open\(path, series="'
        with pytest.raises(NwbContentError, match=told):
            session.times_s
    with miniscope_nwb.open(path, series="Other") as session:
        assert session.frames.shape == (N, HEIGHT, WIDTH)


def test_runs_whose_movie_is_elsewhere_say_how_to_come_by_it(written, tmp_path):
    path = tmp_path / "half.nwb"
    path.write_bytes(written[0].read_bytes())
    with h5py.File(path, "r+") as file:
        del file["acquisition/Movie"]
    with miniscope_nwb.open(path) as session:
        assert len(session.run("first").cells) == 2
        advice = re.escape(f"`miniscope-nwb join RAW.nwb {path} -o FILE.nwb`")
        with pytest.raises(NwbContentError, match=advice):
            session.frames
