"""Nothing is more regular than in a real recording, and long recordings need no more memory."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from simulated import SMALL, make

from miniscope_nwb.simulate.chance import BLOCK
from miniscope_nwb.simulate.clock import make_clock
from miniscope_nwb.simulate.field import Field
from miniscope_nwb.simulate.options import SimulateOptions, resolve

HERE = Path(__file__).parent
_PEAKS = """
import json, sys, tracemalloc
from pathlib import Path
sys.path.insert(0, {here!r})
from simulated import make
folder, peaks = Path({folder!r}), []
make(folder / "first", frames=8)  # what is imported and kept once
for frames in {n_frames}:
    tracemalloc.start()
    make(folder / str(frames), frames=frames, frames_per_file=100)
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
print(json.dumps(peaks))
"""


def is_regular(times_s: np.ndarray) -> bool:
    """As NWB Inspector asks: are all intervals equal to the nanosecond?"""
    return len(np.unique(np.round(np.diff(times_s), 9))) == 1


@pytest.mark.parametrize("format", ["v4", "v3", "onix"])
def test_true_times_are_those_of_no_exact_clock(tmp_path, read_truth, format):
    result = make(tmp_path, format, cameras=0)
    times = read_truth(result.truth).processing["ophys"]["xy_translation"].timestamps[:]
    assert not is_regular(times)
    np.testing.assert_allclose(np.diff(times), 1 / 20, atol=2 * 4 * 0.0004 / 20)
    if format == "onix":
        ticks = np.fromfile(result.raw / "ucla-miniscope-v4-clock_0.raw", "<u8").reshape(-1, 608)
        assert not is_regular(ticks[:, 0] / 250e6)


def test_frames_never_overtake_each_other():
    clock = make_clock(2000, rate_hz=1000.0, n_lost=3, seed=5, device=0)
    assert (np.diff(clock.time_s) > 0.0009).all()
    assert (clock.stamp_s > clock.time_s).all()


def test_notes_are_not_regular(tmp_path):
    raw = make(tmp_path, frames=600, cameras=0).raw
    rows = (raw / "notes.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) == 3
    assert not is_regular(np.array([int(row.split(",")[0]) for row in rows]) / 1000)


def quiet_field(*, dilation: float) -> Field:
    """A field in which nothing changes but the vessels."""
    options = SimulateOptions(
        width=160, height=120, cells=0, motion=0, noise=0, cameras=0, level="noise"
    )
    field = Field(resolve(options, format="v4"), device=0)
    field.level = dataclasses.replace(
        field.level, neuropil_grey=0.0, bleaching=0.0, dilation_rms_px=dilation
    )
    return field


def test_vessels_widen_where_they_are_and_nowhere_else():
    times = np.arange(0, 319, 0.5)  # both periods, several times over
    field = quiet_field(dilation=0.3)
    growth = np.array([field._vessel_growth(time) for time in times])
    assert growth.std() == pytest.approx(0.3, rel=0.02)
    assert np.abs(growth.mean()) < 0.01
    assert np.abs(np.diff(growth)).max() < 0.15  # slow
    field = quiet_field(dilation=3.0)
    numbers = np.array([0, 40, 80, 120, 160, 200])
    with ThreadPoolExecutor(1) as workers:
        frames = np.stack(
            [f for block in field.stream(numbers, workers) for f in block.frames]
        ).astype(float)
    growth = np.array([field._vessel_growth(number / 20) for number in numbers])
    widest, thinnest = frames[growth.argmax()], frames[growth.argmin()]
    assert growth.max() - growth.min() > 3
    darker = thinnest - widest
    assert darker.max() > 10
    assert darker.min() > -3  # nothing gets brighter, but for rounding and sampling
    assert (np.abs(darker) <= 1).mean() > 0.3  # tissue between the vessels


def test_memory_does_not_grow_with_the_frames(tmp_path):
    n_frames = (2 * BLOCK, 14 * BLOCK)  # so far apart that what threads happen to hold is small
    code = _PEAKS.format(here=str(HERE), folder=str(tmp_path), n_frames=n_frames)
    # In a process of its own: here, what threads of other tests still hold would be counted too.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, last = json.loads(done.stdout)
    movie = SMALL["width"] * SMALL["height"] * (n_frames[1] - n_frames[0])
    assert last - first < movie / 4  # stamps and traces are a few numbers a frame
