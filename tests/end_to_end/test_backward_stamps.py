"""Time stamps that go backward and are kept: every command says what it makes of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recordings import convert

from miniscope_nwb.movie import FrameClock
from miniscope_nwb.pipeline.stamps import say_backward
from miniscope_nwb.simulate.folder import simulate
from miniscope_nwb.simulate.options import SimulateOptions

KEPT = SimulateOptions(
    level="easy", width=64, height=48, frames=120, cells=3, cameras=0, corrupt="backward-stamp"
)


def test_kept_stamps_are_told_alike_by_convert_validate_and_process(shell, complete, tmp_path):
    simulate(tmp_path / "raw", format="v4", options=KEPT)
    nwb = tmp_path / "kept.nwb"
    said = convert(shell, tmp_path / "raw", nwb, "-m", complete, "--stamps", "keep").out
    report = json.loads(shell("validate", nwb, "--json").out)
    (finding,) = [f for f in report["findings"] if f["check"] == "check_timestamps_ascending"]
    assert " ".join(said.split()).count(f"calls a {finding['severity']}.") == 1
    (frame,) = np.flatnonzero(np.diff(stamps(nwb)) < 0) + 1
    for command in ("plan", "process"):
        outcome = shell(command, nwb)
        assert outcome.code == 0
        assert f"stamps of OnePhotonSeries go backward at frame {frame}:" in outcome.err


def stamps(path):
    import h5py

    with h5py.File(path, "r") as file:
        return file["acquisition/OnePhotonSeries/timestamps"][:]


@pytest.mark.parametrize(
    ("times", "segments", "where"),
    [
        ([0, 1, 2, 3], [0, 0, 0, 0], ""),
        ([0, 1, 1, 2], [0, 0, 0, 0], ""),  # repeated, but not backward
        ([5, 6, 0, 1], [0, 0, 1, 1], ""),  # a joined recording
        ([0, 2, 1, 3], [0, 0, 0, 0], "at frame 2:"),
        ([0, 2, 1, 0], [0, 0, 0, 0], "at 2 frames, first at 2:"),
    ],
)
def test_what_goes_backward(times, segments, where):
    clock = FrameClock(np.array(times, float), np.ones(4, np.int64), np.array(segments), 1.0)
    assert (where in say_backward(clock, "Movie")) if where else say_backward(clock, "Movie") == ""
