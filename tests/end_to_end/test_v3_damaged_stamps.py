"""V3 recordings whose stamps are missing, too many, wrong or saved again by others."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from builders.v3 import make_v3
from other_formats import ZONE, repairs, stop, work
from recordings import opened, table
from v3_recordings import V3_FOLDER, check_v3, scope_rows, v3_rows, v3_seconds


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


def test_v3_without_stamps_stops(shell, tmp_path, v3):
    (v3.folder / "timestamp.dat").unlink()
    assert "timestamp.dat" in stop(shell, v3.folder, tmp_path, *ZONE)
