"""V3 recordings, whole and oddly named, through `convert` and `verify` as a user runs them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from builders.v3 import make_v3
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
from recordings import opened, table
from v3_recordings import V3_FOLDER, check_v3, v3_seconds


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


def test_v3_recordings_joined(shell, tmp_path, v3):
    later = make_v3(v3.folder.parent / "H10_M5_S44", seed=9, n_scope=15)
    path, _ = work(shell, tmp_path / "raw", tmp_path, *ZONE, "--join")
    frames = [truth.frames["Miniscope"] for truth in (v3, later)]
    times = [v3_seconds(v3, range(25)), v3_seconds(later, range(15)) + 3600.0]
    check_frames(path, np.concatenate(frames), np.concatenate(times))
    with opened(path) as nwb:
        assert nwb.acquisition["Notes"].timestamps[:].tolist() == [2.0, 83.0, 3602.0, 3683.0]
