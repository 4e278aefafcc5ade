"""What no sane user does, and what happens in laboratories all the same."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from builders.v4 import make_v4
from recordings import convert, opened, table

ORIENTATION = "HeadOrientationMiniscope"


def edit_json(path: Path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values), encoding="utf-8")


def set_times(path: Path, column: int, times_ms) -> None:
    """Replace the column of time stamps of a table of the QT software."""
    header, *rows = path.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    for row, time_ms in zip(cells, times_ms, strict=True):
        row[column] = str(time_ms)
    path.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n")


def set_all_times(session, times_ms) -> None:
    folder = session.folder / "Miniscope"
    set_times(folder / "timeStamps.csv", 1, times_ms)
    set_times(folder / "headOrientation.csv", 0, times_ms)


def check_verifies(shell, nwb: Path, raw: Path) -> None:
    done = shell("verify", nwb, "--raw", raw)
    assert done.code == 0, done.out + done.err


class TestHeadOrientation:
    """headOrientation.csv that the sensor, or its link, has spoilt."""

    def test_infinite_components_are_kept_and_verified(self, shell, tmp_path):
        session = make_v4(tmp_path / "raw")
        path = session.folder / "Miniscope" / "headOrientation.csv"
        lines = path.read_text().splitlines()
        lines[6] = f"{lines[6].split(',')[0]},inf,0,-inf,nan"
        path.write_text("\n".join(lines) + "\n")
        nwb = tmp_path / "out.nwb"
        done = convert(shell, session.folder, nwb)
        assert "1 of 25 quaternions are no rotations" in " ".join(done.out.split())
        with opened(nwb) as file:
            stored = file.acquisition[ORIENTATION].data[5]
        np.testing.assert_array_equal(stored, [np.inf, 0, -np.inf, np.nan])
        check_verifies(shell, nwb, session.folder)

    @pytest.mark.parametrize("value", ["dip", "stamp of another frame", "spike"])
    @pytest.mark.parametrize("origin_ms", [0, 5_000_000])
    def test_mended_stamps_are_mended_here_too(self, shell, tmp_path, value, origin_ms):
        session = make_v4(tmp_path / "raw")
        recorded = session.stamps_ms["Miniscope"] + origin_ms
        bad = {"dip": recorded[10] - 3, "spike": recorded[12] + 9000}
        recorded[12] = bad.get(value, recorded[10])
        set_all_times(session, recorded)
        nwb = tmp_path / "out.nwb"
        assert convert(shell, session.folder, nwb, "--stamps", "interpolate").code == 0
        with opened(nwb) as file:
            frames = file.acquisition["OnePhotonSeries"].timestamps[:]
            samples = file.acquisition[ORIENTATION].timestamps[:]
            repairs = table(file, "Repairs")
        assert np.all(np.diff(samples) > 0)
        np.testing.assert_array_equal(samples, frames)
        assert "interpolated" in set(repairs["rule"])
        check_verifies(shell, nwb, session.folder)

    def test_kept_stamps_are_kept_here_too(self, shell, tmp_path):
        session = make_v4(tmp_path / "raw")
        recorded = session.stamps_ms["Miniscope"]
        recorded[12] = recorded[10] - 3
        set_all_times(session, recorded)
        nwb = tmp_path / "out.nwb"
        assert convert(shell, session.folder, nwb, "--stamps", "keep").code == 0
        with opened(nwb) as file:
            samples = file.acquisition[ORIENTATION].timestamps[:]
        np.testing.assert_array_equal(samples, recorded / 1000.0)
        check_verifies(shell, nwb, session.folder)

    def test_a_clock_of_its_own_that_runs_backward_is_told(self, shell, tmp_path):
        session = make_v4(tmp_path / "raw")
        recorded = session.stamps_ms["Miniscope"].copy()
        recorded[12] = recorded[10] - 3
        set_times(session.folder / "Miniscope" / "headOrientation.csv", 0, recorded)
        nwb = tmp_path / "out.nwb"
        done = convert(shell, session.folder, nwb)
        assert "headOrientation.csv: the time runs backward 1 times" in done.out
        with opened(nwb) as file:
            samples = file.acquisition[ORIENTATION].timestamps[:]
        np.testing.assert_array_equal(samples, recorded / 1000.0)
        check_verifies(shell, nwb, session.folder)


class TestMetadataFiles:
    """metaData.json that is none; `convert` goes on without, so `verify` must too."""

    def test_endless_nesting(self, shell, tmp_path):
        session = make_v4(tmp_path / "raw")
        depth = 20_000
        text = '{"a":' * depth + "1" + "}" * depth
        (session.folder / "Miniscope" / "metaData.json").write_text(text)
        nwb = tmp_path / "out.nwb"
        done = convert(shell, session.folder, nwb)
        assert done.code == 0
        assert "metaData.json is damaged" in done.out
        check_verifies(shell, nwb, session.folder)

    def test_a_folder_of_that_name(self, shell, tmp_path):
        session = make_v4(tmp_path / "raw")
        path = session.folder / "Miniscope" / "metaData.json"
        path.unlink()
        path.mkdir()
        nwb = tmp_path / "out.nwb"
        done = convert(shell, session.folder, nwb)
        assert done.code == 0
        assert "Miniscope has no metaData.json" in done.out
        check_verifies(shell, nwb, session.folder)


class TestRoles:
    """Whether the frames of a device are stored, or left in its videos, hangs on its role."""

    def test_a_miniscope_listed_as_camera_is_told(self, shell, tmp_path):
        session = make_v4(
            tmp_path / "raw", scopes=("Top",), cameras=("Side",), camera_type="Miniscope_V4_BNO"
        )
        done = convert(shell, session.folder, tmp_path / "out.nwb")
        words = " ".join(done.out.split())
        assert "Side is of the type Miniscope_V4_BNO, but metaData.json lists it under" in words
        with opened(tmp_path / "out.nwb") as file:
            assert {"OnePhotonSeries", "BehaviorVideoSide"} <= set(file.acquisition)

    def test_until_the_yaml_says_what_it_is(self, shell, tmp_path):
        session = make_v4(
            tmp_path / "raw", scopes=("Top",), cameras=("Side",), camera_type="Miniscope_V4_BNO"
        )
        yaml = tmp_path / "session.yaml"
        yaml.write_text("devices: {Side: {role: scope}}\n", encoding="utf-8")
        done = convert(shell, session.folder, tmp_path / "out.nwb", "-m", yaml)
        assert "lists it under" not in done.out
        with opened(tmp_path / "out.nwb") as file:
            assert {"OnePhotonSeriesTop", "OnePhotonSeriesSide"} <= set(file.acquisition)

    @pytest.mark.parametrize("version", ["v0.1", "v2.0"])
    def test_a_webcam_is_no_surprise(self, shell, tmp_path, version):
        session = make_v4(tmp_path / "raw", version=version, cameras=("Side",))
        assert "lists it under" not in shell("inspect", session.folder).out


class TestDaqCounter:
    """Planted losses are found again, whatever the 16-bit counter did."""

    LOST = {6: 2, 14: 7, 15: 1, 20: 1}  # noqa: RUF012

    def spans(self, shell, tmp_path, change):
        session = make_v4(tmp_path / "raw", version="v2.0", lost=self.LOST)
        path = session.folder / "Miniscope" / "timeStamps.csv"
        set_times(path, 3, change(session.daq["Miniscope"].copy()))
        nwb = tmp_path / "out.nwb"
        assert convert(shell, session.folder, nwb).code == 0
        with opened(nwb) as file:
            spans = file.intervals["LostFrames"].to_dataframe()
            times = file.acquisition["OnePhotonSeries"].timestamps[:]
        assert dict(zip(spans["start_time"], spans["n_lost"], strict=True)) == {
            times[frame - 1]: n_lost for frame, n_lost in self.LOST.items()
        }
        return spans["evidence"].tolist()

    @pytest.mark.parametrize(
        "change",
        [
            lambda counter: (counter + 65_520) % 65_536,
            lambda counter: (counter + 65_520) % 65_536 - 65_520,  # negative after the wrap
            lambda counter: np.r_[31_234, counter[1:]],  # the first of a connection
        ],
    )
    def test_wrap(self, shell, tmp_path, change):
        assert set(self.spans(shell, tmp_path, change)) == {"counter"}

    def test_failed_reads(self, shell, tmp_path):
        def fail(counter):
            counter[[3, 14, 19]] = -1
            return counter

        evidence = self.spans(shell, tmp_path, fail)
        assert evidence == ["counter", "interval", "interval", "interval"]

    def test_reconnect(self, shell, tmp_path):
        def reconnect(counter):
            return np.r_[counter[:14], 60_000, counter[15:] - counter[14] + 1]

        assert self.spans(shell, tmp_path, reconnect)[1] == "interval"


def test_a_name_that_is_only_a_suffix_is_refused(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    done = convert(shell, session.folder, tmp_path / ".nwb")
    assert done.code == 1
    assert "has nothing before .nwb" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_a_damaged_chunk_is_one_sentence(shell, tmp_path):
    session = make_v4(tmp_path / "raw")
    nwb = tmp_path / "out.nwb"
    convert(shell, session.folder, nwb)
    with h5py.File(nwb) as file:
        chunk = file["acquisition/OnePhotonSeries/data"].id.get_chunk_info(1)
    content = bytearray(nwb.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x55
    nwb.write_bytes(content)
    done = shell("verify", nwb, "--raw", session.folder)
    assert done.code == 1
    assert f"{nwb} is damaged inside" in done.err
    assert "disk" not in done.err


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        (KeyError("Unable to synchronously open object (message not aligned)"), True),
        (RuntimeError("Unable to get group info (bad symbol table node signature)"), True),
        (OSError("Can't synchronously read data (filter returned failure)"), True),
        (OSError(28, "Can't hold more"), False),
        (KeyError("stamps"), False),
        (RuntimeError(), False),
    ],
)
def test_only_hdf5s_own_faults_are_damage(tmp_path, error, is_damage):
    from miniscope_nwb.errors import NwbContentError
    from miniscope_nwb.nwb.read import open_nwb

    path = tmp_path / "x.nwb"
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.11"
    with pytest.raises(NwbContentError if is_damage else type(error)), open_nwb(path):
        raise error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_answer_that_finds_no_room_is_one_sentence(tmp_path, options):
    import subprocess

    session = make_v4(tmp_path / "raw")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "miniscope_nwb", "inspect", session.folder, *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "disk has room" in done.stderr
