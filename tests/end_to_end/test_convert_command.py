"""`convert` as a user types it: what one recording becomes, and with which options."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from builders.v4 import START, make_v4
from recordings import convert, opened, table


def test_default_name_and_what_is_missing(shell, tmp_path, monkeypatch):
    session = make_v4(tmp_path / "raw", animal="")
    monkeypatch.chdir(tmp_path)
    done = shell("convert", session.folder)
    assert done.code == 0
    path = tmp_path / "sub-unknown" / "sub-unknown_ses-20230326T140509_behavior+ophys.nwb"
    assert path.is_file()
    for key in ("subject.subject_id", "subject.species", "imaging.indicator"):
        assert key in done.out


def test_existing_output_is_kept_without_overwrite(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    path = tmp_path / "out.nwb"
    path.write_bytes(b"precious")
    done = convert(shell, session.folder, path)
    assert done.code == 1
    assert "--overwrite" in done.err
    assert path.read_bytes() == b"precious"


def test_everything_recorded_is_found_again(shell, tmp_path):
    extra = {
        "customKey": [1, 2.5, "x"],
        "nested": {"deep": {"er": None}},
        "flag": True,
        "empty": "",
    }
    session = make_v4(
        tmp_path / "raw", version="v2.0", scopes=("HPC miniscope1", "PFC"), cameras=("BehavCam 0",),
        lost={9: 1}, extra_session={"cohort": "blue", "Zahl": 7}, extra_device=extra,
        notes=((100, "lap 1, left"), (900, "HPC miniscope1,led0,31")),
    )  # fmt: skip
    (session.folder / "behaviorTracker").mkdir()
    (session.folder / "behaviorTracker" / "pose.csv").write_text("DLC-Live Pose Data.\n1,2,3,4,\n")
    done = convert(shell, session.folder, tmp_path / "out.nwb")
    assert done.code == 0, done.err
    assert "pose.csv" in done.out
    with opened(tmp_path / "out.nwb") as nwb:
        assert_settings(nwb)
        assert_movies(nwb, session)
        assert_session(nwb)
    assert shell("verify", tmp_path / "out.nwb", "--raw", session.folder).code == 0


def assert_settings(nwb):
    settings = table(nwb, "DeviceSettings")
    found = {(r.device, r.setting): json.loads(r.value_json) for r in settings.itertuples()}
    assert found["", "cohort"] == "blue"
    assert found["", "Zahl"] == 7
    assert found["PFC", "customKey"] == [1, 2.5, "x"]
    assert found["PFC", "nested.deep.er"] is None
    assert found["PFC", "flag"] is True
    assert found["HPC miniscope1", "ROI.leftEdge"] == 8
    for name in (
        "animalName",
        "researcherName",
        "msecSinceEpoch",
        "deviceType",
        "baseDirectory",
    ):
        assert any(key.split(".")[-1] == name for _, key in found), name


def assert_movies(nwb, session):
    series = [n for n in nwb.acquisition if n.startswith("OnePhotonSeries")]
    assert len(series) == 2
    assert len({nwb.acquisition[n].imaging_plane.name for n in series}) == 2
    for name in ("HPC miniscope1", "PFC"):
        stored = [
            nwb.acquisition[n] for n in series
            if (np.swapaxes(nwb.acquisition[n].data[:], 1, 2) == session.frames[name]).all()
        ]  # fmt: skip
        assert len(stored) == 1
        np.testing.assert_array_equal(stored[0].timestamps[:], session.stamps_ms[name] / 1000.0)
    frame_info = [n for n in nwb.processing["recording"].data_interfaces if "FrameInfo" in n]
    assert len(frame_info) == 3


def assert_session(nwb):
    assert nwb.session_start_time == START
    assert nwb.session_start_time.utcoffset() == timedelta(hours=2)
    assert nwb.subject.subject_id == "mouse 7"
    assert list(nwb.experimenter) == ["A. Person"]
    assert nwb.experiment_description == "open field"
    assert nwb.acquisition["Notes"].data[0] == "lap 1, left"
    changes = table(nwb, "DeviceSettingChanges")
    assert changes["setting"].tolist() == ["led0"]
    files = table(nwb, "SourceFiles").set_index("path")
    assert not files.loc["behaviorTracker/pose.csv", "converted"]
    assert (files["sha256"].str.len() == 64).all()


def test_several_yaml_files_merge_and_the_later_wins(shell, tmp_path, complete):
    later = tmp_path / "later.yaml"
    later.write_text("subject: {age: P100D}\n")
    session = make_v4(tmp_path / "raw")
    done = convert(shell, session.folder, tmp_path / "out.nwb", "-m", complete, "-m", later)
    assert done.code == 0, done.err
    with opened(tmp_path / "out.nwb") as nwb:
        assert nwb.subject.age == "P100D"
        assert nwb.subject.subject_id == "007"
        assert nwb.imaging_planes["ImagingPlane"].location == "CA1"
    line = next(line for line in done.out.splitlines() if "later.yaml" in line)
    assert "subject.age" in line
    assert "Still missing" not in done.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("subject: {subject_id: 007}\n", ["subject_id", '"007"']),
        ("subject: {specis: Mus musculus}\n", ["specis", "species"]),
        ("sesion: {lab: X}\n", ["sesion", "session"]),
        ("session: {lab: no}\n", ["lab", '"no"']),
        ("session: {notes: 1:30}\n", ["notes", '"1:30"']),
        ("subject: {sex: female}\n", ["sex", "F"]),
        ("subject: [\n", ["line"]),
    ],
)
def test_wrong_yaml_is_one_sentence(shell, tmp_path, text, words):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text)
    session = make_v4(tmp_path / "raw")
    done = convert(shell, session.folder, tmp_path / "out.nwb", "-m", wrong)
    assert done.code == 1
    assert "wrong.yaml" in done.err
    for word in words:
        assert word in done.err
    assert not (tmp_path / "out.nwb").exists()


def test_stub_keeps_the_first_frames(shell, tmp_path):
    session = make_v4(tmp_path / "raw", cameras=("BehavCam 0",))
    path = tmp_path / "out.nwb"
    done = convert(shell, session.folder, path, "--stub", 7)
    assert done.code == 0
    assert "STUB: only the first 7 frames" in done.out
    assert "no time stamp" not in done.out
    with opened(path) as nwb:
        data = nwb.acquisition["OnePhotonSeries"].data[:]
    np.testing.assert_array_equal(np.swapaxes(data, 1, 2), session.frames["Miniscope"][:7])
    verified = shell("verify", path, "--raw", session.folder)
    assert verified.code == 0
    assert "STUB" in verified.out


@pytest.mark.parametrize("links", ["copy", "hard", "in-place"])
def test_behaviour_videos_stand_where_the_file_says(shell, tmp_path, links):
    session = make_v4(tmp_path / "raw", cameras=("BehavCam 0",))
    path = tmp_path / "out" / "m.nwb"
    assert convert(shell, session.folder, path, "--link-videos", links).code == 0
    with opened(path) as nwb:
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        names = [str(name) for name in video.external_file[:]]
        assert list(video.starting_frame) == [0, 10, 20]
        assert len(video.timestamps) == 25
    for number, name in enumerate(names):
        assert not Path(name).is_absolute()
        assert "\\" not in name
        raw = session.folder / "BehavCam_0" / f"{number}.avi"
        assert (path.parent / name).read_bytes() == raw.read_bytes()
        if links != "in-place":
            assert name.startswith("m/")
    assert shell("verify", path, "--raw", session.folder).code == 0


def test_embedded_video(shell, tmp_path):
    session = make_v4(tmp_path / "raw", cameras=("BehavCam 0",), camera_fourcc="GREY")
    path = tmp_path / "out.nwb"
    assert convert(shell, session.folder, path, "--embed-video").code == 0
    with opened(path) as nwb:
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        data = np.swapaxes(video.data[:], 1, 2)
    np.testing.assert_array_equal(data, session.frames["BehavCam 0"])
    assert shell("verify", path, "--raw", session.folder).code == 0


def test_uncompressed(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    path = tmp_path / "out.nwb"
    assert convert(shell, session.folder, path, "--compression", "none").code == 0
    with opened(path) as nwb:
        assert nwb.acquisition["OnePhotonSeries"].data.compression is None
    assert shell("verify", path, "--raw", session.folder).code == 0


def test_a_device_folder_is_converted_alone(shell, tmp_path):
    session = make_v4(tmp_path / "raw", scopes=("A", "B"))
    path = tmp_path / "out.nwb"
    assert convert(shell, session.folder / "B", path).code == 0
    with opened(path) as nwb:
        data = np.swapaxes(nwb.acquisition["OnePhotonSeries"].data[:], 1, 2)
        assert nwb.session_start_time == START
    np.testing.assert_array_equal(data, session.frames["B"])
    assert shell("verify", path, "--raw", session.folder / "B").code == 0


def test_role_from_the_yaml(shell, tmp_path):
    session = make_v4(tmp_path / "raw", scopes=("A", "B"))
    yaml = tmp_path / "roles.yaml"
    yaml.write_text("devices: {B: {role: camera}}\n")
    assert convert(shell, session.folder, tmp_path / "out.nwb", "-m", yaml).code == 0
    with opened(tmp_path / "out.nwb") as nwb:
        assert "OnePhotonSeries" in nwb.acquisition
        assert any(name.startswith("BehaviorVideo") for name in nwb.acquisition)


def test_a_device_without_video_is_left_out_on_request(shell, tmp_path):
    session = make_v4(tmp_path / "raw", scopes=("A", "B"))
    for part in (session.folder / "B").glob("*.avi"):
        part.unlink()
    shown = shell("inspect", session.folder)
    assert shown.code == 1
    assert shown.out.count("ERROR") == 1
    path = tmp_path / "out.nwb"
    assert convert(shell, session.folder, path).code == 1
    assert convert(shell, session.folder, path, "--on-mismatch", "trim").code == 0
    with opened(path) as nwb:
        data = np.swapaxes(nwb.acquisition["OnePhotonSeriesA"].data[:], 1, 2)
    np.testing.assert_array_equal(data, session.frames["A"])
    assert shell("verify", path, "--raw", session.folder).code == 0


def test_zones_and_starts(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    wrong = convert(shell, session.folder, tmp_path / "a.nwb", "--timezone", "Europe/Berln")
    assert wrong.code == 1
    assert "Europe/Berlin" in wrong.err
    done = convert(shell, session.folder, tmp_path / "b.nwb", "--start-time", "2023-03-26T10:00:00")
    assert done.code == 0
    with opened(tmp_path / "b.nwb") as nwb:
        assert nwb.session_start_time.isoformat() == "2023-03-26T10:00:00+02:00"


@pytest.mark.parametrize("form", ["v4", "v3"])
def test_half_written_last_row_passes_verify(shell, tmp_path, form):
    raw = tmp_path / "raw"
    shell("simulate", raw, "--format", form, "--frames", 60, "--width", 64, "--height", 48,
          "--corrupt", "half-row", "--quiet")  # fmt: skip
    path = tmp_path / "out.nwb"
    assert convert(shell, raw, path).code == 0
    verified = shell("verify", path, "--raw", raw)
    assert verified.code == 0, verified.out
