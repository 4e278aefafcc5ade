"""What cannot be processed is refused in one clear sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from prepared_fields import prepared, simulated

from miniscope_nwb.engines.base import Scale
from miniscope_nwb.errors import NwbContentError, ParameterError


def refused(frames, tmp_path, kind=NwbContentError, **choices):
    with pytest.raises(kind) as caught:
        prepared(frames, tmp_path, **choices)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def test_too_few_frames(tmp_path):
    sentence = refused(simulated("easy")[:63], tmp_path)
    assert "63 frames" in sentence
    assert "100" in sentence


def test_one_value_everywhere(tmp_path):
    assert "every pixel of every frame is 7" in refused(
        np.full((120, 50, 70), 7, np.uint8), tmp_path
    )


def test_the_same_picture_again_and_again(tmp_path):
    frames = np.repeat(simulated("easy")[:1], 120, axis=0)
    assert "all frames show the same picture" in refused(frames, tmp_path)


def test_all_dark(tmp_path):
    frames = np.random.default_rng(0).poisson(0.8, (120, 50, 70)).astype(np.uint8)
    frames[:, 3, 4] = 255  # a hot pixel is no light
    sentence = refused(frames, tmp_path)
    assert "all dark" in sentence
    assert "255" in sentence


def test_saturated_says_the_share(tmp_path):
    frames = simulated("easy")
    frames[:, :, :80] = 255
    sentence = refused(frames, tmp_path)
    assert "saturated: 48 %" in sentence
    assert "255" in sentence


def test_twelve_bits_saturate_at_their_own_limit(tmp_path):
    frames = simulated("easy").astype(np.uint16) * 16
    frames[:, :60] = 4095
    assert "saturated: 50 %" in refused(frames, tmp_path)


def test_a_few_saturated_pixels_are_said(tmp_path):
    frames, said = simulated("easy"), []
    frames[:, 40:52, 60:90] = 255
    found = prepared(frames, tmp_path, said=said)
    assert found.figures["saturated_share"] == pytest.approx(360 / frames[0].size, rel=0.01)
    assert any("saturated" in sentence for sentence in said)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_number_names_the_frame(tmp_path, value):
    frames = simulated("easy").astype(np.float32)
    frames[211, 5, 7] = value
    assert "frame 211 holds samples that are no numbers" in refused(frames, tmp_path)


def test_crop_outside_names_both(tmp_path):
    sentence = refused(simulated("easy"), tmp_path, ParameterError, crop=(10, 10, 200, 100))
    assert "x 10 to 200, y 10 to 100" in sentence
    assert "168" in sentence
    assert "120" in sentence
    refused(simulated("easy"), tmp_path, ParameterError, crop=(-1, 0, 50, 50))
    assert "8 x 50" in refused(simulated("easy"), tmp_path, ParameterError, crop=(10, 0, 18, 50))


def test_cell_larger_than_the_field(tmp_path):
    sentence = refused(simulated("easy"), tmp_path, ParameterError, cell_diameter_px=400)
    assert "400 pixels" in sentence
    assert "168 x 120" in sentence
    in_um = {"cell_diameter_px": None, "cell_diameter_um": 120.0}
    refused(simulated("easy"), tmp_path, ParameterError, scale=Scale(0.5, 20.0), **in_um)


def test_most_frames_unusable(tmp_path):
    frames, rng = simulated("moderate"), np.random.default_rng(0)
    order = rng.permutation(300)
    frames[order[:135]] = 0
    assert prepared(frames, tmp_path).is_left_out.sum() == 135
    frames[order[135:175]] = rng.integers(0, 256, (40, *frames.shape[1:]))
    sentence = refused(frames, tmp_path)
    assert re.search(r"17\d of 300 frames cannot be used \(135 black, .*\d torn\)", sentence)
    assert "preprocess.leave_out_frames=false" in sentence
    assert not prepared(frames, tmp_path, leave_out_frames=False).is_left_out.any()
