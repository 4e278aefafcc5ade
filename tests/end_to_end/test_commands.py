"""The commands as a user types them: options, exit codes, words, and what stands in the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from builders.gui import make_gui
from builders.v4 import START, make_v4
from recordings import convert, opened, table

from miniscope_nwb.cli.main import COMMANDS

COMPLETE = """\
subject: {subject_id: "007", species: Mus musculus, sex: F, age: P90D}
imaging:
  indicator: GCaMP6f
  excitation_wavelength_nm: 470
  emission_wavelength_nm: 525
  location: CA1
  pixel_size_um: 1.64
session: {experimenter: "Doe, Jane", experiment_description: Open field., keywords: [mouse]}
"""


@pytest.fixture
def complete(tmp_path):
    path = tmp_path / "complete.yaml"
    path.write_text(COMPLETE, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shell, command):
    done = shell(command, "--help")
    assert done.code == 0
    assert f"\n    miniscope-nwb {command}" in done.out  # on a line of its own
    assert "\\b" not in done.out
    assert "--quiet" in done.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["convert"], ["convert", "x", "--stamps", "maybe"], ["verify", "x"]]
)
def test_wrong_usage_exits_with_2(shell, arguments):
    done = shell(*arguments)
    assert done.code == 2
    assert done.err


def test_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "miniscope_nwb", "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "miniscope-nwb" in done.stdout


def test_problem_in_the_request_exits_with_1(shell, tmp_path):
    done = shell("inspect", tmp_path / "nothing")
    assert done.code == 1
    assert "does not exist" in done.err
    answer = shell("inspect", tmp_path / "nothing", "--json")
    assert "does not exist" in answer.answer["error"]


def test_inspect_says_what_is_there_and_writes_nothing(shell, tmp_path):
    session = make_v4(
        tmp_path / "raw", version="v2.0", n_frames=60, lost={20: 2, 40: 1}, cameras=("BehavCam 0",)
    )
    before = sorted(tmp_path.rglob("*"))
    done = shell("inspect", session.folder, "--json")
    assert done.code == 0
    (recording,) = done.answer["recordings"]
    assert recording["format"] == "v4"
    assert recording["start"] == START.isoformat()
    assert [d["name"] for d in recording["devices"]] == ["Miniscope", "BehavCam 0"]
    assert recording["devices"][0]["n_frames"] == 60
    scope = recording["timing"][0]
    assert scope["n_lost"] == 3
    assert scope["measured_rate_hz"] == pytest.approx(20, rel=1e-3)
    assert [
        span["n_lost"] for span in recording["lost_frames"] if span["device"] == "Miniscope"
    ] == [2, 1]
    text = shell("inspect", session.folder).out
    assert "BehavCam 0" in text
    assert sorted(tmp_path.rglob("*")) == before


def test_inspect_fails_where_convert_would(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    (session.folder / "Miniscope" / "timeStamps.csv").unlink()
    done = shell("inspect", session.folder)
    assert done.code == 1
    assert "ERROR" in done.out
    assert convert(shell, session.folder, tmp_path / "x.nwb").code == 1


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


def test_template_is_accepted_and_can_be_completed(shell, tmp_path, complete):
    session = make_v4(tmp_path / "raw", animal="007", researcher="no")
    template = tmp_path / "session.yaml"
    assert shell("init", session.folder, "-o", template, "--quiet").code == 0
    printed = shell("init", session.folder).out
    assert printed == template.read_text(encoding="utf-8")
    assert "REQUIRED" in printed
    assert '"007"' in printed
    done = convert(shell, session.folder, tmp_path / "out.nwb", "-m", template, "-m", complete)
    assert done.code == 0, done.err
    again = shell("init", session.folder, "-o", template)
    assert again.code == 1
    assert "--overwrite" in again.err


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


@pytest.fixture
def two_sessions(tmp_path):
    first = make_v4(tmp_path / "raw" / "14_05_09", n_frames=20)
    second = make_v4(
        tmp_path / "raw" / "14_15_09", n_frames=15, start=START + timedelta(minutes=10), seed=8
    )
    return first, second


def test_several_recordings_become_one_file_each(shell, tmp_path, two_sessions):
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    paths = [Path(item["path"]) for item in done.answer["files"]]
    assert len(set(paths)) == 2
    for path, session in zip(paths, two_sessions, strict=True):
        assert shell("verify", path, "--raw", session.folder).code == 0
    wrong = convert(shell, tmp_path / "raw", tmp_path / "one.nwb")
    assert wrong.code == 1
    assert "--join" in wrong.err


def test_joined_recordings_show_the_gap(shell, tmp_path, two_sessions):
    first, second = two_sessions
    path = tmp_path / "joined.nwb"
    done = convert(shell, tmp_path / "raw", path, "--join")
    assert done.code == 0, done.err
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        times = series.timestamps[:]
        data = np.swapaxes(series.data[:], 1, 2)
        assert nwb.session_start_time == START
        assert "LostFrames" not in (nwb.intervals or {})
    np.testing.assert_array_equal(data[:20], first.frames["Miniscope"])
    np.testing.assert_array_equal(data[20:], second.frames["Miniscope"])
    np.testing.assert_array_equal(times[:20], first.stamps_ms["Miniscope"] / 1000.0)
    np.testing.assert_allclose(times[20:], second.stamps_ms["Miniscope"] / 1000.0 + 600, atol=1e-9)
    assert shell("verify", path, "--raw", tmp_path / "raw").code == 0


@pytest.mark.parametrize("other", [{"width": 72}, {"animal": "m8"}, {"extra_device": {"ewl": -3}}])
def test_recordings_that_do_not_belong_together_are_not_joined(shell, tmp_path, other):
    make_v4(tmp_path / "raw" / "a")
    make_v4(tmp_path / "raw" / "b", start=START + timedelta(minutes=10), **other)
    done = convert(shell, tmp_path / "raw", tmp_path / "out.nwb", "--join")
    assert done.code == 1
    assert not (tmp_path / "out.nwb").exists()


def test_overlapping_recordings_are_not_joined(shell, tmp_path):
    make_v4(tmp_path / "raw" / "a", n_frames=60)
    make_v4(tmp_path / "raw" / "b", start=START + timedelta(seconds=1))
    done = convert(shell, tmp_path / "raw", tmp_path / "out.nwb", "--join")
    assert done.code == 1
    assert "overlap" in done.err


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


def test_completed_file_is_valid_without_violations(shell, tmp_path, complete):
    session = make_v4(tmp_path / "raw", n_frames=120, frames_per_file=50, cameras=("BehavCam 0",))
    done = shell("convert", session.folder, "-o", tmp_path / "dandiset", "-m", complete, "--json")
    path = done.answer["files"][0]["path"]
    checked = shell("validate", path, "--strict", "--json")
    assert checked.code == 0, checked.out
    assert checked.answer["counts"]["violation"] == 0


def test_demo(shell, tmp_path):
    done = shell("demo", tmp_path / "demo")
    assert done.code == 0, done.out + done.err
    assert "equal to the raw data and valid" in done.out
    found, planted, false = map(int, re.findall(r"\d+", done.out.split("It holds ")[1])[:3])
    assert found >= 0.9 * planted > 15
    assert false <= 3
    again = shell("demo", tmp_path / "demo")
    assert again.code == 1
    assert "not empty" in again.err


def test_real_recordings(shell, tmp_path, real_data):
    done = shell("convert", real_data / "qt", "-o", tmp_path, "--json")
    assert done.code == 0, done.err
    for item, name in zip(done.answer["files"], ("15_03_28", "15_06_28"), strict=True):
        folder = real_data / "qt" / "C6-J588_Disc5" / name
        assert shell("verify", item["path"], "--raw", folder).code == 0
        assert item["frames"] == {"Miniscope": 5, "BehavCam 2": 5}


def test_two_sets_of_one_second_become_two_files(shell, tmp_path):
    for number, stem in enumerate(("lap_1", "lap_2")):
        make_gui(tmp_path / "raw", stem=stem, seed=number)
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    paths = [Path(item["path"]) for item in done.answer["files"]]
    assert len(set(paths)) == 2
    assert all(path.is_file() for path in paths)


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


def test_an_error_in_a_study_names_the_session(shell, tmp_path, two_sessions):
    _, second = two_sessions
    (second.folder / "Miniscope" / "timeStamps.csv").unlink()
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out")
    assert done.code == 1
    assert str(second.folder) in done.err
    assert not (tmp_path / "out").exists()


def test_existing_outputs_are_seen_before_the_first_is_written(shell, tmp_path, two_sessions):
    first = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json").answer["files"]
    Path(first[0]["path"]).unlink()
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out")
    assert done.code == 1
    assert "--overwrite" in done.err
    assert not Path(first[0]["path"]).exists()


def test_zones_and_starts(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    wrong = convert(shell, session.folder, tmp_path / "a.nwb", "--timezone", "Europe/Berln")
    assert wrong.code == 1
    assert "Europe/Berlin" in wrong.err
    done = convert(shell, session.folder, tmp_path / "b.nwb", "--start-time", "2023-03-26T10:00:00")
    assert done.code == 0
    with opened(tmp_path / "b.nwb") as nwb:
        assert nwb.session_start_time.isoformat() == "2023-03-26T10:00:00+02:00"


def test_output_with_another_suffix_is_refused(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    done = convert(shell, session.folder, tmp_path / "x.h5")
    assert done.code == 1
    assert ".nwb" in done.err


@pytest.mark.parametrize("form", ["v4", "v3"])
def test_half_written_last_row_passes_verify(shell, tmp_path, form):
    raw = tmp_path / "raw"
    shell("simulate", raw, "--format", form, "--frames", 60, "--width", 64, "--height", 48,
          "--corrupt", "half-row", "--quiet")  # fmt: skip
    path = tmp_path / "out.nwb"
    assert convert(shell, raw, path).code == 0
    verified = shell("verify", path, "--raw", raw)
    assert verified.code == 0, verified.out
