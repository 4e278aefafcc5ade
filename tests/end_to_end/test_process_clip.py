"""The whole pipeline on a real one-photon clip, wrapped into NWB: it runs, finite, repeatable."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from nwb.foreign_files import write_foreign
from processed_files import assert_same_content

import miniscope_nwb


@pytest.fixture
def clip(real_data):
    """The clip's frames, (100, 122, 108): its header says 200, half of them are empty."""
    path = real_data / "onephoton" / "movie_part1_108x122x200.avi"
    if not path.is_file():
        pytest.skip(f"no {path}")
    video, frames = cv2.VideoCapture(str(path)), []
    while True:
        is_there, frame = video.read()
        if not is_there:
            break
        frames.append(frame[:, :, 0])
    assert len(frames) == 100
    return np.stack(frames)


def test_clip(shell, clip, tmp_path):
    path = write_foreign(tmp_path / "clip.nwb", clip, rate=20.0)
    again = shutil.copy(path, tmp_path / "again.nwb")
    done = shell("process", path, "--engine", "builtin", "--json")
    assert done.code == 0, done.err
    with miniscope_nwb.open(path) as session:
        run = session.run()
        assert np.isfinite(run.shifts_px).all()
        assert np.isfinite(run.images["mean"]).any()
        if run.n_cells:
            assert np.isfinite(run.denoised).all()
            assert np.isfinite(run.fluorescence).mean() > 0.9
    assert shell("process", again, "--engine", "builtin", "--threads", "1", "--quiet").code == 0
    assert_same_content(path, again)


def test_stack_of_63_frames_is_too_short(shell, real_data, tmp_path):
    path = real_data / "onephoton" / "movie_part2_108x123x63.tiff"
    if not path.is_file():
        pytest.skip(f"no {path}")
    _, frames = cv2.imreadmulti(str(path), flags=cv2.IMREAD_UNCHANGED)
    movie = write_foreign(tmp_path / "stack.nwb", np.stack(frames), rate=20.0)
    refused = shell("process", movie)
    assert refused.code == 1
    assert "63 frames; at least 100" in refused.err
