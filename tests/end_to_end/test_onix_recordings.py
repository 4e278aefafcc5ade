"""ONIX recordings, whole and damaged, through `convert` and `verify` as a user runs them."""

from __future__ import annotations

import numpy as np
import pytest
from builders.onix import SENSOR_ROWS, make_onix
from damage import header_only, truncate, unfinalise
from other_formats import (
    check_change_is_found,
    check_frames,
    repairs,
    settings,
    stop,
    work,
    write_colour,
)
from recordings import opened, table

CLOCK_HZ = 250_000_000


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
