"""`verify`: passes what is true, and names every kind of difference."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from builders.v4 import make_v4, write_avi
from verified import CAMERA, MODULE, SCOPE, convert, kinds

from miniscope_nwb.check import report as reports
from miniscope_nwb.check.verify import verify
from miniscope_nwb.cli.main import run
from miniscope_nwb.errors import NwbContentError, RecordingError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One converted session: 35 frames in files of 10, one scope, one camera."""
    folder = tmp_path_factory.mktemp("made")
    session = make_v4(folder / "raw", n_frames=35, cameras=("BehavCam 0",))
    convert(session.folder, folder / "out.nwb")
    return folder


@pytest.fixture
def copy(made, tmp_path):
    """A copy of it that a test may damage: (NWB file, raw folder)."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy" / "out.nwb", tmp_path / "copy" / "raw"


def test_fresh_file_is_identical(made):
    seen = []
    report = verify(made / "out.nwb", made / "raw", progress=lambda *state: seen.append(state))
    assert report.is_identical, list(report.lines())
    assert seen[-1] == (35, 35)
    by_name = {item.series: item for item in report.series}
    assert by_name["OnePhotonSeries"].n_frames == 35
    assert by_name["BehaviorVideoBehavCam_0"].n_videos == 4
    assert by_name["BehaviorVideoBehavCam_0"].n_stamps == 35
    assert report.n_rows == 35
    assert report.n_files == 15


def test_device_folder_and_parent_folder_will_do(made):
    for raw in (made / "raw" / "Miniscope", made):
        assert verify(made / "out.nwb", raw).is_identical


def test_changed_pixel_names_frame_and_part(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/data"][23, 17, 5] ^= 3
    report = verify(nwb, raw)
    assert kinds(report) == {"pixels": 1}
    (difference,) = report.differences
    assert (difference.series, difference.index) == ("OnePhotonSeries", 23)
    assert difference.part == "Miniscope/2.avi"
    assert "row 5, column 17" in difference.message
    assert "frame 3 of the file" in difference.message


def test_swapped_frames_are_two_differences(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        data = file[f"{SCOPE}/data"]
        data[4], data[5] = data[5], data[4]
    report = verify(nwb, raw)
    assert kinds(report) == {"pixels": 2}
    assert [difference.index for difference in report.differences] == [4, 5]


def test_changed_stamp_is_told_with_both_values(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        stamps = file[f"{SCOPE}/timestamps"]
        stamps[7] = np.nextafter(stamps[7], 1)
    report = verify(nwb, raw)
    assert kinds(report) == {"stamp": 1}
    assert report.differences[0].index == 7
    assert report.differences[0].part == "Miniscope/timeStamps.csv"


def test_changed_stamp_of_a_camera(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        file[f"{CAMERA}/timestamps"][0] += 0.001
    assert kinds(verify(nwb, raw)) == {"stamp": 1}


def test_changed_raw_byte_is_told_by_checksum_and_frame(copy):
    nwb, raw = copy
    part = raw / "Miniscope" / "1.avi"
    session = make_v4(raw.parent / "again", n_frames=35, cameras=("BehavCam 0",))
    frames = session.frames["Miniscope"][10:20].copy()
    frames[6, 3, 2] += 1
    write_avi(part, frames)
    report = verify(nwb, raw)
    assert kinds(report) == {"checksum": 1, "pixels": 1}
    by_kind = {difference.kind: difference for difference in report.differences}
    assert by_kind["checksum"].part == "Miniscope/1.avi"
    assert by_kind["pixels"].index == 16


def test_missing_part_is_named(copy):
    nwb, raw = copy
    (raw / "Miniscope" / "2.avi").unlink()
    report = verify(nwb, raw)
    assert kinds(report) == {"missing_file": 1}
    assert report.differences[0].part == "Miniscope/2.avi"


def test_damaged_part_is_told(copy):
    nwb, raw = copy
    part = raw / "Miniscope" / "1.avi"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    counts = kinds(verify(nwb, raw))
    assert counts["checksum"] == 1
    assert counts["frames"] >= 1


def test_altered_and_missing_external_video(copy):
    nwb, raw = copy
    first, second = sorted(nwb.with_suffix("").iterdir())[:2]
    first.write_bytes(first.read_bytes()[:-1] + b"\x01")
    second.unlink()
    report = verify(nwb, raw)
    assert kinds(report) == {"video": 2}
    assert [difference.part for difference in report.differences] == [
        "BehavCam_0/0.avi",
        "BehavCam_0/1.avi",
    ]


def test_changed_text_file_is_told_by_checksum_and_row(copy):
    nwb, raw = copy
    path = raw / "Miniscope" / "timeStamps.csv"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace(",", ",9", 1)
    path.write_text("\n".join(lines) + "\n")
    report = verify(nwb, raw)
    assert kinds(report) == {"checksum": 1, "stamp": 1}
    assert {difference.index for difference in report.differences} == {-1, 3}


def test_row_that_is_neither_stored_nor_explained(copy):
    nwb, raw = copy
    path = raw / "Miniscope" / "timeStamps.csv"
    path.write_text(path.read_text() + "35,1790,0\n")
    assert kinds(verify(nwb, raw)) == {"checksum": 1, "rows": 1}


def test_changed_orientation(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        file["acquisition/HeadOrientationMiniscope/data"][11, 2] = 0.5
    report = verify(nwb, raw)
    assert kinds(report) == {"signal": 1}
    assert "row 11" in str(report.differences[0])


def test_orientation_with_a_row_too_many(copy):
    nwb, raw = copy
    path = raw / "Miniscope" / "headOrientation.csv"
    path.write_text(path.read_text() + "1790,1,0,0,0\n")
    report = verify(nwb, raw)
    assert kinds(report) == {"checksum": 1, "signal": 1}
    assert "holds 35 rows, the raw file 36" in " ".join(report.lines())


def test_video_list_that_is_too_short_or_begins_wrongly(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        names = file[f"{CAMERA}/external_file"]
        names.attrs["starting_frame"] = [0, 10, 20, 29]
    assert kinds(verify(nwb, raw)) == {"frames": 1}
    with h5py.File(nwb, "r+") as file:
        kept, attributes = names_of(file)[:-1], dict(file[f"{CAMERA}/external_file"].attrs)
        del file[f"{CAMERA}/external_file"]
        file[f"{CAMERA}/external_file"] = kept
        file[f"{CAMERA}/external_file"].attrs.update(attributes)
    assert kinds(verify(nwb, raw)) == {"video": 1}


def names_of(file):
    return file[f"{CAMERA}/external_file"].asstr()[:].tolist()


def test_camera_frames_without_a_stamp(copy):
    nwb, raw = copy
    write_avi(raw / "BehavCam_0" / "3.avi", np.zeros((8, 48, 64), np.uint8), "MJPG")
    assert kinds(verify(nwb, raw)) == {"checksum": 1, "frames": 3, "video": 1}
    write_avi(raw / "BehavCam_0" / "3.avi", np.zeros((2, 48, 64), np.uint8), "MJPG")
    assert kinds(verify(nwb, raw)) == {"checksum": 1, "frames": 3, "video": 1}


def test_device_that_is_in_no_series(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        del file[f"{MODULE}/FrameInfoBehavCam_0"]
    report = verify(nwb, raw)
    assert kinds(report) == {"frames": 4}
    assert report.differences[0].part == "BehavCam_0/0.avi"


def test_stamp_file_that_cannot_be_read(copy):
    nwb, raw = copy
    (raw / "Miniscope" / "timeStamps.csv").write_text("lost\n")
    counts = kinds(verify(nwb, raw))
    assert counts["stamp"] == 35


def test_frame_said_to_come_from_elsewhere(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        file[f"{MODULE}/FrameInfoMiniscope/frame_in_file"][12] = 9
    counts = kinds(verify(nwb, raw))
    assert counts["frames"] >= 1
    assert counts["pixels"] == 1


def test_part_said_to_stand_elsewhere(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        numbers = file[f"{MODULE}/FrameInfoMiniscope/frame_index"]
        numbers[30:] = numbers[30:] + 3
    counts = kinds(verify(nwb, raw))
    assert counts["frames"] == 1
    assert counts["stamp"] == 5


def test_wrong_folder_is_said_in_one_sentence(copy, tmp_path):
    nwb, _ = copy
    other = make_v4(tmp_path / "other", n_frames=35, cameras=("BehavCam 0",), seed=8, animal="m8")
    for name in ("experiment", "headOrientation.csv", "notes.csv"):
        path = other.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in other.folder.rglob("metaData.json"):
        path.write_text(path.read_text() + "\n")
    for path in other.folder.rglob("headOrientation.csv"):
        path.write_text(path.read_text().replace(",0\n", ",0.0\n") + "1790,1,0,0,0\n")
    report = verify(nwb, other.folder)
    assert report.counts["folder"] == 1
    assert "another recording" in " ".join(report.lines())
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordingError, match="does not hold the raw recording"):
        verify(nwb, empty)
    with pytest.raises(RecordingError, match="does not exist"):
        verify(nwb, tmp_path / "gone")


def test_file_that_convert_did_not_make(copy, tmp_path):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        del file[f"{MODULE}/SourceFiles"]
    with pytest.raises(NwbContentError, match="SourceFiles"):
        verify(nwb, raw)
    with pytest.raises(NwbContentError, match="does not exist"):
        verify(tmp_path / "gone.nwb", raw)


def test_lengths_that_disagree(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        stamps = file[f"{SCOPE}/timestamps"][:-1]
        del file[f"{SCOPE}/timestamps"]
        file[f"{SCOPE}/timestamps"] = stamps
    assert kinds(verify(nwb, raw))["frames"] == 1


def test_all_are_counted_and_few_are_listed(copy):
    nwb, raw = copy
    with h5py.File(nwb, "r+") as file:
        data = file[f"{SCOPE}/data"]
        data[...] = data[...] ^ 1
    report = verify(nwb, raw)
    assert kinds(report) == {"pixels": 35}
    assert len(report.differences) == reports.MAX_LISTED
    assert f"{35 - reports.MAX_LISTED} more" in " ".join(report.lines())


def test_command(copy, capsys):
    nwb, raw = copy
    assert run(["verify", str(nwb), "--raw", str(raw)]) == 0
    assert "bit for bit" in capsys.readouterr().out
    assert run(["verify", str(nwb), "--raw", str(raw), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/data"][0, 0, 0] ^= 1
    assert run(["verify", str(nwb), "--raw", str(raw), "--quiet"]) == 1
    assert capsys.readouterr().out.startswith("DIFFERENT: OnePhotonSeries, frame 0")
    assert run(["verify", str(nwb), "--raw", str(raw), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["identical"] is False
    assert answer["differences"][0]["index"] == 0
    assert run(["verify", str(nwb)]) == 2
    assert run(["verify", str(nwb), "--raw", str(raw / "gone")]) == 1
