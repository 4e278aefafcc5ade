"""Every rule for damaged stamps, through the command line, and verified afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from builders.v4 import make_v4
from damaged_v4 import check_stored, convert_badly, convert_well, device, rewrite_stamps, stamps_of
from recordings import opened, table


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
