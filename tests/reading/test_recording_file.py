"""What a file says of its movie: clock, scale, type; and the sentence where there is none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "nwb"))
from foreign_files import HEIGHT, WIDTH, grey_movie, write_foreign

from miniscope_nwb.errors import NwbContentError
from miniscope_nwb.nwb.recording_file import read_recording

TIMES = np.arange(130) / 20.0


def test_an_ordinary_file_of_another_program(tmp_path):
    plane = {"grid_spacing": [1.5e-6, 1.7e-6], "grid_spacing_unit": "meters"}
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=TIMES, plane=plane)
    info = read_recording(path)
    assert (info.series, info.n_frames, info.height, info.width) == ("Movie", 130, HEIGHT, WIDTH)
    assert info.dtype == np.uint8
    assert info.pixel_sizes_um == pytest.approx((1.5, 1.7))
    assert info.pixel_size_um == pytest.approx(1.6)
    assert (info.indicator, info.device, info.plane) == ("GCaMP8f", "Scope", "Plane")
    assert info.rate_hz == pytest.approx(20.0)
    assert info.n_lost == 0
    assert info.n_bytes == 130 * HEIGHT * WIDTH
    np.testing.assert_array_equal(info.clock.times_s, TIMES)
    assert (info.clock.steps == 1).all()
    assert (info.clock.segment == 0).all()


@pytest.mark.parametrize(
    ("spacing", "unit", "micrometers"),
    [
        ([2.0, 2.0], "micrometers", 2.0),
        ([2.0, 2.0], "um", 2.0),
        ([0.002, 0.002], "millimeters", 2.0),
        ([2.0, 2.0, 5.0], "microns", 2.0),
        ([2.0, 2.0], "meters", np.nan),  # nobody set the unit: two meters are no pixel
        ([2.0, 2.0], "pixels", np.nan),
    ],
)
def test_pixel_sizes_in_the_units_that_people_write(tmp_path, spacing, unit, micrometers):
    plane = {"grid_spacing": spacing, "grid_spacing_unit": unit}
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=TIMES, plane=plane)
    assert read_recording(path).pixel_size_um == pytest.approx(micrometers, nan_ok=True)


def test_a_rate_is_a_clock(tmp_path):
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), rate=12.5)
    info = read_recording(path)
    np.testing.assert_allclose(info.clock.times_s, 2.5 + np.arange(130) / 12.5)
    assert info.rate_hz == pytest.approx(12.5)
    assert np.isnan(info.pixel_size_um)


def test_without_a_table_long_intervals_are_lost_frames(tmp_path):
    """Three frames lost after frame 39; frame 70 is merely stamped late."""
    times = TIMES.copy()
    times[40:] += 3 / 20
    times[70] += 0.045
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=times)
    info = read_recording(path)
    assert info.clock.steps[40] == 4
    assert info.n_lost == 3
    assert info.rate_hz == pytest.approx(20.0)
    assert info.clock.runs() == [(0, 40), (40, 130)]


def test_the_table_of_lost_frames_is_believed(tmp_path):
    from pynwb import NWBHDF5IO
    from pynwb.epoch import TimeIntervals

    times = TIMES.copy()
    times[40:] += 3 / 20
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=times)
    with NWBHDF5IO(path, "a") as io:
        nwb = io.read()
        table = TimeIntervals(name="LostFrames", description="lost")
        table.add_column("device", "whose")
        table.add_column("n_lost", "how many")
        rows = [
            (times[39], times[40], "Scope", 2),
            (times[39], times[40], "Scope", 1),  # of two kinds of evidence
            (times[50], times[51], "Other", 9),
            (times[-1], times[-1] + 1, "Scope", 5),  # behind the end
        ]
        for start, stop, device, n_lost in rows:
            table.add_row(start_time=start, stop_time=stop, device=device, n_lost=n_lost)
        nwb.add_time_intervals(table)
        io.write(nwb)
    clock = read_recording(path).clock
    assert np.flatnonzero(clock.steps != 1).tolist() == [40]
    assert clock.steps[40] == 4


def test_several_movies_need_a_name(tmp_path):
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=TIMES, names=("One", "Two"))
    with pytest.raises(NwbContentError, match=r"x\.nwb holds 2 movies: .*--series One or Two\."):
        read_recording(path)
    assert read_recording(path, "Two").series == "Two"
    with pytest.raises(NwbContentError, match=r"no OnePhotonSeries named Three: it holds One, Two"):
        read_recording(path, "Three")


def _no_series(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["acquisition/Movie"]


def _external(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["acquisition/Movie/external_file"] = [b"x.avi"]


def _empty(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["acquisition/Movie/data"]
        file["acquisition/Movie/data"] = np.zeros((0, 3, 3), np.uint8)


def _nan_times(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["acquisition/Movie/timestamps"][[7, 9]] = np.nan


def _short_times(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["acquisition/Movie/timestamps"]
        file["acquisition/Movie/timestamps"] = TIMES[:100]


def _no_times(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["acquisition/Movie/timestamps"]


def _rate(rate: float):
    def write(path: Path) -> None:
        _no_times(path)
        with h5py.File(path, "a") as file:
            file["acquisition/Movie/starting_time"] = 0.0
            file["acquisition/Movie/starting_time"].attrs["rate"] = rate

    return write


def _texts(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["acquisition/Movie/data"]
        file["acquisition/Movie/data"] = np.full((130, 3, 3), b"a")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_series, r"x\.nwb holds no OnePhotonSeries in acquisition: name an NWB file of a one-"),
        (_external, r"frames of Movie in x\.nwb lie in external files: convert"),
        (_empty, r"Movie in x\.nwb holds no frames"),
        (_nan_times, r"2 of the 130 timestamps of Movie .* not numbers \(the first at frame 7\)"),
        (_short_times, r"130 frames but 100 timestamps"),
        (_no_times, r"neither timestamps nor a rate"),
        (_rate(-20.0), r"Movie in x\.nwb starts at 0 s with a rate of -20 frames a second"),
        (_rate(np.nan), r"a rate of nan frames a second, which give its frames no times"),
        (_texts, r"holds \|S1, which is no grey level"),
    ],
)
def test_what_is_no_movie_is_one_sentence(tmp_path, damage, said):
    path = write_foreign(tmp_path / "x.nwb", grey_movie(), times=TIMES)
    damage(path)
    with pytest.raises(NwbContentError, match=said) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)


def test_colour_and_shortness_are_refused(tmp_path):
    colour = np.zeros((130, 8, 9, 3), np.uint8)
    path = write_foreign(tmp_path / "a.nwb", colour, times=TIMES)
    with pytest.raises(NwbContentError, match=re.escape("(130, 9, 8, 3), not (time, width, heig")):
        read_recording(path)
    path = write_foreign(tmp_path / "b.nwb", grey_movie(99), times=TIMES[:99])
    with pytest.raises(NwbContentError, match="has 99 frames; at least 100 are needed"):
        read_recording(path)


def test_no_file_and_no_nwb_are_one_sentence(tmp_path):
    with pytest.raises(NwbContentError, match="does not exist"):
        read_recording(tmp_path / "x.nwb")
    (tmp_path / "x.nwb").write_text("hello")
    with pytest.raises(NwbContentError, match="is not an NWB file"):
        read_recording(tmp_path / "x.nwb")


def test_a_converted_recording_with_losses_and_a_joint(tmp_path):
    """A file of `convert`: lost frames from its table, the joint from its frame counts."""
    from plans import Rig, assemble, grey_frames, make_segment

    from miniscope_nwb.nwb.io import write_plan
    from miniscope_nwb.nwb.stored_movie import StoredMovie
    from miniscope_nwb.session import ConvertOptions

    rigs = (Rig("My Scope", grey_frames(60, shape=(20, 30)), per_file=60),)
    segments = []
    for number, offset in enumerate((0.0, 100.0)):
        (tmp_path / f"part{number}").mkdir(parents=True)
        segment, _ = make_segment(tmp_path, rigs, offset_s=offset, below=f"part{number}")
        segments.append(segment)
    made = assemble(tmp_path, tuple(segments), rigs, {}, ConvertOptions(link_videos="in-place"))
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "x.nwb"
    write_plan(made.plan, path)
    info = read_recording(path)
    assert info.series == "OnePhotonSeries"
    assert info.device == "My Scope"
    assert info.pixel_sizes_um == pytest.approx((1.5, 1.6))
    assert info.indicator == "GCaMP6f"
    assert np.bincount(info.clock.segment).tolist() == [60, 60]
    lost = [span for s in segments for t in s.timelines.values() for span in t.lost]
    assert info.n_lost == sum(span.n_lost for span in lost) == 4
    gaps = np.flatnonzero(info.clock.steps != 1)
    for gap, span in zip(gaps, lost, strict=True):
        middle = (span.start_s + span.stop_s) / 2
        assert info.clock.times_s[gap - 1] < middle <= info.clock.times_s[gap]
    runs = info.clock.runs()
    assert runs[0][0] == 0
    assert (int(gaps[0]), 60) in runs
    assert 60 in [start for start, _ in runs]
    with StoredMovie(path, info.series, clock=info.clock) as movie:
        np.testing.assert_array_equal(
            movie.read(55, 65), np.r_["0", rigs[0].frames[55:], rigs[0].frames[:5]]
        )
