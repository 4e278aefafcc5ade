"""What `convert` writes by its options, joins, and refuses."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pynwb
import pytest
from plans import Rig, assemble, colour_frames, grey_frames, make_plan, make_segment, table
from pynwb import NWBHDF5IO

from miniscope_nwb.errors import OutputError, RecordingError
from miniscope_nwb.nwb.axes import movie_from_nwb
from miniscope_nwb.nwb.io import write_plan
from miniscope_nwb.session import ConvertOptions
from miniscope_nwb.video.decode import read_frames


@pytest.mark.parametrize("fourcc", ["MJPG", "DIB "])
def test_embedded_video_is_what_the_decoder_gives(tmp_path, fourcc):
    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(12)),
        Rig("Cam", colour_frames(23), fourcc, is_camera=True, skip=(4,)),
        Rig("GreyCam", grey_frames(9, seed=3), "GREY", is_camera=True),
    )
    made = make_plan(tmp_path / "raw", rigs, embed_video=True)
    result = write_plan(made.plan, tmp_path / "x.nwb")
    assert (result.n_videos, result.n_frames) == (0, 43)
    assert not (tmp_path / "x").exists()
    parts = made.plan.device("Cam").parts
    expected = np.concatenate([list(read_frames(part, colour=True)) for part in parts])
    expected = np.delete(expected, 4, axis=0)
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        series = nwb.acquisition["BehaviorVideoCam"]
        assert series.data.shape == (22, 64, 48, 3)
        np.testing.assert_array_equal(movie_from_nwb(series.data[:]), expected)
        assert "red, green and blue" in series.comments
        grey = nwb.acquisition["BehaviorVideoGreyCam"]
        np.testing.assert_array_equal(movie_from_nwb(grey.data[:]), rigs[2].frames)
    assert not pynwb.validate(path=str(result.path))


def test_without_compression(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(
        tmp_path / "raw", (Rig("Scope", grey_frames(23, dtype="u2"), "Y16 "),), compression="none"
    )
    result = write_plan(made.plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        data = io.read().acquisition["OnePhotonSeries"].data
        assert data.compression is None
        np.testing.assert_array_equal(movie_from_nwb(data[:]), made.rigs[0].frames)


def two_segments(root: Path):
    """Two recordings of one rig, ten minutes apart."""
    rigs = (
        Rig("Scope", grey_frames(60)),
        Rig("Cam", colour_frames(15), "MJPG", is_camera=True),
    )
    later = (replace(rigs[0], frames=grey_frames(25, seed=9), has_daq=True), rigs[1])
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
    first, times = make_segment(root, rigs, below="a")
    second, times_later = make_segment(root, later, offset_s=600.0, below="b")
    joined = {name: np.concatenate([times[name], times_later[name]]) for name in times}
    made = assemble(root, (first, second), rigs, joined, ConvertOptions(join=True))
    return made, np.concatenate([rigs[0].frames, later[0].frames])


def test_joined_recordings_are_one_series(tmp_path):
    made, frames = two_segments(tmp_path / "raw")
    result = write_plan(made.plan, tmp_path / "x.nwb")
    assert not pynwb.validate(path=str(result.path))
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        series = nwb.acquisition["OnePhotonSeries"]
        np.testing.assert_array_equal(movie_from_nwb(series.data[:]), frames)
        np.testing.assert_array_equal(series.timestamps[:], made.times["Scope"])
        video = nwb.acquisition["BehaviorVideoCam"]
        assert list(video.starting_frame) == [0, 10, 15, 25]
        assert len(video.external_file) == 4
        head = nwb.acquisition["HeadOrientationScope"].timestamps[:]
        np.testing.assert_allclose(head[7:] - head[:7], 600.0)
        assert list(nwb.acquisition["Notes"].timestamps[:]) == [1.5, 601.5]
        assert list(nwb.intervals["PortStatus"]["start_time"][:]) == [0.0, 1.0, 600.0, 601.0]
        assert list(table(nwb, "DeviceSettingChanges")["time"]) == [0.5, 600.5]
        info = table(nwb, "FrameInfoScope")
        assert list(info["frame_index"]) == [*range(60), *range(25)]
        assert list(info["daq_frame_number"]) == [-1] * 60 + list(range(100, 125))
        sources = table(nwb, "SourceFiles")
        assert sources["path"][info["file"].iloc[-1]] == "b/Scope/2.avi"
        options = table(nwb, "ConversionOptions").set_index("option")["value_json"].map(json.loads)
        assert [options[f"segments.{n}.folder"] for n in (0, 1)] == ["a", "b"]
        assert options["segments.1.offset_s"] == 600.0
        assert options["segments.1.start"] == "2026-03-02T14:15:07.123000+01:00"
        assert nwb.source_script == "miniscope-nwb convert RAW --join"


def test_videos_with_frames_without_stamps_say_so(tmp_path):
    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(12)),
        Rig("Cam", colour_frames(30), "MJPG", is_camera=True, skip=(3, 18, 19)),
    )
    made = make_plan(tmp_path / "raw", rigs)
    result = write_plan(made.plan, tmp_path / "x.nwb")
    found = [p for p in result.problems if p.code == "video_frames_without_stamp"]
    assert [p.file for p in found] == ["Cam/0.avi", "Cam/1.avi"]
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        series = nwb.acquisition["BehaviorVideoCam"]
        assert list(series.starting_frame) == [0, 9, 17], "of each file's first time stamp"
        assert len(series.timestamps) == 27
        assert "1 of the 10 frames of Cam/0.avi, not only the last, have no" in series.comments
        assert "2 of the 10 frames of Cam/1.avi, the last, have no" in series.comments
        assert "video_frames_without_stamp" in list(table(nwb, "Problems")["code"])


def test_files_without_stored_frames_are_not_linked(tmp_path):
    (tmp_path / "raw").mkdir()
    rigs = (
        Rig("Scope", grey_frames(12)),
        Rig("Cam", colour_frames(30), "MJPG", is_camera=True, skip=tuple(range(10, 20))),
    )
    result = write_plan(make_plan(tmp_path / "raw", rigs).plan, tmp_path / "x.nwb")
    assert result.n_videos == 2
    with NWBHDF5IO(result.path, "r") as io:
        series = io.read().acquisition["BehaviorVideoCam"]
        assert list(series.starting_frame) == [0, 10]


@pytest.mark.parametrize("links", ["hard", "in-place"])
def test_links_instead_of_copies(tmp_path, links):
    (tmp_path / "raw").mkdir()
    rigs = (Rig("Scope", grey_frames(12)), Rig("Cam", colour_frames(5), "MJPG", is_camera=True))
    made = make_plan(tmp_path / "raw", rigs, link_videos=links)
    result = write_plan(made.plan, tmp_path / "deep" / "er" / "x.nwb")
    source = made.plan.device("Cam").parts[0].path
    with NWBHDF5IO(result.path, "r") as io:
        (name,) = io.read().acquisition["BehaviorVideoCam"].external_file[:]
    target = result.path.parent / name
    assert target.samefile(source)
    if links == "in-place":
        assert name == "../../raw/Cam/0.avi"
        assert result.videos == "left in place"
        assert not (tmp_path / "deep" / "er" / "x").exists()
    else:
        assert result.videos == "hard-linked"


def test_a_stub_reads_only_what_it_needs(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(40)),), stub=5)
    segment = made.plan.segments[0]
    timeline = segment.timelines["Scope"]
    short = replace(
        timeline,
        **{
            name: getattr(timeline, name)[:5]
            for name in ("part", "frame_in_part", "frame_index", "row", "time_s")
        },
    )
    plan = replace(made.plan, segments=(replace(segment, timelines={"Scope": short}),))
    result = write_plan(plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        nwb = io.read()
        data = nwb.acquisition["OnePhotonSeries"].data[:]
        sources = table(nwb, "SourceFiles")
    np.testing.assert_array_equal(movie_from_nwb(data), made.rigs[0].frames[:5])
    assert [bool(sha) for sha in sources["sha256"]] == [True, False, False, False, True, True]


def test_a_file_that_changes_meanwhile_is_refused(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(12)),))
    (tmp_path / "raw" / "metaData.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"metaData.json changed while.*from 21 to 2 bytes"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert os.listdir(tmp_path) == ["raw"]


def test_a_file_that_is_not_converted_may_be_unreadable(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(12)),))
    (tmp_path / "raw" / "pose.csv").unlink()
    result = write_plan(made.plan, tmp_path / "x.nwb")
    with NWBHDF5IO(result.path, "r") as io:
        assert table(io.read(), "SourceFiles")["sha256"].iloc[-1] == ""


def test_a_recording_without_frames_is_refused(tmp_path):
    (tmp_path / "raw").mkdir()
    made = make_plan(tmp_path / "raw", (Rig("Scope", grey_frames(3)),))
    plan = replace(made.plan, segments=(replace(made.plan.segments[0], timelines={}),))
    with pytest.raises(RecordingError, match="holds no frame"):
        write_plan(plan, tmp_path / "x.nwb")


def test_no_relative_path_to_another_drive(monkeypatch, tmp_path):
    from miniscope_nwb.nwb import videos

    def refuse(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(videos.os.path, "relpath", refuse)
    with pytest.raises(OutputError, match=r"another drive.*--link-videos copy"):
        videos.plan_videos(
            "id", [(tmp_path / "0.avi", "Cam/0.avi")], tmp_path / "x.nwb", "in-place"
        )


def test_a_raw_file_that_vanishes_is_one_sentence(tmp_path):
    (tmp_path / "raw").mkdir()
    rigs = (Rig("Scope", grey_frames(3)), Rig("Cam", colour_frames(3), "MJPG", is_camera=True))
    made = make_plan(tmp_path / "raw", rigs)
    made.plan.device("Cam").parts[0].path.unlink()
    with pytest.raises(RecordingError, match=r"Cam/0\.avi cannot be read: No such file"):
        write_plan(made.plan, tmp_path / "x.nwb")
    assert os.listdir(tmp_path) == ["raw"]
