"""Each kind of damage is what its name says, and nothing else changes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from simulated import content, make

from miniscope_nwb.errors import OutputError
from miniscope_nwb.simulate.options import Corruption
from miniscope_nwb.video.riff import read_index

STAMPS = {"v4": "Miniscope/timeStamps.csv", "v3": "timestamp.dat"}
SHAPE = {"frames": 40, "frames_per_file": 14, "cameras": 0}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    return {
        format: make(tmp_path_factory.mktemp(format), format, **SHAPE)
        for format in ("v4", "v3", "onix")
    }


def video(result, format: str, number: int):
    if format == "onix":
        return result.raw / "ucla-miniscope-v4-video_0.avi"
    name = f"msCam{number + 1}.avi" if format == "v3" else f"Miniscope/{number}.avi"
    return result.raw / name


def stamps(result, format: str) -> np.ndarray:
    """Stamps of the miniscope in ms (ONIX: ticks of the frames' first words)."""
    if format == "onix":
        path = result.raw / "ucla-miniscope-v4-clock_0.raw"
        return np.fromfile(path, "<u8").astype(np.int64).reshape(-1, 608)[:, 0]
    lines = (result.raw / STAMPS[format]).read_text().splitlines()[1:]
    separator, column = (",", 1) if format == "v4" else ("\t", 2)
    return np.array([int(line.split(separator)[column]) for line in lines])


def changed(result, whole) -> set[str]:
    """Names of the files that differ from the healthy recording, or are missing."""
    names = {path.relative_to(whole.raw) for path in whole.raw.rglob("*") if path.is_file()}
    return {
        name.as_posix()
        for name in names
        if not (result.raw / name).exists()
        or (result.raw / name).read_bytes() != (whole.raw / name).read_bytes()
    }


@pytest.mark.parametrize("kind", get_args(Corruption))
def test_the_truth_stays_that_of_the_whole_recording(tmp_path, healthy, kind):
    result = make(tmp_path, corrupt=kind, **SHAPE)
    one, two = content(result.truth), content(healthy["v4"].truth)
    for name in one:
        if "SimulationParameters" not in name and name != "identifier":
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert changed(result, healthy["v4"])


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
@pytest.mark.parametrize("kind", ["truncated-last", "unfinalised", "empty-last"])
def test_the_last_video_is_damaged(tmp_path, healthy, format, kind):
    result = make(tmp_path, format, corrupt=kind, **SHAPE)
    number = 0 if format == "onix" else 2
    path, whole = video(result, format, number), video(healthy[format], format, number)
    assert changed(result, healthy[format]) == {path.relative_to(result.raw).as_posix()}
    n_frames = 40 if format == "onix" else 12
    if kind == "empty-last":
        assert path.stat().st_size == 0
    elif kind == "truncated-last":
        assert path.read_bytes() == whole.read_bytes()[: int(whole.stat().st_size * 0.6)]
        assert 0 < read_index(path).n_frames < n_frames
    else:
        index = read_index(path)
        assert (index.n_frames, index.is_finalised, index.header_frames) == (n_frames, False, 0)
        assert b"idx1" not in path.read_bytes()[-16 * (n_frames + 2) :]


@pytest.mark.parametrize("format", ["v4", "v3"])
@pytest.mark.parametrize("kind", ["truncated-middle", "empty-middle", "missing-middle"])
def test_a_middle_video_is_damaged(tmp_path, healthy, format, kind):
    result = make(tmp_path, format, corrupt=kind, **SHAPE)
    path = video(result, format, 1)
    assert changed(result, healthy[format]) == {path.relative_to(result.raw).as_posix()}
    assert path.exists() == (kind != "missing-middle")
    if kind == "empty-middle":
        assert path.stat().st_size == 0
    if kind == "truncated-middle":
        assert 0 < read_index(path).n_frames < 14


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
@pytest.mark.parametrize(
    "kind", ["short-stamps", "long-stamps", "backward-stamp", "duplicate-stamp"]
)
def test_stamps_are_damaged(tmp_path, healthy, format, kind):
    result = make(tmp_path, format, corrupt=kind, **SHAPE)
    whole, found = stamps(healthy[format], format), stamps(result, format)
    assert len(changed(result, healthy[format])) == 1
    if kind == "short-stamps":
        np.testing.assert_array_equal(found, whole[:-5])
    elif kind == "long-stamps":
        np.testing.assert_array_equal(found[:-5], whole)
        assert (np.diff(found[-6:]) > 0).all()
    else:
        (place,) = np.flatnonzero(found != whole)
        assert place == 20
        step = found[20] - found[19]
        assert step == 0 if kind == "duplicate-stamp" else step < 0


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
def test_the_last_row_is_half_written(tmp_path, healthy, format):
    result = make(tmp_path, format, corrupt="half-row", **SHAPE)
    (name,) = changed(result, healthy[format])
    whole, found = (healthy[format].raw / name).read_bytes(), (result.raw / name).read_bytes()
    assert whole.startswith(found)
    if format == "onix":
        assert 39 * 608 * 8 < len(found) < 40 * 608 * 8
        assert len(found) % 8
    else:
        assert found.count(b"\n") == 40  # the header and 39 whole rows
        assert not found.endswith(b"\n")


def test_a_first_stamp_is_garbage(tmp_path, healthy):
    result = make(tmp_path, corrupt="first-stamp", **SHAPE)
    found = stamps(result, "v4")
    assert found[0] == 935_703_178
    np.testing.assert_array_equal(found[1:], stamps(healthy["v4"], "v4")[1:])
    orientation = (result.raw / "Miniscope" / "headOrientation.csv").read_text().splitlines()
    assert orientation[1].startswith("935703178,")


@pytest.mark.parametrize(
    ("format", "choices", "says"),
    [
        ("onix", {"corrupt": "missing-middle"}, "an ONIX recording has one"),
        ("v4", {"corrupt": "empty-middle", "frames_per_file": 20}, "lower --frames-per-file"),
        ("onix", {"corrupt": "first-stamp"}, "does not happen with ONIX"),
        ("v4", {"corrupt": "short-stamps", "frames": 10}, "more than 10 frames"),
    ],
)
def test_damage_that_cannot_be_is_refused(tmp_path, format, choices, says):
    with pytest.raises(OutputError, match=says):
        make(tmp_path / "new", format, **choices)
    assert not (tmp_path / "new").exists()
