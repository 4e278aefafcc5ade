"""Every row of the rules for damaged input, through the command line, and verified afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import timedelta

import numpy as np
import pytest
from builders.v4 import make_v4, write_avi
from damage import header_only, truncate, unfinalise
from recordings import convert, lost_frames, opened, table


@pytest.fixture
def session(tmp_path):
    """A session of 35 frames in files of 10, 10, 10 and 5."""
    folder = tmp_path / "raw" / "2026_03_02" / "14_05_07"
    return make_v4(folder, n_frames=35)


def device(session):
    return session.folder / "Miniscope"


def stamps_of(session, frames):
    return session.stamps_ms["Miniscope"][list(frames)] / 1000.0


def rewrite_stamps(session, change):
    """Change the rows of timeStamps.csv: a list of lists of text, without the header."""
    path = device(session) / "timeStamps.csv"
    header, *rows = path.read_text().splitlines()
    rows = change([row.split(",") for row in rows])
    path.write_bytes("".join(",".join(row) + "\n" for row in [header.split(","), *rows]).encode())


def check_stored(path, session, frames, *, stamps=None):
    """The file holds exactly these frames, each with its own stamp."""
    frames = list(frames)
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        stored = np.swapaxes(series.data[:], 1, 2)
        np.testing.assert_array_equal(stored, session.frames["Miniscope"][frames])
        expected = stamps_of(session, frames) if stamps is None else stamps
        np.testing.assert_array_equal(series.timestamps[:], expected)


def check_verified(shell, path, session):
    verified = shell("verify", path, "--raw", session.folder)
    assert verified.code == 0, verified.out + verified.err


def convert_well(shell, session, tmp_path, *options):
    path = tmp_path / "out.nwb"
    done = convert(shell, session.folder, path, *options)
    assert done.code == 0, done.err
    check_verified(shell, path, session)
    return path, done.out + done.err


def convert_badly(shell, session, tmp_path, *options):
    """The command stops with one clear message and leaves nothing behind."""
    path = tmp_path / "out.nwb"
    before = sorted(p.name for p in tmp_path.iterdir())
    done = convert(shell, session.folder, path, *options)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert shell("inspect", session.folder).code in (0, 1)
    return done.err


def test_truncated_last_part(shell, session, tmp_path):
    write_avi(device(session) / "3.avi", session.frames["Miniscope"][30:], "GREY")
    truncate(device(session) / "3.avi", 0.6)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        n_stored = len(nwb.acquisition["OnePhotonSeries"].data)
        repairs = table(nwb, "Repairs")
    assert 30 < n_stored < 35
    check_stored(path, session, range(n_stored))
    assert "3.avi" in said
    assert list(repairs["rule"]) == ["trimmed_stamp"] * (35 - n_stored)


def test_truncated_middle_part(shell, session, tmp_path):
    write_avi(device(session) / "1.avi", session.frames["Miniscope"][10:20], "GREY")
    truncate(device(session) / "1.avi", 0.55)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        n_kept = len(nwb.acquisition["OnePhotonSeries"].data) - 25
        lost = lost_frames(nwb)
    assert 0 < n_kept < 10
    check_stored(path, session, [*range(10 + n_kept), *range(20, 35)])
    assert lost["evidence"].tolist() == ["file"]
    assert lost["n_lost"].tolist() == [10 - n_kept]
    assert "1.avi" in said


def test_unfinalised_last_part_keeps_every_frame(shell, session, tmp_path):
    unfinalise(device(session) / "3.avi")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


@pytest.mark.parametrize("empty", ["zero bytes", "header only"])
def test_empty_last_part(shell, session, tmp_path, empty):
    part = device(session) / "3.avi"
    part.write_bytes(b"") if empty == "zero bytes" else header_only(part)
    path, said = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(30))
    assert "3.avi" in said


@pytest.mark.parametrize("how", ["missing", "zero bytes", "header only"])
def test_part_without_frames_in_the_middle(shell, session, tmp_path, how):
    part = device(session) / "1.avi"
    if how == "missing":
        part.unlink()
    elif how == "zero bytes":
        part.write_bytes(b"")
    else:
        header_only(part)
    path, said = convert_well(shell, session, tmp_path)
    check_stored(path, session, [*range(10), *range(20, 35)])
    with opened(path) as nwb:
        assert lost_frames(nwb)["n_lost"].tolist() == [10]
    assert "missing before Miniscope/2.avi" in said if how == "missing" else "1.avi" in said


def test_few_stamps_missing_at_the_tail(shell, session, tmp_path):
    rewrite_stamps(session, lambda rows: rows[:-3])
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(32))
    with opened(path) as nwb:
        assert list(table(nwb, "Repairs")["rule"]) == ["trimmed_frame"] * 3


def test_pad_extrapolates_missing_stamps(shell, session, tmp_path):
    rewrite_stamps(session, lambda rows: rows[:-3])
    path, _ = convert_well(shell, session, tmp_path, "--on-mismatch", "pad")
    with opened(path) as nwb:
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        assert list(table(nwb, "Repairs")["rule"]) == ["padded"] * 3
    assert len(times) == 35
    np.testing.assert_array_equal(times[:32], stamps_of(session, range(32)))
    np.testing.assert_allclose(np.diff(times[31:]), 0.05, atol=0.003)


def test_many_stamps_missing_at_the_tail_stop(shell, tmp_path):
    session = make_v4(tmp_path / "raw", n_frames=200, frames_per_file=100, width=24, height=16)
    rewrite_stamps(session, lambda rows: rows[:60])
    said = convert_badly(shell, session, tmp_path)
    assert "140" in said
    assert "--on-mismatch" in said
    path, _ = convert_well(shell, session, tmp_path, "--on-mismatch", "trim")
    check_stored(path, session, range(60))


def test_surplus_stamps_of_whole_files_stop(shell, session, tmp_path):
    extra = [["35", "1790", "0"], ["36", "1840", "0"]]
    rewrite_stamps(session, lambda rows: rows + extra)
    said = convert_badly(shell, session, tmp_path)
    assert "2" in said
    assert "trim" in said
    said = convert_badly(shell, session, tmp_path, "--on-mismatch", "pad")
    assert "trim" in said
    path, _ = convert_well(shell, session, tmp_path, "--on-mismatch", "trim")
    check_stored(path, session, range(35))


def test_row_missing_in_the_middle_stops(shell, session, tmp_path):
    rewrite_stamps(session, lambda rows: rows[:12] + rows[14:])
    said = convert_badly(shell, session, tmp_path)
    assert "12" in said
    path, _ = convert_well(shell, session, tmp_path, "--on-mismatch", "trim")
    check_stored(path, session, [*range(12), *range(14, 35)])


def test_equal_stamps_are_kept_and_counted(shell, session, tmp_path):
    def repeat(rows):
        rows[7][1] = rows[6][1]
        return rows

    rewrite_stamps(session, repeat)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        assert table(nwb, "TimingReport")["n_duplicated"].tolist() == [1]
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
    assert times[7] == times[6]
    assert "WARNING" in said


def test_backward_stamp(shell, session, tmp_path):
    def dip(rows):
        rows[20][1] = str(int(rows[20][1]) - 500)
        return rows

    rewrite_stamps(session, dip)
    said = convert_badly(shell, session, tmp_path)
    assert "--stamps" in said
    recorded = stamps_of(session, range(35))
    path, _ = convert_well(shell, session, tmp_path, "--stamps", "interpolate")
    mended = recorded.copy()
    mended[20] = (recorded[19] + recorded[21]) / 2
    with opened(path) as nwb:
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        repairs = table(nwb, "Repairs")
    np.testing.assert_allclose(times, mended, atol=1e-9)
    assert repairs["rule"].tolist() == ["interpolated"]
    assert repairs["recorded_s"].tolist() == [recorded[20] - 0.5]
    path.unlink()
    path, _ = convert_well(shell, session, tmp_path, "--stamps", "keep")
    with opened(path) as nwb:
        assert nwb.acquisition["OnePhotonSeries"].timestamps[20] == recorded[20] - 0.5


def test_clock_step_is_not_interpolated(shell, session, tmp_path):
    def step(rows):
        return [[n, str(int(t) - (900 if int(n) >= 20 else 0)), b] for n, t, b in rows]

    rewrite_stamps(session, step)
    said = convert_badly(shell, session, tmp_path, "--stamps", "interpolate")
    assert "keep" in said


def test_huge_origin_is_moved_and_recorded(shell, session, tmp_path):
    def far(rows):
        return [[n, str(int(t) + 935_703_190), b] for n, t, b in rows]

    rewrite_stamps(session, far)
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        assert "origin" in table(nwb, "Repairs")["rule"].tolist()
    assert abs(times[0]) < 1e-6
    np.testing.assert_allclose(np.diff(times), np.diff(stamps_of(session, range(35))), atol=1e-9)
    assert "WARNING" in said


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


def test_two_candidates_for_one_part_stop(shell, session, tmp_path):
    shutil.copy(device(session) / "0.avi", device(session) / "0_corrected.avi")
    said = convert_badly(shell, session, tmp_path)
    assert "0.avi" in said
    assert "0_corrected.avi" in said


def test_derived_files_are_no_part(shell, session, tmp_path):
    shutil.copy(device(session) / "0.avi", device(session) / "0_mc.avi")
    (device(session) / "saved_movies").mkdir()
    (device(session) / "memmap_d1_48_d2_64.mmap").write_bytes(b"x")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))


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


@pytest.mark.parametrize("how", ["crlf", "bom", "utf-16", "semicolon", "quoted"])
def test_re_saved_stamps(shell, session, tmp_path, how):
    path = device(session) / "timeStamps.csv"
    text = path.read_text()
    if how == "crlf":
        path.write_bytes(text.replace("\n", "\r\n").encode())
    elif how == "bom":
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    elif how == "utf-16":
        path.write_bytes(text.encode("utf-16"))
    elif how == "semicolon":
        path.write_bytes(text.replace(",", ";").encode())
    else:
        quoted = "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in text.split())
        header = text.splitlines()[0]
        path.write_bytes((header + "\n" + "\n".join(quoted.splitlines()[-35:]) + "\n").encode())
    output, said = convert_well(shell, session, tmp_path)
    check_stored(output, session, range(35))
    if how != "quoted":
        assert "re-saved" in said


def test_half_written_row_and_nul_tail(shell, session, tmp_path):
    stamps = device(session) / "timeStamps.csv"
    stamps.write_bytes(stamps.read_bytes() + b"35,17" + b"\0" * 300)
    path, said = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))
    assert "NUL" in said


def test_second_header_stops(shell, session, tmp_path):
    header = ["Frame Number", "Time Stamp (ms)", "Buffer Index"]
    rewrite_stamps(session, lambda rows: [*rows[:20], header, *rows[20:]])
    assert "22" in convert_badly(shell, session, tmp_path)


def test_counter_restart_stops(shell, session, tmp_path):
    rewrite_stamps(
        session, lambda rows: [*rows[:20], *[[str(i), *r[1:]] for i, r in enumerate(rows[20:])]]
    )
    said = convert_badly(shell, session, tmp_path)
    assert "line 22" in said
    assert "two recordings" in said


def test_size_change_between_parts_stops(shell, session, tmp_path):
    write_avi(device(session) / "2.avi", np.zeros((10, 32, 40), np.uint8))
    said = convert_badly(shell, session, tmp_path)
    assert "2.avi" in said
    assert "40" in said


def test_lossy_codec_on_a_scope_is_recorded(shell, tmp_path):
    session = make_v4(tmp_path / "raw", fourcc="MJPG")
    path, said = convert_well(shell, session, tmp_path)
    with opened(path) as nwb:
        assert "lossy" in nwb.acquisition["OnePhotonSeries"].comments.lower()
    assert "lossy" in said


def test_os_junk_is_ignored(shell, session, tmp_path):
    for name in ("._0.avi", "Thumbs.db", ".DS_Store"):
        (device(session) / name).write_bytes(b"junk")
    path, _ = convert_well(shell, session, tmp_path)
    check_stored(path, session, range(35))
    with opened(path) as nwb:
        assert not [p for p in table(nwb, "SourceFiles")["path"] if "._0" in p]


def test_camera_with_another_start_is_not_shifted(shell, tmp_path):
    session = make_v4(tmp_path / "raw", cameras=("BehavCam 0",))
    path = session.folder / "BehavCam_0" / "timeStamps.csv"
    header, *rows = path.read_text().splitlines()
    rows = [r.split(",") for r in rows]
    moved = [f"{n},{int(t) + 730},{b}" for n, t, b in rows]
    path.write_bytes(("\n".join([header, *moved]) + "\n").encode())
    output, _ = convert_well(shell, session, tmp_path)
    with opened(output) as nwb:
        name = next(n for n in nwb.acquisition if n.startswith("BehaviorVideo"))
        np.testing.assert_array_equal(
            nwb.acquisition[name].timestamps[:], [int(r.split(",")[1]) / 1000.0 for r in moved]
        )


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
