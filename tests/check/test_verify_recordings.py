"""`verify` of every format and every way to convert."""

from __future__ import annotations

from functools import partial

import h5py
import pytest
from builders.gui import make_gui
from builders.onix import make_onix
from builders.v3 import make_v3
from builders.v4 import make_v4
from verified import CAMERA, MODULE, SCOPE, convert, kinds

from miniscope_nwb.check.verify import verify


def test_onix_without_the_rate_of_its_clock(tmp_path):
    session = make_onix(tmp_path / "raw")
    nwb = convert(session.folder, tmp_path / "out.nwb")
    start = next(session.folder.glob("start-time*"))
    start.write_text("nothing\n")
    assert kinds(verify(nwb, session.folder)) == {"checksum": 1, "unreadable": 1}


def test_false_repair_is_told(tmp_path):
    session = make_v4(tmp_path / "raw", n_frames=25)
    path = session.folder / "Miniscope" / "timeStamps.csv"
    lines = path.read_text().splitlines()
    lines[13] = "12,100,0"
    path.write_text("\n".join(lines) + "\n")
    nwb = convert(session.folder, tmp_path / "out.nwb", stamps="interpolate")
    report = verify(nwb, session.folder)
    assert report.is_identical, list(report.lines())
    assert report.series[0].n_explained == 1
    assert list(report.lines())[-1].endswith("but for what it tells of as repaired or left out")
    with h5py.File(nwb, "r+") as file:
        file[f"{MODULE}/Repairs/recorded_s"][0] = 0.2
    assert kinds(verify(nwb, session.folder)) == {"repair": 1}
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/timestamps"][12] += 1e-9
    assert kinds(verify(nwb, session.folder)) == {"repair": 1, "stamp": 1}


def test_false_trim_is_told(tmp_path):
    session = make_v4(tmp_path / "raw", n_frames=25)
    path = session.folder / "Miniscope" / "timeStamps.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]) + "\n")
    nwb = convert(session.folder, tmp_path / "out.nwb")
    assert verify(nwb, session.folder).is_identical
    with h5py.File(nwb, "r+") as file:
        file[f"{MODULE}/Repairs/frame"][1] = 3
    counts = kinds(verify(nwb, session.folder))
    assert counts == {"frames": 1, "repair": 2}


@pytest.mark.parametrize("codec", ["MJPG", "DIB ", "GREY"])
def test_embedded_video(tmp_path, codec):
    session = make_v4(
        tmp_path / "raw", n_frames=12, cameras=("BehavCam 0",), camera_fourcc=codec, fourcc="GREY"
    )
    nwb = convert(session.folder, tmp_path / "out.nwb", embed_video=True)
    report = verify(nwb, session.folder)
    assert report.is_identical, list(report.lines())
    assert [item.n_frames for item in report.series] == [12, 12]
    with h5py.File(nwb, "r+") as file:
        data = file[f"{CAMERA}/data"]
        data[3] = data[3] ^ 1
    assert kinds(verify(nwb, session.folder)) == {"pixels": 1}


@pytest.mark.parametrize("stub", [3, 10, 17])
def test_stub(tmp_path, stub):
    session = make_v4(tmp_path / "raw", n_frames=35, cameras=("BehavCam 0",))
    report = verify(convert(session.folder, tmp_path / "x.nwb", stub=stub), session.folder)
    assert report.is_identical, list(report.lines())
    assert report.series[0].n_stamps == stub


def test_joined_recordings(tmp_path):
    from datetime import timedelta

    from builders.v4 import START

    root = tmp_path / "raw"
    for number in range(3):
        start = START + timedelta(minutes=10 * number)
        session = make_v4(
            root / f"{start:%H_%M_%S}", n_frames=25, start=start, seed=number,
            cameras=("BehavCam 0",),
        )  # fmt: skip
        stamps = session.folder / "Miniscope" / "timeStamps.csv"
        rows = stamps.read_text().splitlines()
        if number == 1:  # two frames without a stamp
            stamps.write_text("\n".join(rows[:-2]) + "\n")
        if number == 2:  # an isolated bad stamp
            rows[9] = "8,1,0"
            stamps.write_text("\n".join(rows) + "\n")
    nwb = convert(root, tmp_path / "out.nwb", join=True, stamps="interpolate")
    report = verify(nwb, root)
    assert report.is_identical, list(report.lines())
    assert [item.n_stamps for item in report.series] == [75, 73]
    assert report.n_rows == 75
    assert verify(nwb, root / "14_05_09" / "Miniscope").is_identical
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/timestamps"][30] += 1e-6
        file[f"{SCOPE}/data"][60, 0, 0] ^= 1
    report = verify(nwb, root)
    assert kinds(report) == {"pixels": 1, "stamp": 1}
    assert {difference.index for difference in report.differences} == {30, 60}


def test_moved_clock(tmp_path):
    session = make_v4(tmp_path / "raw", n_frames=25, cameras=("BehavCam 0",))
    for path in session.folder.rglob("*.csv"):
        header, *rows = path.read_text().splitlines()
        column = 1 if path.name == "timeStamps.csv" else 0
        cells = [row.split(",") for row in rows]
        for row in cells:
            row[column] = str(int(row[column]) + 935_703_178)
        path.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n")
    nwb = convert(session.folder, tmp_path / "out.nwb")
    report = verify(nwb, session.folder)
    assert report.is_identical, list(report.lines())
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/timestamps"][5] += 1e-6
    assert kinds(verify(nwb, session.folder)) == {"stamp": 1}


def test_v3(tmp_path):
    session = make_v3(tmp_path / "raw" / "6_9_2019" / "H9_M5_S44", first_stamp_ms=91_234_567)
    nwb = convert(session.folder, tmp_path / "out.nwb", timezone="UTC", embed_video=True)
    report = verify(nwb, session.folder)
    assert report.is_identical, list(report.lines())
    assert sorted(item.n_frames for item in report.series) == [25, 37]
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/timestamps"][9] += 1e-9
        file[f"{SCOPE}/data"][11, 2, 2] ^= 1
    assert kinds(verify(nwb, session.folder)) == {"pixels": 1, "stamp": 1}


@pytest.mark.parametrize(
    "make",
    [partial(make_onix, words_per_frame=1), partial(make_onix, words_per_frame=608), make_gui],
    ids=["onix-1", "onix-608", "gui"],
)
def test_onix_and_gui(tmp_path, make):
    session = make(tmp_path / "raw")
    nwb = convert(session.folder, tmp_path / "out.nwb")
    report = verify(nwb, session.folder)
    assert report.is_identical, list(report.lines())
    assert report.series[0].n_frames == 20
    with h5py.File(nwb, "r+") as file:
        file[f"{SCOPE}/timestamps"][9] += 1e-9
    assert kinds(verify(nwb, session.folder)) == {"stamp": 1}


def test_real_recordings(real_data, tmp_path):
    for session in sorted((real_data / "qt" / "C6-J588_Disc5").iterdir()):
        nwb = convert(session, tmp_path / f"{session.name}.nwb", embed_video=True)
        report = verify(nwb, session)
        assert report.is_identical, list(report.lines())
        assert sum(item.n_frames for item in report.series) == 10
