"""Runs beside other runs, other programs' objects and other recordings."""

from __future__ import annotations

import h5py
import made_runs as made
import numpy as np
import pytest
from made_runs import FACTOR, HEIGHT, TIMES, WIDTH, N
from pynwb import NWBHDF5IO, validate

import miniscope_nwb
from miniscope_nwb.errors import OutputError
from miniscope_nwb.nwb.processed.write import write_run
from miniscope_nwb.nwb.recording_file import input_hash


def test_later_runs_stand_beside_the_first(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    first = made.make_run(path)
    write_run(path, first, movie=made.corrected_movie())
    ids = object_ids(path)
    write_run(path, made.make_run(path, "same-motion", n_cells=3, seed=8))
    write_run(path, made.make_run(path, "other", motion_hash="motion-b", n_blocks=(1, 2)))
    write_run(path, made.make_run(path, "full"), movie=made.corrected_movie(), corrected="full")
    now = object_ids(path)
    assert ids.items() <= now.items(), "objects of before are as they were"
    with NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        rows = ophys["ProcessingRuns"].to_dataframe().set_index("run")
        assert rows.segmentation.tolist() == [
            "PlaneSegmentation", "PlaneSegmentation_same-motion", "PlaneSegmentation_other",
            "PlaneSegmentation_full",
        ]  # fmt: skip
        assert rows.motion.tolist() == [
            "CorrectedImageStack", "CorrectedImageStack", "xy_translation_other",
            "CorrectedImageStack_full",
        ]  # fmt: skip
        assert len(ophys["ImageSegmentation"]["PlaneSegmentation_same-motion"].id) == 3
        assert "BlockShifts_other" in ophys.data_interfaces
        assert "BlockShifts" not in ophys.data_interfaces
        series = ophys["Fluorescence_same-motion"]["Denoised_same-motion"]
        assert series.data.shape == (N, 3)
        full = ophys["MotionCorrection"]["CorrectedImageStack_full"].corrected
        frames = made.corrected_movie().read(0, N)
        expected = np.where(np.isnan(frames), 0, np.rint(frames)).astype(np.uint8)
        np.testing.assert_array_equal(full.data[:], expected.transpose(0, 2, 1))
        np.testing.assert_array_equal(full.timestamps[:], TIMES)
        decisions = ophys["CurationDecisions"].to_dataframe()
        assert decisions.run.value_counts().to_dict() == {
            "first": 2, "same-motion": 3, "other": 2, "full": 2,
        }  # fmt: skip
    assert validate(path=str(path)) == []


def object_ids(path) -> dict[str, str]:
    """Object id of everything in a file that has one, by path."""
    found = {}

    def note(name, node):
        if "object_id" in node.attrs:
            found[name] = node.attrs["object_id"]

    with h5py.File(path) as file:
        found["/"] = file.attrs["object_id"]
        found["identifier"] = file["identifier"][()]
        file.visititems(note)
    return found


def test_replacing_a_run_removes_only_its_own_and_reclaims_the_space(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    first = made.make_run(path)
    write_run(path, first, movie=made.corrected_movie(), corrected="full")
    write_run(path, made.make_run(path, "second", motion_hash="b"))
    size, ids, digest = path.stat().st_size, object_ids(path), first.input_hash
    with pytest.raises(OutputError, match=r"x\.nwb holds a run first already: give --force"):
        write_run(path, first)
    assert object_ids(path) == ids
    again = made.make_run(path, n_cells=3, seed=77)
    write_run(path, again, movie=made.corrected_movie(), replace=True)
    assert path.stat().st_size < size
    assert input_hash(path, "Movie") == digest
    now = object_ids(path)
    gone = {name for name, value in ids.items() if now.get(name) != value}
    assert gone
    kept_own = {"processing/ophys/ImageSegmentation", "processing/ophys/MotionCorrection"}
    for name in gone - kept_own:
        top = name.split("/")[2] if name.startswith("processing") else name.split("/")[1]
        assert "second" not in name, name
        assert not top.startswith(("Processing", "Stage", "Curation", "RunFigures")), name
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        rows = nwb.processing["ophys"]["ProcessingRuns"].to_dataframe()
        assert rows.run.tolist() == ["second", "first"]
        assert rows.segmentation.tolist() == ["PlaneSegmentation_second", "PlaneSegmentation"]
        assert len(nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"].id) == 3
        assert set(nwb.events) == {"CalciumEvents", "CalciumEvents_second"}
    assert validate(path=str(path)) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.nwb"]


def test_a_motion_result_that_is_shared_outlives_its_first_run(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    write_run(path, made.make_run(path), movie=made.corrected_movie())
    write_run(path, made.make_run(path, "second"))
    replaced = made.make_run(path, motion_hash="new")
    write_run(path, replaced, movie=made.corrected_movie(), replace=True)
    with NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        rows = ophys["ProcessingRuns"].to_dataframe().set_index("run")
        assert rows.motion["second"] == "CorrectedImageStack"
        assert rows.motion["first"] == "CorrectedImageStack_first"
        assert set(ophys["MotionCorrection"].corrected_image_stacks) == set(rows.motion)


def test_without_a_corrected_movie_the_shifts_stand_alone(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    run = made.make_run(path)
    write_run(path, run, movie=made.corrected_movie(), corrected="none")
    with NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        assert "MotionCorrection" not in ophys.data_interfaces
        np.testing.assert_allclose(ophys["xy_translation"].data[:], run.motion.shifts_px * FACTOR)


def test_a_clock_of_rate_and_start_is_kept(tmp_path):
    path = made.write_foreign(
        tmp_path / "x.nwb", made.raw_frames(), storage=made.STORAGE, rate=20.0
    )
    write_run(path, made.make_run(path))
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        series = nwb.processing["ophys"]["Fluorescence"]["Denoised"]
        assert (series.rate, series.starting_time) == (20.0, 2.5)
        events = nwb.events["CalciumEvents"]["timestamp"].data[:]
        np.testing.assert_allclose(events, 2.5 + np.array([10, 50, 90]) / 20)
    with miniscope_nwb.open(path) as session:
        np.testing.assert_allclose(session.run().times_s, 2.5 + np.arange(made.N) / 20)


def test_what_others_left_in_the_module_stays(tmp_path):
    """Another program has made `ophys` and its own PlaneSegmentation already."""
    from pynwb.ophys import ImageSegmentation

    path = made.raw_file(tmp_path / "x.nwb")
    with NWBHDF5IO(path, "a") as io:
        nwb = io.read()
        module = nwb.create_processing_module("ophys", "of another program")
        segmentation = ImageSegmentation()
        module.add(segmentation)
        table = segmentation.create_plane_segmentation(
            description="theirs", imaging_plane=nwb.acquisition["Movie"].imaging_plane
        )
        for _ in range(4):
            table.add_roi(image_mask=np.ones((WIDTH, HEIGHT)))
        io.write(nwb)
    with h5py.File(path, "a") as file:
        # The default name is that of the plane; take the one that ours would have.
        file.move(
            "processing/ophys/ImageSegmentation/Plane",
            "processing/ophys/ImageSegmentation/PlaneSegmentation",
        )
    ids = object_ids(path)
    write_run(path, made.make_run(path), movie=made.corrected_movie())
    assert ids.items() <= object_ids(path).items()
    with NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        assert len(ophys["ImageSegmentation"]["PlaneSegmentation"].id) == 4
        assert len(ophys["ImageSegmentation"]["PlaneSegmentation_first"].id) == 2


def test_a_converted_recording_with_a_camera_keeps_its_videos(tmp_path):
    """The file of `convert`: clock linked, videos beside it still found, one object more."""
    from plans import Rig, colour_frames, grey_frames, make_plan

    from miniscope_nwb.nwb.io import write_plan
    from miniscope_nwb.nwb.recording_file import read_recording

    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(N, shape=(HEIGHT, WIDTH)), per_file=N),
        Rig("Cam", colour_frames(6), "MJPG", is_camera=True),
    )
    path = tmp_path / "x.nwb"
    write_plan(make_plan(tmp_path / "raw", rigs).plan, path)
    ids, info = object_ids(path), read_recording(path)
    run = made.make_run(path, series=info.series)
    write_run(path, run, movie=made.corrected_movie())
    assert ids.items() <= object_ids(path).items()
    with NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        for name in nwb.acquisition["BehaviorVideoCam"].external_file[:]:
            assert (path.parent / name).stat().st_size > 0
        series = nwb.processing["ophys"]["Fluorescence"]["Denoised"]
        np.testing.assert_array_equal(series.timestamps[:], info.clock.times_s)
        assert nwb.events["CalciumEvents"]["timestamp"].data[0] == info.clock.times_s[10]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw", "x", "x.nwb"]
    assert validate(path=str(path)) == []


def test_names_that_cannot_stand_in_a_file_are_refused(tmp_path):
    path = made.raw_file(tmp_path / "x.nwb")
    for name in ("a/b", "", "a b", ".x"):
        with pytest.raises(OutputError, match="cannot be the name of a run"):
            write_run(path, made.with_changes(made.make_run(path), name=name))
