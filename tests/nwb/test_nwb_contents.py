"""What `convert` writes: everything recorded, described, with its own times."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace

import numpy as np
import pynwb
import pytest
from plans import START, Rig, colour_frames, grey_frames, make_plan, table
from pynwb import NWBHDF5IO

from miniscope_nwb import __version__
from miniscope_nwb.nwb.axes import movie_from_nwb
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.nwb.tables import Column
from miniscope_nwb.recording import DeviceTiming
from miniscope_nwb.session import ConvertOptions


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two scopes (one 16-bit) and a camera, with notes, signals and losses."""
    folder = tmp_path_factory.mktemp("written")
    rigs = (
        Rig("Miniscope 1", grey_frames(72), skip=(5, 6), has_daq=True),
        Rig("Scope2", grey_frames(71, seed=1, dtype="u2"), "Y16 "),
        Rig("BehavCam 2", colour_frames(25), "MJPG", is_camera=True),
    )
    (folder / "raw").mkdir()
    made = make_plan(folder / "raw", rigs)
    seen: list[tuple[int, int]] = []
    result = write_plan(
        made.plan,
        folder / "out" / "sub-m07_ses-1.nwb",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (141, 141)
    assert seen == sorted(seen)
    return made, result


@pytest.fixture
def nwb(written):
    with NWBHDF5IO(written[1].path, "r") as io:
        yield io.read()


def test_the_result_counts(written):
    made, result = written
    assert result.device_frames == {"Miniscope 1": 70, "Scope2": 71, "BehavCam 2": 25}
    assert result.n_frames == 166
    assert result.n_bytes == result.path.stat().st_size
    assert (result.n_repaired, result.n_lost) == (2, 4)
    assert (result.n_videos, result.videos) in {(3, "copied"), (3, "cloned")}
    assert result.n_hashed == len(made.plan.segments[0].recording.source_files)


def test_frames_come_back_bit_for_bit(written, nwb):
    made, _ = written
    for rig, name in zip(
        made.rigs, ("OnePhotonSeriesMiniscope_1", "OnePhotonSeriesScope2"), strict=False
    ):
        series = nwb.acquisition[name]
        expected = np.delete(rig.frames, rig.skip, axis=0)
        assert series.data.dtype == expected.dtype
        assert series.data.shape == (len(expected), 64, 48), "time, width, height"
        np.testing.assert_array_equal(movie_from_nwb(series.data[:]), expected)
        np.testing.assert_array_equal(series.timestamps[:], made.times[rig.name])
        assert series.timestamps.dtype == np.float64
        assert series.timestamps[0] < 0, "a negative first stamp stays"
        assert series.unit == "a.u."
        assert "(time, width, height)" in series.comments
        assert "lossless" in series.comments
        assert series.data.compression == "gzip"
        assert list(series.dimension[:]) == [64, 48]


def test_scopes_have_plane_device_and_channel(nwb):
    plane = nwb.acquisition["OnePhotonSeriesMiniscope_1"].imaging_plane
    assert plane.name == "ImagingPlaneMiniscope_1"
    assert plane.device.name == "Miniscope 1"
    assert plane.device.model.name == "UCLA Miniscope V4"
    assert plane.device.model.manufacturer == "UCLA"
    assert list(plane.grid_spacing[:]) == [1.5, 1.6]
    assert plane.grid_spacing_unit == "micrometers"
    assert "given in lab.yaml" in plane.description
    assert (plane.indicator, plane.location, plane.excitation_lambda) == ("GCaMP6f", "CA1", 470.0)
    assert plane.optical_channel[0].emission_lambda == 525.0
    assert 15 < plane.imaging_rate < 25
    series = nwb.acquisition["OnePhotonSeriesMiniscope_1"]
    assert series.exposure_time == pytest.approx(0.03, rel=1e-6)
    assert series.power == pytest.approx(1.0)  # mW
    assert series.intensity == pytest.approx(0.02)  # mW/mm2
    assert series.binning == 2
    assert nwb.devices["Scope2"].model is nwb.devices["Miniscope 1"].model


def test_the_session_is_told(nwb):
    assert nwb.session_start_time == START
    assert nwb.session_start_time.utcoffset() == START.utcoffset()
    assert nwb.session_id == "20260302T140507"
    assert list(nwb.experimenter) == ["Ramon y Cajal, Santiago"]
    assert (nwb.lab, nwb.institution, nwb.notes) == ("A lab", "Madrid", "Session notes.")
    assert list(nwb.keywords[:]) == ["calcium", "miniscope"]
    assert [list(row) for row in nwb.was_generated_by[:]] == [["miniscope-nwb", __version__]]
    assert nwb.source_script == "miniscope-nwb convert RAW"
    assert nwb.subject.subject_id == "m07"
    assert nwb.subject.species == "Mus musculus"
    assert "Miniscope-DAQ-QT" in nwb.data_collection


def test_videos_lie_beside_the_file(written, nwb):
    made, result = written
    series = nwb.acquisition["BehaviorVideoBehavCam_2"]
    names = list(series.external_file[:])
    stem = result.path.stem
    assert names == [f"{stem}/{series.object_id}_external_file_{n}.avi" for n in range(3)]
    assert list(series.starting_frame) == [0, 10, 20]
    for name, part in zip(names, made.plan.device("BehavCam 2").parts, strict=True):
        assert (result.path.parent / name).read_bytes() == part.path.read_bytes()
    np.testing.assert_array_equal(series.timestamps[:], made.times["BehavCam 2"])
    assert series.device.name == "BehavCam 2"
    assert (series.format, list(series.dimension[:])) == ("external", [64, 48])
    assert "lossy" in series.comments


def test_frame_info_tells_where_each_frame_is_from(written, nwb):
    info = table(nwb, "FrameInfoMiniscope_1")
    sources = table(nwb, "SourceFiles")
    kept = np.delete(np.arange(72), [5, 6])
    np.testing.assert_array_equal(info["frame_index"], kept)
    np.testing.assert_array_equal(info["stamp_row"], kept)
    np.testing.assert_array_equal(info["frame_number"], kept + 1)
    np.testing.assert_array_equal(info["daq_frame_number"], kept + 100)
    np.testing.assert_array_equal(info["frame_in_file"], kept % 10)
    paths = [sources["path"][row] for row in info["file"]]
    assert paths == [f"Miniscope_1/{k // 10}.avi" for k in kept]
    assert "daq_frame_number" not in table(nwb, "FrameInfoScope2")
    assert len(table(nwb, "FrameInfoBehavCam_2")) == 25


def test_padded_frames_have_no_recorded_numbers(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(12)),))
    segment = made.plan.segments[0]
    timeline = segment.timelines["Scope"]
    row = timeline.row.copy()
    row[-1] = -1
    plan = replace(
        made.plan,
        segments=(replace(segment, timelines={"Scope": replace(timeline, row=row)}),),
    )
    result = write_plan(plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        info = table(io.read(), "FrameInfoScope")
    assert list(info["stamp_row"][-2:]) == [10, -1]
    assert list(info["frame_number"][-2:]) == [11, -1]
    assert info["buffer_index"].iloc[-1] == -1


def test_source_files_are_listed_with_checksums(written, nwb):
    made, _ = written
    sources = table(nwb, "SourceFiles")
    assert len(sources) == len(made.plan.segments[0].recording.source_files)
    for _, row in sources.iterrows():
        data = (made.root / row["path"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["bytes"] == len(data)
    videos = sources[sources["frames"] >= 0]
    assert set(videos["codec"]) == {"FFV1", "Y16 ", "MJPG"}
    left_out = sources[~sources["converted"]]
    assert list(left_out["path"]) == ["pose.csv"]
    assert list(left_out["note"]) == ["not read"]


def test_settings_and_changes_are_kept(nwb):
    settings = table(nwb, "DeviceSettings")
    assert list(settings["setting"]) == ["ROI.width", "names"]
    assert [json.loads(value) for value in settings["value_json"]] == [608, ["a", "ü"]]
    assert list(settings["device"]) == ["Miniscope 1", ""]
    changes = table(nwb, "DeviceSettingChanges")
    assert changes.to_dict("records") == [
        {"time": 0.5, "device": "Miniscope 1", "setting": "led0", "value": "12"}
    ]


def test_the_time_report_is_whole(written, nwb):
    made, _ = written
    report = table(nwb, "TimingReport")
    assert list(report["device"]) == ["Miniscope 1", "Scope2", "BehavCam 2"]
    for field in fields(DeviceTiming):
        expected = [getattr(timing, field.name) for timing in made.plan.timing]
        if field.name in report:
            assert list(report[field.name]) == pytest.approx(expected, nan_ok=True) or (
                field.name == "device"
            )
        else:
            assert np.isnan(expected).all(), f"{field.name} was left out but has values"


def test_repairs_problems_and_options_are_kept(nwb):
    repairs = table(nwb, "Repairs")
    assert list(repairs["frame"]) == [5, 6]
    assert set(repairs["rule"]) == {"trimmed_frame"}
    assert "recorded_s" not in repairs, "a column of nothing but NaN is left out"
    problems = table(nwb, "Problems")
    assert list(problems["code"]) == ["test"]
    options = table(nwb, "ConversionOptions").set_index("option")["value_json"].map(json.loads)
    assert options["miniscope_nwb_version"] == __version__
    for field in fields(ConvertOptions):
        assert options[field.name] == getattr(ConvertOptions(), field.name)
    assert options["segments.0.folder"] == "."
    assert options["segments.0.format"] == "v4"
    assert options["metadata_from.subject.species"] == "lab.yaml"


def test_signals_notes_and_spans_are_kept(written, nwb):
    made, _ = written
    recording = made.plan.segments[0].recording
    head = nwb.acquisition["HeadOrientationMiniscope_1"]
    np.testing.assert_array_equal(head.data[:], recording.samples[0].data)
    np.testing.assert_array_equal(head.timestamps[:], recording.samples[0].time_s)
    assert "qw, qx, qy, qz" in head.comments
    notes = nwb.acquisition["Notes"]
    assert (list(notes.data[:]), list(notes.timestamps[:])) == (["light on, left"], [1.5])
    ports = nwb.intervals["PortStatus"].to_dataframe()
    assert list(ports["status"]) == ["up", "down"]
    assert list(ports["stop_time"]) == [1.0, 2.0]
    lost = nwb.intervals["LostFrames"].to_dataframe()
    assert list(lost["device"]) == ["Scope2", "Miniscope 1"], "in the order of time"
    assert list(lost["n_lost"]) == [2, 2]
    assert set(lost["evidence"]) == {"interval"}


def test_every_object_is_described_and_no_column_is_ill_named(nwb):
    for item in nwb.objects.values():
        columns = getattr(item, "columns", ())
        for thing in (item, *columns):
            if "description" in getattr(thing, "fields", {}) or thing in columns:
                assert thing.description, f"{thing.name} has no description"
                assert thing.description != "no description", thing.name
        assert not {"name", "description", "id"} & set(getattr(item, "colnames", ()))


def test_pynwb_and_the_inspector_find_nothing_critical(written):
    from nwbinspector import Importance, inspect_nwbfile

    path = written[1].path
    errors = pynwb.validate(path=str(path))
    assert not errors
    findings = [
        m
        for m in inspect_nwbfile(nwbfile_path=str(path), skip_validate=True)
        if m.importance.value >= Importance.BEST_PRACTICE_VIOLATION.value
    ]
    assert not findings, [f"{m.check_function_name}: {m.message} {m.object_name}" for m in findings]


def test_nothing_known_is_nothing_invented(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(60)),))
    from miniscope_nwb.session import DeviceInfo, SubjectInfo

    session = replace(
        made.plan.session,
        subject=SubjectInfo(),
        devices=(DeviceInfo("Scope", "Scope", "scope", ""),),
        session_description="",
        experimenter=(),
        keywords=(),
    )
    result = write_plan(replace(made.plan, session=session, timing=()), tmp_path / "x.nwb")
    assert not pynwb.validate(path=str(result.path))
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        plane = nwb.imaging_planes["ImagingPlane"]
        assert nwb.subject is None
        assert (plane.indicator, plane.location) == ("unknown", "unknown")
        assert np.isnan(plane.excitation_lambda)
        assert np.isnan(plane.optical_channel[0].emission_lambda)
        assert "not given" in plane.optical_channel[0].description
        assert "not known" in plane.description
        assert plane.grid_spacing is None
        assert plane.imaging_rate is None
        assert nwb.devices["Scope"].model is None


def test_models_of_one_name_but_another_maker_are_kept_apart(tmp_path):
    (tmp_path / "raw").mkdir()
    rigs = (Rig("A", grey_frames(3)), Rig("B", grey_frames(3)), Rig("C", grey_frames(3)))
    made = make_plan(tmp_path / "raw", rigs)
    a, b, c = made.plan.session.devices
    infos = (a, replace(b, manufacturer="Else"), replace(c, model="", model_description=""))
    plan = replace(made.plan, session=replace(made.plan.session, devices=infos))
    result = write_plan(plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        models = {name: device.model for name, device in io.read().devices.items()}
    assert models["A"].name == "UCLA Miniscope V4"
    assert models["B"].name == "UCLA Miniscope V4 (2)"
    assert models["B"].manufacturer == "Else"
    assert models["C"].name == "Model of C"


def test_recorded_columns_get_no_name_that_hdmf_warns_of(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(3)),))
    segment = made.plan.segments[0]
    ports = replace(segment.recording.intervals[0], columns={"name": ["a", "b"]}, device="Scope")
    recording = replace(segment.recording, intervals=(ports,), settings=(), notes=())
    plan = replace(made.plan, segments=(replace(segment, recording=recording),))
    result = write_plan(plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        assert list(nwb.intervals["PortStatus"]["name_recorded"][:]) == ["a", "b"]
        assert "Notes" not in nwb.acquisition
        assert "DeviceSettings" not in nwb.processing["recording"].data_interfaces
    with pytest.raises(ValueError, match="must not be called id"):
        Column("id", "x", [])
