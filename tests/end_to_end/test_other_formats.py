"""V3, ONIX and the Open Ephys V4 GUI through the command line: clean, damaged, and verified."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import numpy as np
import pytest
from builders.gui import START as GUI_START
from builders.gui import make_gui
from builders.onix import SENSOR_ROWS, make_onix
from builders.onix import write_avi as write_onix_avi
from builders.v3 import make_v3
from damage import header_only, truncate, unfinalise
from recordings import convert, lost_frames, opened, table

from miniscope_nwb.video.write import AviWriter

CLOCK_HZ = 250_000_000
V3_FOLDER = ("6_9_2019", "H9_M5_S44")
ZONE = ("--timezone", "Europe/Berlin")


def work(shell, folder, tmp_path, *options, name="out.nwb"):
    """Convert and verify; return the file and what was said."""
    path = tmp_path / name
    done = convert(shell, folder, path, *options)
    assert done.code == 0, done.err
    verified = shell("verify", path, "--raw", folder)
    assert verified.code == 0, verified.out + verified.err
    return path, done.out + done.err


def stop(shell, folder, tmp_path, *options):
    """Convert what cannot be: one message, and nothing is left behind."""
    before = sorted(p.name for p in tmp_path.iterdir())
    done = convert(shell, folder, tmp_path / "out.nwb", *options)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert shell("inspect", folder).code in (0, 1)
    return done.err


def check_frames(path, frames, time_s):
    """The only scope of the file holds exactly these frames and stamps."""
    with opened(path) as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        stored = series.data[:]
        assert stored.dtype == frames.dtype
        np.testing.assert_array_equal(np.swapaxes(stored, 1, 2), frames)
        np.testing.assert_array_equal(series.timestamps[:], time_s)


def repairs(path):
    with opened(path) as nwb:
        found = table(nwb, "Repairs")
    return [] if found.empty else found["rule"].tolist()


def settings(path):
    with opened(path) as nwb:
        rows = table(nwb, "DeviceSettings")
    return {(row.device, row.setting): json.loads(row.value_json) for row in rows.itertuples()}


def check_change_is_found(shell, path, folder, video, stamps, tmp_path):
    """`verify` sees one changed pixel, and one changed stamp."""
    for file, place in ((video, -400), (stamps, None)):
        copy = tmp_path / "changed"
        shutil.copytree(folder, copy)
        data = bytearray((copy / file).read_bytes())
        if place is None:
            place = data.rindex(b"1") if file.suffix in (".csv", ".dat") else 0
        data[place] ^= 1
        (copy / file).write_bytes(data)
        done = shell("verify", path, "--raw", copy)
        shutil.rmtree(copy)
        assert done.code == 1
        assert file.name in done.out + done.err


# --- V3 -------------------------------------------------------------------------------------------


@pytest.fixture
def v3(tmp_path):
    return make_v3(tmp_path.joinpath("raw", *V3_FOLDER))


def v3_rows(truth, change):
    """Change the rows of timestamp.dat: a list of lists of int, or of text."""
    path = truth.folder / "timestamp.dat"
    header, *lines = path.read_text().splitlines()
    rows = change([[int(cell) for cell in line.split("\t")] for line in lines])
    text = ["\t".join(str(cell) for cell in row) for row in rows]
    path.write_bytes("".join(line + "\r\n" for line in [header, *text]).encode())


def scope_rows(change):
    """Apply `change` to the rows of the miniscope only; the camera's follow."""

    def both(rows):
        return [*change([r for r in rows if r[0] == 1]), *[r for r in rows if r[0] == 0]]

    return both


def v3_seconds(truth, frames, device="Miniscope"):
    return truth.stamps_ms[device][list(frames)] / 1000.0


def check_v3(path, truth, frames):
    frames = list(frames)
    check_frames(path, truth.frames["Miniscope"][frames], v3_seconds(truth, frames))


def test_v3_clean(shell, tmp_path, v3):
    done = shell("inspect", v3.folder, "--json")
    assert done.code == 0
    (recording,) = done.answer["recordings"]
    assert recording["format"] == "v3"
    assert [d["n_frames"] for d in recording["devices"]] == [25, 37]
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    assert "assumed" in said
    check_v3(path, v3, range(25))
    found = settings(path)
    assert found["", "animal"] == "mouse 7"
    assert found["Miniscope", "excitation"] == 12
    assert found["Miniscope", "msCamExposure"] == 255
    assert found["", "recordLength"] == 0
    with opened(path) as nwb:
        assert nwb.session_start_time.isoformat() == "2019-06-09T09:05:44+02:00"
        assert nwb.subject.subject_id == "mouse 7"
        assert nwb.acquisition["Notes"].timestamps[:].tolist() == [2.0, 83.0]
        assert nwb.acquisition["Notes"].data[:].tolist() == [
            "LED Changed to: 15", "licks\tat the wall",
        ]  # fmt: skip
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        np.testing.assert_array_equal(video.timestamps[:], v3_seconds(v3, range(37), "BehavCam"))
        assert list(video.starting_frame) == [0, 10, 20, 30]
    check_change_is_found(
        shell, path, v3.folder, (v3.folder / "msCam2.avi").relative_to(v3.folder),
        (v3.folder / "timestamp.dat").relative_to(v3.folder), tmp_path,
    )  # fmt: skip


def test_v3_embedded_colour_video(shell, tmp_path, v3):
    path, _ = work(shell, v3.folder, tmp_path, *ZONE, "--embed-video")
    with opened(path) as nwb:
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        np.testing.assert_array_equal(np.swapaxes(video.data[:], 1, 2), v3.frames["BehavCam"])


def test_v3_zone_of_the_machine_is_assumed_and_said(shell, tmp_path, v3):
    path, said = work(shell, v3.folder, tmp_path)
    assert "--timezone" in said
    with opened(path) as nwb:
        local = nwb.session_start_time.replace(tzinfo=None).isoformat()
        assert local == "2019-06-09T09:05:44"
        assert "assumed_timezone" in table(nwb, "Problems")["code"].tolist()


def test_v3_without_a_start_stops(shell, tmp_path):
    truth = make_v3(tmp_path / "raw" / "somewhere")
    assert "--start-time" in stop(shell, truth.folder, tmp_path)
    inspected = shell("inspect", truth.folder)
    assert inspected.code == 1
    assert "--start-time" in inspected.out
    path, _ = work(shell, truth.folder, tmp_path, "--start-time", "2019-06-09T09:05:44+02:00")
    with opened(path) as nwb:
        assert nwb.session_start_time.isoformat() == "2019-06-09T09:05:44+02:00"


def test_v3_without_settings(shell, tmp_path, v3):
    (v3.folder / "settings_and_notes.dat").unlink()
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))
    assert "settings_and_notes.dat" in said


def test_v3_exact_number_of_full_files_ends_with_an_empty_one(shell, tmp_path):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), n_scope=20, n_camera=30)
    assert (truth.folder / "msCam3.avi").is_file()
    path, _ = work(shell, truth.folder, tmp_path, *ZONE)
    check_v3(path, truth, range(20))
    assert repairs(path) == []


def test_v3_a_thousand_frames_a_file(shell, tmp_path):
    truth = make_v3(
        tmp_path.joinpath("raw", *V3_FOLDER), n_scope=2000, n_camera=0, frames_per_file=1000,
        width=32, height=16,
    )  # fmt: skip
    (truth.folder / "msCam1.avi").unlink()
    path, said = work(shell, truth.folder, tmp_path, *ZONE)
    check_v3(path, truth, range(1000, 2000))
    assert "msCam2.avi" in said


def test_v3_two_digits_in_camnum(shell, tmp_path):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), scope_camnum=10, camera_camnum=1)
    path, _ = work(shell, truth.folder, tmp_path, *ZONE)
    check_v3(path, truth, range(25))


def test_v3_ten_files_stand_in_natural_order(shell, tmp_path):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), n_scope=105, n_camera=0)
    path, _ = work(shell, truth.folder, tmp_path, *ZONE)
    check_v3(path, truth, range(105))


@pytest.mark.parametrize("scope_camnum", [0, 1])
def test_v3_roles_that_nothing_tells(shell, tmp_path, scope_camnum):
    truth = make_v3(
        tmp_path.joinpath("raw", *V3_FOLDER), n_scope=25, n_camera=25,
        scope_camnum=scope_camnum, camera_camnum=1 - scope_camnum,
    )  # fmt: skip
    assert "--scope-camnum" in stop(shell, truth.folder, tmp_path, *ZONE)
    path, _ = work(shell, truth.folder, tmp_path, *ZONE, "--scope-camnum", scope_camnum)
    check_v3(path, truth, range(25))
    path.unlink()
    shutil.rmtree(path.with_suffix(""))
    said = stop(shell, truth.folder, tmp_path, *ZONE, "--scope-camnum", 7)
    assert "camNum 1" in said


@pytest.mark.parametrize("garbage", [4_294_966_921, 935_703_178, -86_400_000])
def test_v3_first_stamp_is_garbage(shell, tmp_path, garbage):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), first_stamp_ms=garbage)
    path, said = work(shell, truth.folder, tmp_path, *ZONE)
    expected = v3_seconds(truth, range(25))
    with opened(path) as nwb:
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        rows = table(nwb, "Repairs")
    np.testing.assert_array_equal(times[1:], expected[1:])
    assert 0.04 < times[1] - times[0] < 0.06
    assert rows["rule"].tolist() == ["first_stamp"]
    assert rows["recorded_s"].tolist() == [garbage / 1000.0]
    assert "WARNING" in said


def test_v3_truncated_last_part(shell, tmp_path, v3):
    truncate(v3.folder / "msCam3.avi", 0.7)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    rules = repairs(path)
    assert 0 < len(rules) < 5
    assert set(rules) == {"trimmed_stamp"}
    check_v3(path, v3, range(25 - len(rules)))
    assert "msCam3.avi" in said


@pytest.mark.parametrize("how", ["truncated", "missing", "zero bytes", "header only"])
def test_v3_damaged_middle_part(shell, tmp_path, how):
    truth = make_v3(tmp_path.joinpath("raw", *V3_FOLDER), n_scope=35)
    part = truth.folder / "msCam2.avi"
    if how == "truncated":
        truncate(part, 0.55)
    elif how == "missing":
        part.unlink()
    elif how == "zero bytes":
        part.write_bytes(b"")
    else:
        header_only(part)
    path, said = work(shell, truth.folder, tmp_path, *ZONE)
    with opened(path) as nwb:
        n_kept = len(nwb.acquisition["OnePhotonSeries"].data) - 25
        lost = lost_frames(nwb)
    assert (0 < n_kept < 10) if how == "truncated" else n_kept == 0
    check_v3(path, truth, [*range(10 + n_kept), *range(20, 35)])
    assert lost["n_lost"].tolist() == [10 - n_kept]
    assert lost["evidence"].tolist() == ["file"]
    assert "msCam3.avi" in said if how == "missing" else "msCam2.avi" in said


def test_v3_unfinalised_parts(shell, tmp_path, v3):
    for name in ("msCam2.avi", "msCam3.avi"):
        unfinalise(v3.folder / name)
    path, _ = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))


@pytest.mark.parametrize("empty", ["zero bytes", "header only"])
def test_v3_last_part_without_frames(shell, tmp_path, v3, empty):
    part = v3.folder / "msCam3.avi"
    part.write_bytes(b"") if empty == "zero bytes" else header_only(part)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(20))
    assert repairs(path) == ["trimmed_stamp"] * 5
    assert "msCam3.avi" in said


def test_v3_few_stamps_missing_at_the_tail(shell, tmp_path, v3):
    v3_rows(v3, scope_rows(lambda rows: rows[:-3]))
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(22))
    assert repairs(path) == ["trimmed_frame"] * 3
    assert "WARNING" in said
    path.unlink()
    shutil.rmtree(path.with_suffix(""))
    path, _ = work(shell, v3.folder, tmp_path, *ZONE, "--on-mismatch", "pad")
    assert repairs(path) == ["padded"] * 3


def test_v3_many_stamps_missing_stop(shell, tmp_path):
    truth = make_v3(
        tmp_path.joinpath("raw", *V3_FOLDER), n_scope=200, frames_per_file=100, width=32, height=16
    )
    v3_rows(truth, scope_rows(lambda rows: rows[:60]))
    said = stop(shell, truth.folder, tmp_path, *ZONE)
    assert "140" in said
    assert "--on-mismatch" in said
    path, _ = work(shell, truth.folder, tmp_path, *ZONE, "--on-mismatch", "trim")
    check_v3(path, truth, range(60))


def test_v3_surplus_stamps_stop(shell, tmp_path, v3):
    v3_rows(v3, scope_rows(lambda rows: [*rows, [1, 26, 1262, 0], [1, 27, 1310, 0]]))
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "27" in said
    assert "--on-mismatch trim" in said
    path, _ = work(shell, v3.folder, tmp_path, *ZONE, "--on-mismatch", "trim")
    check_v3(path, v3, range(25))
    assert repairs(path) == ["trimmed_stamp"] * 2


def test_v3_backward_and_repeated_stamps(shell, tmp_path, v3):
    def change(rows):
        rows[12][2] = rows[11][2]
        rows[18][2] -= 500
        return rows

    v3_rows(v3, scope_rows(change))
    assert "--stamps" in stop(shell, v3.folder, tmp_path, *ZONE)
    path, said = work(shell, v3.folder, tmp_path, *ZONE, "--stamps", "interpolate")
    expected = v3_seconds(v3, range(25))
    with opened(path) as nwb:
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
    assert times[12] == times[11] == expected[11]
    np.testing.assert_allclose(times[18], (expected[17] + expected[19]) / 2, atol=1e-9)
    assert repairs(path) == ["duplicate", "interpolated"]
    assert "WARNING" in said


def test_v3_half_row_and_nul_tail(shell, tmp_path, v3):
    file = v3.folder / "timestamp.dat"
    file.write_bytes(file.read_bytes() + b"1\t26\t12" + b"\0" * 200)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))
    assert "NUL" in said


@pytest.mark.parametrize("how", ["lf", "bom", "utf-16", "semicolon", "comma", "decimal comma"])
def test_v3_re_saved_stamps(shell, tmp_path, v3, how):
    file = v3.folder / "timestamp.dat"
    text = file.read_bytes().decode()
    if how == "lf":
        data = text.replace("\r\n", "\n").encode()
    elif how == "bom":
        data = b"\xef\xbb\xbf" + text.encode()
    elif how == "utf-16":
        data = text.encode("utf-16")
    elif how == "decimal comma":
        header, *rows = text.splitlines()
        rows = ["\t".join(f"{cell},0" for cell in row.split("\t")) for row in rows]
        data = "\r\n".join([header, *rows, ""]).encode()
    else:
        data = text.replace("\t", ";" if how == "semicolon" else ",").encode()
    file.write_bytes(data)
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))
    if how != "lf":
        assert "re-saved" in said


def test_v3_second_header_stops(shell, tmp_path, v3):
    header = ["camNum", "frameNum", "sysClock", "buffer"]
    v3_rows(v3, lambda rows: [*rows[:30], header, *rows[30:]])
    assert "line 32" in stop(shell, v3.folder, tmp_path, *ZONE)


def test_v3_counter_restart_stops(shell, tmp_path, v3):
    def change(rows):
        return [*rows[:15], *[[r[0], r[1] - 15, *r[2:]] for r in rows[15:]]]

    v3_rows(v3, scope_rows(change))
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "line 17" in said
    assert "two recordings" in said


def test_v3_size_change_stops(shell, tmp_path, v3):
    write_onix_avi(v3.folder / "msCam2.avi", np.zeros((10, 32, 40), np.uint8), "DIB ")
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "msCam2.avi" in said
    assert "40" in said


def write_colour(path, frames):
    height, width = frames.shape[1:3]
    with AviWriter(
        path, width=width, height=height, fourcc="DIB ", header_rate=20, colour=True
    ) as writer:
        for frame in frames:
            writer.write(frame)


@pytest.mark.parametrize("is_grey", [True, False])
def test_v3_colour_video_of_a_scope(shell, tmp_path, v3, is_grey):
    frames = v3.frames["Miniscope"]
    for number in range(3):
        image = np.repeat(frames[number * 10 : number * 10 + 10, :, :, None], 3, axis=3)
        if not is_grey:
            image[..., 2] //= 2
        write_colour(v3.folder / f"msCam{number + 1}.avi", image)
    if is_grey:
        path, _ = work(shell, v3.folder, tmp_path, *ZONE)
        check_v3(path, v3, range(25))
    else:
        said = stop(shell, v3.folder, tmp_path, *ZONE)
        assert "is a colour video" in said
        assert "role" in said
        assert shell("inspect", v3.folder).code == 1


def test_v3_upper_case_names_in_a_folder_of_other_letters(shell, tmp_path):
    truth = make_v3(tmp_path.joinpath("Maus äöü 記録", *V3_FOLDER))
    for path in list(truth.folder.iterdir()):
        path.rename(path.with_name(path.name.upper()))
    path, _ = work(shell, truth.folder, tmp_path, *ZONE, name="é ü.nwb")
    check_v3(path, truth, range(25))
    assert settings(path)["", "animal"] == "mouse 7"


def test_v3_two_candidates_for_one_part_stop(shell, tmp_path, v3):
    shutil.copy(v3.folder / "msCam1.avi", v3.folder / "msCam_01.avi")
    said = stop(shell, v3.folder, tmp_path, *ZONE)
    assert "msCam1.avi" in said
    assert "msCam_01.avi" in said


def test_v3_without_stamps_stops(shell, tmp_path, v3):
    (v3.folder / "timestamp.dat").unlink()
    assert "timestamp.dat" in stop(shell, v3.folder, tmp_path, *ZONE)


def test_v3_damaged_camera(shell, tmp_path, v3):
    truncate(v3.folder / "behavCam4.avi", 0.5)
    (v3.folder / "behavCam2.avi").unlink()
    path, said = work(shell, v3.folder, tmp_path, *ZONE)
    check_v3(path, v3, range(25))
    assert "behavCam3.avi" in said
    assert "behavCam4.avi" in said
    with opened(path) as nwb:
        lost = lost_frames(nwb)
        video = next(v for n, v in nwb.acquisition.items() if n.startswith("BehaviorVideo"))
        n_last = len(video.timestamps) - 20
        kept = [*range(10), *range(20, 30 + n_last)]
        np.testing.assert_array_equal(video.timestamps[:], v3_seconds(v3, kept, "BehavCam"))
    assert 0 < n_last < 7
    assert (lost["device"].tolist(), lost["n_lost"].tolist()) == (["BehavCam"], [10])


def test_v3_recordings_joined(shell, tmp_path, v3):
    later = make_v3(v3.folder.parent / "H10_M5_S44", seed=9, n_scope=15)
    path, _ = work(shell, tmp_path / "raw", tmp_path, *ZONE, "--join")
    frames = [truth.frames["Miniscope"] for truth in (v3, later)]
    times = [v3_seconds(v3, range(25)), v3_seconds(later, range(15)) + 3600.0]
    check_frames(path, np.concatenate(frames), np.concatenate(times))
    with opened(path) as nwb:
        assert nwb.acquisition["Notes"].timestamps[:].tolist() == [2.0, 83.0, 3602.0, 3683.0]


# --- ONIX -----------------------------------------------------------------------------------------


def onix_seconds(truth, frames):
    return truth.ticks[list(frames)].astype(float) / CLOCK_HZ


def check_onix(path, truth, frames):
    frames = list(frames)
    check_frames(path, truth.frames[frames], onix_seconds(truth, frames))


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
@pytest.mark.parametrize("is_lab", [False, True])
def test_onix_clean(shell, tmp_path, words, is_lab):
    truth = make_onix(
        tmp_path / "raw", words_per_frame=words, is_lab=is_lab, has_header=not is_lab, n_frames=70
    )
    done = shell("inspect", truth.folder, "--json")
    assert done.code == 0
    assert done.answer["recordings"][0]["format"] == "onix"
    path, _ = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(70))
    found = settings(path)
    assert found["", "AcquisitionClockHz"] == CLOCK_HZ
    assert found["", "BlockReadSize"] == found["", "BlockWriteSize"] == 2048
    assert ("Miniscope", "MedianReadoutDuration_s") in found or words == 1
    with opened(path) as nwb:
        assert nwb.session_start_time.isoformat() == "2026-03-02T14:05:07.123456+00:00"
        names = set(nwb.acquisition)
        assert {"Acceleration", "Gravity", "Temperature", "EulerAngles"} <= names
        gravity = nwb.acquisition["Gravity"]
        np.testing.assert_array_equal(gravity.timestamps[:], truth.motion[:, 0] / CLOCK_HZ)
        np.testing.assert_array_equal(gravity.data[:], truth.motion[:, 12:15])
    check_change_is_found(
        shell, path, truth.folder, truth.video.relative_to(truth.folder),
        truth.clock.relative_to(truth.folder), tmp_path,
    )  # fmt: skip


def test_onix_16_bit(shell, tmp_path):
    truth = make_onix(tmp_path / "raw", fourcc="Y16 ")
    path, _ = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(20))


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
@pytest.mark.parametrize("n_short", [1, 3, 15, 128])
def test_onix_clock_short(shell, tmp_path, words, n_short):
    n_frames = 20 if n_short < 20 else 150
    truth = make_onix(
        tmp_path / "raw", words_per_frame=words, n_frames=n_frames, n_stamps=n_frames - n_short,
        width=32, height=16,
    )  # fmt: skip
    path, said = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(n_frames - n_short))
    assert repairs(path) == ["trimmed_frame"] * n_short
    assert "WARNING" in said


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
def test_onix_clock_much_too_short_stops(shell, tmp_path, words):
    truth = make_onix(
        tmp_path / "raw", words_per_frame=words, n_frames=150, n_stamps=20, width=32, height=16
    )
    said = stop(shell, truth.folder, tmp_path)
    assert "130" in said
    assert "--on-mismatch" in said
    path, _ = work(shell, truth.folder, tmp_path, "--on-mismatch", "trim")
    check_onix(path, truth, range(20))


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
def test_onix_clock_long(shell, tmp_path, words):
    one = make_onix(tmp_path / "one", words_per_frame=words, n_stamps=21)
    path, _ = work(shell, one.folder, tmp_path, name="one.nwb")
    check_onix(path, one, range(20))
    assert repairs(path) == ["trimmed_stamp"]
    more = make_onix(tmp_path / "raw", words_per_frame=words, n_stamps=32)
    said = stop(shell, more.folder, tmp_path)
    assert "32 stamps" in said
    assert "--on-mismatch trim" in said
    path, _ = work(shell, more.folder, tmp_path, "--on-mismatch", "trim")
    check_onix(path, more, range(20))


def test_onix_clock_of_another_recording_stops(shell, tmp_path):
    truth = make_onix(tmp_path / "raw", words_per_frame=48)
    said = stop(shell, truth.folder, tmp_path)
    assert "960 words" in said
    assert "20 frames" in said


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
@pytest.mark.parametrize("n_bytes", [3, 8, 800])
def test_onix_clock_ends_half_written(shell, tmp_path, words, n_bytes):
    truth = make_onix(tmp_path / "raw", words_per_frame=words, n_frames=20)
    truth.clock.write_bytes(truth.clock.read_bytes()[:-n_bytes])
    if words == 1 and n_bytes == 800:
        assert "no time" in stop(shell, truth.folder, tmp_path)
        return
    path, _ = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(19))


def test_onix_clock_with_a_nul_tail(shell, tmp_path):
    truth = make_onix(tmp_path / "raw")
    row = 8 * SENSOR_ROWS
    truth.clock.write_bytes(truth.clock.read_bytes()[: -2 * row] + b"\0" * 2 * row)
    path, said = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(18))
    assert "zero" in said


@pytest.mark.parametrize("words", [1, SENSOR_ROWS])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_onix_truncated_video(shell, tmp_path, words, fraction):
    truth = make_onix(tmp_path / "raw", words_per_frame=words, n_frames=70)
    truncate(truth.video, fraction)
    path, said = work(shell, truth.folder, tmp_path)
    rules = repairs(path)
    assert 0 < len(rules) < 70
    assert set(rules) == {"trimmed_stamp"}
    check_onix(path, truth, range(70 - len(rules)))
    assert truth.video.name in said


def test_onix_unfinalised_video(shell, tmp_path):
    truth = make_onix(tmp_path / "raw")
    unfinalise(truth.video)
    path, _ = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(20))


@pytest.mark.parametrize("empty", ["zero bytes", "header only", "missing"])
def test_onix_video_without_frames_stops(shell, tmp_path, empty):
    truth = make_onix(tmp_path / "raw")
    if empty == "missing":
        truth.video.unlink()
    else:
        truth.video.write_bytes(b"") if empty == "zero bytes" else header_only(truth.video)
    assert truth.video.name in stop(shell, truth.folder, tmp_path)


def test_onix_rate_with_thousands_separators(shell, tmp_path):
    truth = make_onix(tmp_path / "raw")
    truth.start.write_text(
        'Timestamp,AcquisitionClockHz\n2026-03-02T14:05:07Z,"250,000,000"\n', encoding="utf-8"
    )
    path, said = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(20))
    assert "re-saved" in said


@pytest.mark.parametrize("how", ["missing", "empty", "no rate"])
def test_onix_start_time_that_tells_nothing_stops(shell, tmp_path, how):
    truth = make_onix(tmp_path / "raw")
    if how == "missing":
        truth.start.unlink()
    else:
        truth.start.write_text("" if how == "empty" else "Timestamp,AcquisitionClockHz\n2026,x\n")
    assert truth.start.name in stop(shell, truth.folder, tmp_path)


def test_onix_backward_and_repeated_stamps(shell, tmp_path):
    truth = make_onix(tmp_path / "raw", words_per_frame=1)
    ticks = truth.ticks.copy()
    ticks[6] = ticks[5]
    ticks[12] -= CLOCK_HZ
    truth.clock.write_bytes(ticks.astype("<u8").tobytes())
    assert "--stamps" in stop(shell, truth.folder, tmp_path)
    path, _ = work(shell, truth.folder, tmp_path, "--stamps", "interpolate")
    assert repairs(path) == ["duplicate", "interpolated"]


@pytest.mark.parametrize("n_fields", [3, 15, 17])
def test_onix_motion_of_other_fields(shell, tmp_path, n_fields):
    truth = make_onix(tmp_path / "raw")
    lines = truth.bno055.read_text().splitlines()
    rows = [[*line.split(","), "1"][:n_fields] for line in lines]
    truth.bno055.write_text("".join(",".join(row) + "\n" for row in rows))
    path, said = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(20))
    assert str(n_fields) in said
    with opened(path) as nwb:
        files = table(nwb, "SourceFiles").set_index("path")
        assert not files.loc[truth.bno055.name, "converted"]


def test_onix_re_saved_texts_in_upper_case(shell, tmp_path):
    truth = make_onix(tmp_path / "Maus ä 記", n_motion=12)
    for path, ending in ((truth.start, "\r\n"), (truth.bno055, "\r\n"), (truth.port_status, "\n")):
        text = path.read_text().replace(",", ";").replace("\n", ending)
        path.write_bytes(text.encode("utf-16" if path is truth.start else "utf-8-sig"))
    for path in list(truth.folder.iterdir()):
        path.rename(path.with_name(path.name.upper()))
    path, said = work(shell, truth.folder, tmp_path)
    check_onix(path, truth, range(20))
    assert "re-saved" in said


@pytest.fixture
def two_onix(tmp_path):
    first = make_onix(tmp_path / "raw", key="0")
    later = "2026-03-02T15:05:07.1234567Z"
    return first, make_onix(tmp_path / "raw", key="1", n_frames=13, start=later, seed=3)


def test_onix_several_recordings(shell, tmp_path, two_onix):
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    paths = [item["path"] for item in done.answer["files"]]
    for path, truth in zip(paths, two_onix, strict=True):
        check_onix(path, truth, range(len(truth.frames)))
        assert shell("verify", path, "--raw", tmp_path / "raw").code == 0


def test_onix_overlapping_recordings_are_not_joined(shell, tmp_path):
    make_onix(tmp_path / "raw", key="0")
    make_onix(tmp_path / "raw", key="1")
    said = stop(shell, tmp_path / "raw", tmp_path, "--join")
    assert "recording 0" in said
    assert "recording 1" in said


def test_onix_joined_recordings(shell, tmp_path, two_onix):
    path, _ = work(shell, tmp_path / "raw", tmp_path, "--join")
    first, second = two_onix
    times = [onix_seconds(first, range(20)), onix_seconds(second, range(13)) + 3600.0]
    check_frames(path, np.concatenate([first.frames, second.frames]), np.concatenate(times))


def test_onix_size_and_colour(shell, tmp_path):
    truth = make_onix(tmp_path / "raw")
    image = np.repeat(truth.frames[..., None], 3, axis=3)
    image[..., 0] //= 2
    write_colour(truth.video, image)
    said = stop(shell, truth.folder, tmp_path)
    assert truth.video.name in said
    assert "role" in said


# --- Open Ephys Miniscope V4 GUI ------------------------------------------------------------------


def gui_seconds(truth, frames):
    return (truth.hardware_ms[list(frames)] - truth.hardware_ms[0]) / 1000.0


def check_gui(path, truth, frames):
    frames = list(frames)
    check_frames(path, truth.frames[frames], gui_seconds(truth, frames))


def gui_rows(truth, change):
    path = truth.path("csv")
    header, *lines = path.read_text().splitlines()
    rows = change([line.split(",") for line in lines])
    path.write_bytes("".join(line + "\r\n" for line in [header, *map(",".join, rows)]).encode())


def test_gui_clean(shell, tmp_path):
    truth = make_gui(tmp_path / "raw", lost={7: 2, 12: 1})
    done = shell("inspect", truth.folder, "--json")
    assert done.code == 0
    assert done.answer["recordings"][0]["format"] == "v4gui"
    path, _ = work(shell, truth.folder, tmp_path)
    check_gui(path, truth, range(20))
    found = {key: value for (_, key), value in settings(path).items()}
    assert found["Hardware.Miniscope.LedBrightness"] == 12.5
    assert found["Hardware.Miniscope.Focus"] == -30
    assert found["Hardware.Miniscope.FrameRate"] == "Fps30"
    assert found["Hardware.Commutator.Enable"] is True
    assert found["Hardware.Commutator.PortName"] == ""
    assert found["File.Color"] == [0, 0, 255]
    assert found["File.FileName"] == "C:\\data\\mouse 7.avi"
    assert found["File.Comment"] is None
    with opened(path) as nwb:
        assert nwb.session_start_time == GUI_START
        lost = lost_frames(nwb)
        assert lost["n_lost"].tolist() == [2, 1]
        assert lost["evidence"].tolist() == ["counter", "counter"]
        times = gui_seconds(truth, range(20))
        np.testing.assert_array_equal(lost["start_time"], times[[6, 11]])
        np.testing.assert_array_equal(lost["stop_time"], times[[7, 12]])
        name = next(n for n in nwb.intervals if n.startswith("DigitalIn0"))
        spans = nwb.intervals[name].to_dataframe()
        np.testing.assert_array_equal(spans["start_time"], times[[3, 15]])
        np.testing.assert_array_equal(spans["stop_time"], times[[6, 19]])
    check_change_is_found(
        shell, path, truth.folder, truth.path("avi").relative_to(truth.folder),
        truth.path("csv").relative_to(truth.folder), tmp_path,
    )  # fmt: skip


def test_gui_several_recordings(shell, tmp_path):
    sets = [
        make_gui(tmp_path / "raw", stem="mouse7_0"),
        make_gui(tmp_path / "raw", stem="mouse7_10", n_frames=9, seed=2),
        make_gui(tmp_path / "raw", stem="mouse7_2", n_frames=13, seed=9),
    ]
    for hour, truth in enumerate(sets):
        text = truth.path("csv").read_text().replace("T14:", f"T{14 + hour}:")
        truth.path("csv").write_bytes(text.replace("\n", "\r\n").encode())
    done = shell("convert", tmp_path / "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    stored = {item["path"] for item in done.answer["files"]}
    assert len(stored) == 3
    for path in stored:
        assert shell("verify", path, "--raw", tmp_path / "raw").code == 0
    path, _ = work(shell, tmp_path / "raw", tmp_path, "--join")
    times = [gui_seconds(truth, range(len(truth.frames))) + 3600.0 * h
             for h, truth in enumerate(sets)]  # fmt: skip
    check_frames(path, np.concatenate([truth.frames for truth in sets]), np.concatenate(times))


def test_gui_truncated_and_unfinalised(shell, tmp_path):
    truth = make_gui(tmp_path / "raw")
    unfinalise(truth.path("avi"))
    path, _ = work(shell, truth.folder, tmp_path, name="whole.nwb")
    check_gui(path, truth, range(20))
    truncate(truth.path("avi"), 0.6)
    path, _ = work(shell, truth.folder, tmp_path)
    rules = repairs(path)
    assert 0 < len(rules) < 20
    check_gui(path, truth, range(20 - len(rules)))


def test_gui_stamps_short_and_long(shell, tmp_path):
    truth = make_gui(tmp_path / "raw")
    gui_rows(truth, lambda rows: rows[:-4])
    path, _ = work(shell, truth.folder, tmp_path, name="short.nwb")
    check_gui(path, truth, range(16))
    assert repairs(path) == ["trimmed_frame"] * 4
    write_onix_avi(truth.path("avi"), truth.frames[:10], "Y800")
    assert "--on-mismatch trim" in stop(shell, truth.folder, tmp_path)
    path, _ = work(shell, truth.folder, tmp_path, "--on-mismatch", "trim")
    check_gui(path, truth, range(10))


def test_gui_backward_and_repeated_stamps(shell, tmp_path):
    truth = make_gui(tmp_path / "raw")

    def change(rows):
        rows[6][1] = rows[5][1]
        rows[12][1] = repr(float(rows[12][1]) - 300)
        return rows

    gui_rows(truth, change)
    assert "--stamps" in stop(shell, truth.folder, tmp_path)
    path, _ = work(shell, truth.folder, tmp_path, "--stamps", "interpolate")
    assert repairs(path) == ["duplicate", "interpolated"]


def test_gui_half_row_and_nul_tail(shell, tmp_path):
    truth = make_gui(tmp_path / "raw")
    file = truth.path("csv")
    file.write_bytes(file.read_bytes() + b"62,819" + b"\0" * 100)
    path, said = work(shell, truth.folder, tmp_path)
    check_gui(path, truth, range(20))
    assert "NUL" in said


@pytest.mark.parametrize("how", ["bom", "utf-16", "decimal comma"])
def test_gui_re_saved_table(shell, tmp_path, how):
    truth = make_gui(tmp_path / "raw")
    file = truth.path("csv")
    text = file.read_bytes().decode()
    if how == "bom":
        file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    elif how == "utf-16":
        file.write_bytes(text.encode("utf-16"))
    else:
        header, *rows = text.replace(",", ";").splitlines()
        rows = [";".join([*(c.replace(".", ",") for c in r.split(";")[:-1]), r.split(";")[-1]])
                for r in rows]  # fmt: skip
        file.write_bytes("\r\n".join([header, *rows, ""]).encode())
    path, said = work(shell, truth.folder, tmp_path)
    check_gui(path, truth, range(20))
    assert "re-saved" in said


def test_gui_second_header_and_counter_restart_stop(shell, tmp_path):
    truth = make_gui(tmp_path / "raw")
    original = truth.path("csv").read_bytes()
    header = original.decode().splitlines()[0].split(",")
    gui_rows(truth, lambda rows: [*rows[:8], header, *rows[8:]])
    assert "line 10" in stop(shell, truth.folder, tmp_path)
    truth.path("csv").write_bytes(original)
    gui_rows(truth, lambda rows: [*rows[:8], *[[str(i), *r[1:]] for i, r in enumerate(rows[8:])]])
    said = stop(shell, truth.folder, tmp_path)
    assert "line 10" in said
    assert "two recordings" in said


@pytest.mark.parametrize("missing", ["csv", "yml", "avi"])
def test_gui_missing_files(shell, tmp_path, missing):
    truth = make_gui(tmp_path / "raw")
    truth.path(missing).unlink()
    if missing == "yml":
        path, said = work(shell, truth.folder, tmp_path)
        check_gui(path, truth, range(20))
    else:
        said = stop(shell, truth.folder, tmp_path)
    assert truth.path(missing).name in said


def test_gui_colour_and_names(shell, tmp_path):
    truth = make_gui(tmp_path / "Maus ä 記", stem="maus ö 7_0")
    for extension in ("avi", "csv", "yml"):
        path = truth.path(extension)
        path.rename(path.with_suffix(f".{extension.upper()}"))
    path, _ = work(shell, truth.folder, tmp_path)
    check_gui(path, truth, range(20))
    image = np.repeat(truth.frames[..., None], 3, axis=3)
    image[..., 1] //= 2
    write_colour(truth.path("AVI"), image)
    path.unlink()
    assert "role" in stop(shell, truth.folder, tmp_path)


# --- The simulator's recordings -------------------------------------------------------------------


DAMAGE = {
    "v3": [None, "truncated-last", "truncated-middle", "unfinalised", "empty-last", "empty-middle",
           "missing-middle", "short-stamps", "long-stamps", "backward-stamp", "duplicate-stamp",
           "half-row", "first-stamp"],
    "onix": [None, "truncated-last", "unfinalised", "short-stamps", "long-stamps",
             "backward-stamp", "duplicate-stamp", "half-row"],
}  # fmt: skip
CHOICES = {"long-stamps": ("--on-mismatch", "trim"), "backward-stamp": ("--stamps", "interpolate")}


@pytest.mark.parametrize(
    ("format", "corrupt"), [(f, corrupt) for f, kinds in DAMAGE.items() for corrupt in kinds]
)
def test_simulated(shell, tmp_path, format, corrupt):
    made = tmp_path / "raw"
    options = ["--corrupt", corrupt] if corrupt else []
    done = shell(
        "simulate", made, "--format", format, "--frames", 44, "--frames-per-file", 10,
        "--width", 64, "--height", 48, "--cells", 2, "--lost-frames", 2, "--quiet", *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    choice = CHOICES.get(corrupt, ())
    if choice:
        assert choice[0] in stop(shell, made, tmp_path, *ZONE)
    path, _ = work(shell, made, tmp_path, *ZONE, *choice)
    with opened(path) as nwb:
        n_lost = lost_frames(nwb)
        n_lost = n_lost[n_lost["device"] == "Miniscope"]["n_lost"].sum() if len(n_lost) else 0
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        assert len(times) == len(nwb.acquisition["OnePhotonSeries"].data)
    assert n_lost >= 2 or corrupt in ("truncated-last", "empty-last", "backward-stamp")
    assert (np.diff(times) >= 0).all()
    assert timedelta(seconds=float(times[-1])) < timedelta(seconds=10)
