"""The simulator's recordings of every format and damage, through `convert` and `verify`."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from other_formats import (
    ZONE,
    stop,
    work,
)
from recordings import lost_frames, opened

DAMAGE = {
    "v3": [None, "truncated-last", "truncated-middle", "unfinalised", "empty-last", "empty-middle",
           "missing-middle", "short-stamps", "long-stamps", "backward-stamp", "duplicate-stamp",
           "half-row", "first-stamp"],
    "onix": [None, "truncated-last", "unfinalised", "short-stamps", "long-stamps",
             "backward-stamp", "duplicate-stamp", "half-row"],
}  # fmt: skip
CHOICES = {"long-stamps": ("--on-mismatch", "trim"), "backward-stamp": ("--stamps", "interpolate")}


@pytest.mark.parametrize(
    ("format", "corrupt"), [(f, corrupt) for f, kinds in DAMAGE.items() for corrupt in kinds]
)
def test_simulated(shell, tmp_path, format, corrupt):
    made = tmp_path / "raw"
    options = ["--corrupt", corrupt] if corrupt else []
    done = shell(
        "simulate", made, "--format", format, "--frames", 44, "--frames-per-file", 10,
        "--width", 64, "--height", 48, "--cells", 2, "--lost-frames", 2, "--quiet", *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    choice = CHOICES.get(corrupt, ())
    if choice:
        assert choice[0] in stop(shell, made, tmp_path, *ZONE)
    path, _ = work(shell, made, tmp_path, *ZONE, *choice)
    with opened(path) as nwb:
        n_lost = lost_frames(nwb)
        n_lost = n_lost[n_lost["device"] == "Miniscope"]["n_lost"].sum() if len(n_lost) else 0
        times = nwb.acquisition["OnePhotonSeries"].timestamps[:]
        assert len(times) == len(nwb.acquisition["OnePhotonSeries"].data)
    assert n_lost >= 2 or corrupt in ("truncated-last", "empty-last", "backward-stamp")
    assert (np.diff(times) >= 0).all()
    assert timedelta(seconds=float(times[-1])) < timedelta(seconds=10)
