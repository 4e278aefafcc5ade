"""V3 recordings, whole and damaged, through `convert` and `verify` as a user runs them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from builders.onix import write_avi as write_onix_avi
from builders.v3 import make_v3
from damage import header_only, truncate, unfinalise
from other_formats import (
    ZONE,
    check_change_is_found,
    check_frames,
    repairs,
    settings,
    stop,
    work,
    write_colour,
)
from recordings import lost_frames, opened, table

V3_FOLDER = ("6_9_2019", "H9_M5_S44")


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
