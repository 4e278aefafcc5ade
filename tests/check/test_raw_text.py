"""The second parser: the same numbers from whatever has become of a text file."""

from __future__ import annotations

import codecs

import numpy as np
import pytest

from miniscope_nwb.check import raw_stamps, raw_text

HEADER = "Frame Number,Time Stamp (ms),Buffer Index\n"
MS = [-12, 38, 988, 1038, 1087]
FRAMES = list(range(len(MS)))


def csv(separator=",", newline="\n", header=HEADER):
    rows = [separator.join(map(str, (f, t, 0))) for f, t in zip(FRAMES, MS, strict=True)]
    return (header.replace(",", separator) + "\n".join(rows) + "\n").replace("\n", newline)


@pytest.mark.parametrize(
    "data",
    [
        csv().encode(),
        csv(newline="\r\n").encode("utf-8-sig"),
        csv(";").encode(),
        csv("\t", header="").encode(),
        codecs.BOM_UTF16_LE + csv().encode("utf-16-le"),
        csv().encode("utf-16-be"),
        csv().encode() + b"\0" * 300,
        csv().encode() + b"5,11",
        ("sep=;\n" + csv(";")).encode(),
        csv().replace("1038", '"1,038"').replace("1087", '"1,087"').encode(),
        csv(";").replace("1038", "1.038").replace("1087", "1.087").encode(),
        csv().replace("Frame", "Fr\xe4me").encode("cp1252"),
    ],
)
def test_v4_stamps_whatever_the_looks(tmp_path, data):
    path = tmp_path / "timeStamps.csv"
    path.write_bytes(data)
    stamps = raw_stamps.read_v4(path)
    kept = slice(0, len(MS))  # a half-written last row may have been read as far as it goes
    assert stamps.frame[kept].tolist() == FRAMES
    assert stamps.time_s[kept].tolist() == [ms / 1000.0 for ms in MS]
    assert len(stamps.frame) - len(MS) <= stamps.n_loose


def test_decimal_commas_are_no_thousands():
    values = raw_text.numbers(["0,707", "-0,5", "6,10352e-05"])
    assert values.tolist() == [0.707, -0.5, 6.10352e-05]
    assert np.isnan(raw_text.numbers(["Note"])).all()
    assert raw_text.numbers(["1,038", "987"], whole=True).tolist() == [1038, 987]
    assert raw_text.numbers(["1.038", "1039"], whole=True).tolist() == [1.038, 1039]


def test_v3_stamps_are_parted_by_camera(tmp_path):
    path = tmp_path / "timestamp.dat"
    rows = ["camNum\tframeNum\tsysClock\tbuffer", "1\t1\t99\t1", "0\t1\t12\t1", "1\t2\t149\t1"]
    path.write_text("\r\n".join(rows) + "\r\n", encoding="utf-8", newline="")
    stamps = raw_stamps.read_v3(path)
    assert sorted(stamps) == [0, 1]
    assert stamps[1].frame.tolist() == [0, 1]
    assert stamps[1].time_s.tolist() == [0.099, 0.149]
    assert stamps[0].time_s.tolist() == [0.012]


@pytest.mark.parametrize("per_frame", [1, 608])
@pytest.mark.parametrize("header", ["Timestamp,AcquisitionClockHz,R,W\n", ""])
def test_onix_clock_takes_the_first_word_of_a_frame(tmp_path, per_frame, header):
    clock, start = tmp_path / "clock_0.raw", tmp_path / "start-time_0.csv"
    ticks = np.arange(5, dtype="<u8") * 12_500_000 + 2**40
    words = (ticks[:, None] + np.arange(per_frame, dtype="<u8")).astype("<u8")
    words.tofile(clock)
    line = "2026-03-02T14:05:07.1234567+01:00,250000000,2048,2048\n"
    start.write_text(header + line, encoding="utf-8")
    stamps = raw_stamps.read_onix(clock, start)
    assert stamps.time_s.tolist() == (ticks / 250_000_000).tolist()
    assert stamps.frame.tolist() == list(range(5))


def test_gui_stamps_are_the_hardware_clock(tmp_path):
    path = tmp_path / "run_0.csv"
    path.write_text(
        "FrameNumber,HardwareTime,Timestamp\n3,150.5,2026-03-02\n5,250,2026-03-02\n",
        encoding="utf-8",
    )
    stamps = raw_stamps.read_gui(path)
    assert stamps.time_s.tolist() == [0.0, 0.0995]
    assert stamps.frame.tolist() == [0, 1]
