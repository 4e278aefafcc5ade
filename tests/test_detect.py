"""Which recordings a folder holds: found by their files, never guessed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from builders.v3 import make_v3
from builders.v4 import make_v4

from miniscope_nwb.convert import detect
from miniscope_nwb.convert.detect import explain, find_recordings, find_refused
from miniscope_nwb.convert.readers.miniscope_v3 import MiniscopeV3Reader
from miniscope_nwb.errors import DetectionError, RecordingError


def found(path):
    return [
        (reader.name, source.folder.relative_to(path).as_posix())
        for reader, source in find_recordings(path)
    ]


def refusal(path):
    with pytest.raises(DetectionError) as caught:
        find_recordings(path)
    return str(caught.value)


def test_one_session(tmp_path):
    make_v3(tmp_path / "v3", n_scope=3, n_camera=0)
    make_v4(tmp_path / "v4", n_frames=3)
    assert found(tmp_path / "v3") == [("v3", ".")]
    assert found(tmp_path / "v4") == [("v4", ".")]


def test_device_folder(tmp_path):
    make_v4(tmp_path / "v4", n_frames=3)
    ((reader, source),) = find_recordings(tmp_path / "v4" / "Miniscope")
    assert reader.name == "v4"
    assert source.device == "Miniscope"
    assert source.folder == tmp_path / "v4"


def test_several_sessions_in_natural_order(tmp_path):
    names = [
        "mouse 10/6_9_2019/H9_M5_S44",
        "mouse 2/6_9_2019/H9_M5_S44",
        "mouse 2/6_10_2019/H1_M1_S1",
    ]
    for name in names:
        make_v3(tmp_path / name, n_scope=3, n_camera=0)
    assert found(tmp_path) == [("v3", names[1]), ("v3", names[2]), ("v3", names[0])]


def test_mixture_in_one_folder(tmp_path):
    make_v3(tmp_path / "s", n_scope=3, n_camera=0)
    truth = make_v4(tmp_path / "v4", n_frames=3)
    for name in ("0.avi", "timeStamps.csv"):
        (truth.folder / "Miniscope" / name).rename(tmp_path / "s" / name)
    text = refusal(tmp_path / "s")
    assert "recordings of 2 formats" in text
    assert "  v4: " in text
    assert "  v3: 1 msCam" in text


def test_formats_in_one_tree(tmp_path):
    make_v3(tmp_path / "a", n_scope=3, n_camera=0)
    make_v4(tmp_path / "b", n_frames=3)
    text = refusal(tmp_path)
    assert "give one of their folders" in text
    assert f"v3: {tmp_path / 'a'}" in text
    assert f"v4: {tmp_path / 'b'}" in text


def test_stray_files_block_nothing(tmp_path):
    make_v4(tmp_path / "2021_06_03" / "s", n_frames=3)
    deep = tmp_path / "2021_06_03" / "s" / "experiment" / "old" / "older"
    deep.mkdir(parents=True)
    (deep / "settings_and_notes.dat").write_bytes(b"animal\n")
    (tmp_path / "2021_06_03" / "s" / "timestamp.dat").write_bytes(b"")
    for name in ("figures/overview.tif", "webcam/a.isxd", "mouse/settings_and_notes.dat"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(b"x")
    assert found(tmp_path) == [("v4", "2021_06_03/s")]
    assert found(tmp_path / "2021_06_03" / "s") == [("v4", ".")]
    assert [folder.name for folder, _ in find_refused(tmp_path)] == ["figures", "webcam"]
    assert find_refused(tmp_path / "2021_06_03" / "s") == []


def test_refused_file_beside_a_session(tmp_path):
    truth = make_v3(tmp_path / "s", n_scope=3, n_camera=0)
    (truth.folder / "stack.tif").write_bytes(b"x")
    (tmp_path / "overview.tif").write_bytes(b"x")
    assert found(truth.folder) == [("v3", ".")]
    assert found(tmp_path) == [("v3", "s")]


def test_refused_below(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.isxd").write_bytes(b"x")
    text = refusal(tmp_path)
    assert str(tmp_path / "a") in text
    assert "2 more folders" in text


def test_damaged_session_among_others_is_not_left_out(tmp_path, monkeypatch):
    for name in ("a", "b"):
        make_v3(tmp_path / name, n_scope=3, n_camera=0)
    (tmp_path / "c").mkdir()
    usual = MiniscopeV3Reader.sniff

    def sniff(self, folder):
        if folder.name == "b":
            raise RecordingError("b: a link leads out of it.")
        return usual(self, folder)

    monkeypatch.setattr(MiniscopeV3Reader, "sniff", sniff)
    text = refusal(tmp_path)
    assert "others that cannot" in text
    assert "b: a link leads out of it." in text


def test_a_file(tmp_path):
    make_v3(tmp_path / "s", n_scope=3, n_camera=0)
    text = refusal(tmp_path / "s" / "msCam1.avi")
    assert "is a file, not a folder" in text
    assert str(tmp_path / "s") in text


def test_no_such_path(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is not a folder" in refusal(tmp_path / "pipe")


def test_empty_folder(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is empty: give the folder of a recording."


def test_nothing_found_says_why(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"x")
    text = refusal(tmp_path)
    for match in explain(tmp_path):
        assert f"  {match.reader}: {'; '.join(match.reasons)}" in text
    assert "v3: no msCam1.avi" in text


def test_explain(tmp_path):
    make_v3(tmp_path, n_scope=3, n_camera=0)
    assert {match.reader for match in explain(tmp_path) if match.is_match} == {"v3"}
    with pytest.raises(DetectionError, match="does not exist"):
        explain(tmp_path / "x")


def test_links_and_hidden_results_are_not_followed(tmp_path):
    make_v3(tmp_path / "outside", n_scope=3, n_camera=0)
    study = tmp_path / "study"
    make_v3(study / "a", n_scope=3, n_camera=0)
    make_v3(study / "minian_results", n_scope=3, n_camera=0)
    make_v3(study / "__MACOSX", n_scope=3, n_camera=0)
    try:
        (study / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
        (study / "a" / "loop").symlink_to(study, target_is_directory=True)
        (study / "loop").symlink_to(study, target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    assert found(study) == [("v3", "a")]


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_folder_without_permission(tmp_path):
    make_v3(tmp_path / "b", n_scope=3, n_camera=0)
    locked = tmp_path / "a"
    locked.mkdir(mode=0)
    try:
        assert found(tmp_path) == [("v3", "b")]
        if not os.access(locked, os.R_OK):
            assert "cannot be listed" in refusal(locked)
    finally:
        locked.chmod(0o700)


def test_thousands_of_folders(tmp_path, monkeypatch):
    for group in range(40):
        for place in range(40):
            (tmp_path / str(group) / str(place)).mkdir(parents=True)
    make_v3(tmp_path / "20" / "30", n_scope=3, n_camera=0)
    began = time.monotonic()
    assert found(tmp_path) == [("v3", "20/30")]
    assert time.monotonic() - began < 20
    monkeypatch.setattr(detect, "MAX_FOLDERS", 100)
    assert "more than 100 folders" in refusal(tmp_path)


def test_too_deep(tmp_path):
    deep = tmp_path.joinpath(*["x"] * (detect.MAX_DEPTH + 1))
    make_v3(deep, n_scope=3, n_camera=0)
    assert "holds no recording" in refusal(tmp_path)
    assert found(tmp_path / "x") == [("v3", Path(*["x"] * detect.MAX_DEPTH).as_posix())]


def test_real_tree(real_data):
    assert [name for name, _ in found(real_data / "qt")] == ["v4", "v4"]
    assert "Inscopix" in refusal(real_data / "onephoton")


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("lab.yaml", "give the folder of the recording (a session YAML goes behind -m)."),
        ("0.avi", "give the folder of the recording."),
        ("day/0.avi", "give the folder of the recording, day."),
    ],
)
def test_a_file_in_the_place_of_the_folder(tmp_path, monkeypatch, name, end):
    (tmp_path / "day").mkdir()
    (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectionError) as caught:
        find_recordings(Path(name))
    assert str(caught.value) == f"{Path(name)} is a file, not a folder: {end}"
