"""Every rule for damaged metadata, odd names and other files, through the command line."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import timedelta

import pytest
from builders.v4 import make_v4, write_avi
from damaged_v4 import check_stored, convert_badly, convert_well, device
from recordings import convert, opened, table


def test_missing_device_metadata(shell, session, tmp_path):
    (device(session) / "metaData.json").unlink()
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


def test_missing_session_metadata_takes_the_folder_name(shell, session, tmp_path):
    (session.folder / "metaData.json").unlink()
    path, said = convert_well(shell, session, tmp_path, "--timezone", "+01:00")
    with opened(path) as nwb:
        assert nwb.session_start_time.isoformat() == "2026-03-02T14:05:07+01:00"
    assert "assumed" in said


def test_no_start_time_anywhere_stops(shell, session, tmp_path):
    (session.folder / "metaData.json").unlink()
    moved = tmp_path / "raw" / "somewhere"
    session.folder.rename(moved)
    (tmp_path / "raw" / "2026_03_02").rmdir()
    done = convert(shell, moved, tmp_path / "out.nwb")
    assert done.code == 1
    assert "--start-time" in done.err
    done = convert(shell, moved, tmp_path / "out.nwb", "--start-time", "2026-03-02T14:05:07+01:00")
    assert done.code == 0


def test_stale_session_metadata(shell, session, tmp_path):
    old = (device(session) / "timeStamps.csv").stat().st_mtime - timedelta(days=2).total_seconds()
    os.utime(session.folder / "metaData.json", (old, old))
    _, said = convert_well(shell, session, tmp_path)
    assert "metaData.json" in said
    assert "older" in said or "stale" in said


def test_spaces_and_other_letters_in_names(shell, tmp_path):
    session = make_v4(tmp_path / "Maus Nr. 7 äöü 記録" / "14_05_07", scopes=("My V4 Mini µ",))
    path = tmp_path / "ausgabe é.nwb"
    assert convert(shell, session.folder, path).code == 0
    assert shell("verify", path, "--raw", session.folder).code == 0


def test_upper_case_names(shell, session, tmp_path):
    for path in list(device(session).glob("*.avi")):
        path.rename(path.with_suffix(".AVI"))
    stamps = device(session) / "timeStamps.csv"
    stamps.rename(stamps.with_name("TimeStamps.CSV"))
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


def test_os_junk_is_ignored(shell, session, tmp_path):
    for name in ("._0.avi", "Thumbs.db", ".DS_Store"):
        (device(session) / name).write_bytes(b"junk")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))
    with opened(path) as nwb:
        assert not [p for p in table(nwb, "SourceFiles")["path"] if "._0" in p]


def test_broken_session_json(shell, session, tmp_path):
    (session.folder / "metaData.json").write_text('{"animalName": "m1", "minis')
    path, said = convert_well(shell, session, tmp_path, "--timezone", "UTC")
    check_stored(path, session, range(35))
    assert "metaData.json" in said


@pytest.mark.parametrize("gain", ["High", 3.5, 2])
@pytest.mark.parametrize("rate", ["20FPS", 20])
def test_settings_of_other_types(shell, tmp_path, gain, rate):
    session = make_v4(tmp_path / "raw", extra_device={"gain": gain, "frameRate": rate})
    path, _ = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        settings = table(nwb, "DeviceSettings").set_index(["device", "setting"])["value_json"]
        assert json.loads(settings["Miniscope", "gain"]) == gain
        assert json.loads(settings["Miniscope", "frameRate"]) == rate
        assert table(nwb, "TimingReport")["nominal_rate_hz"].tolist() == [20.0]


@pytest.mark.parametrize("name", ["../other", "C:\\other", "a/b"])
def test_device_name_that_leads_outside_is_refused(shell, session, tmp_path, name):
    path = session.folder / "metaData.json"
    metadata = json.loads(path.read_text())
    path.write_text(json.dumps({**metadata, "miniscopes": [name]}))
    assert name.replace("\\", "") in convert_badly(shell, session, tmp_path).replace("\\", "")


def test_empty_folder_and_several_formats(shell, session, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "empty" in convert(shell, empty, tmp_path / "out.nwb").err
    (device(session).parent / "timestamp.dat").write_text(
        "camNum\tframeNum\tsysClock\tbuffer\r\n0\t1\t0\t1\r\n"
    )
    write_avi(session.folder / "msCam1.avi", session.frames["Miniscope"][:1], "DIB ")
    said = convert(shell, session.folder, tmp_path / "out.nwb").err
    assert "v3" in said
    assert "v4" in said


def test_the_raw_folder_is_never_written_to(shell, session, tmp_path):
    def snapshot():
        return {
            path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(session.folder.rglob("*"))
            if path.is_file()
        }

    before = snapshot()
    for path in session.folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        shell("inspect", session.folder)
        shell("init", session.folder)
        convert_well(shell, session, tmp_path, "--link-videos", "hard")
    finally:
        for path in session.folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert snapshot() == before
