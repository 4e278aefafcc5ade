"""Open Ephys GUI recordings, whole and damaged, through `convert` and `verify`."""

from __future__ import annotations

import numpy as np
import pytest
from builders.gui import START as GUI_START
from builders.gui import make_gui
from builders.onix import write_avi as write_onix_avi
from damage import truncate, unfinalise
from other_formats import (
    check_change_is_found,
    check_frames,
    repairs,
    settings,
    stop,
    work,
    write_colour,
)
from recordings import lost_frames, opened


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
