"""Sizes that nobody gave are derived, and it is told from what."""

from __future__ import annotations

import numpy as np
import pytest
from prepared_fields import RAW, prepared, simulated

from miniscope_nwb.deconvolve.times import decay_of
from miniscope_nwb.engines.base import Scale
from miniscope_nwb.errors import ParameterError

TRUE_PX = 12.0 / 1.64  # mean of the simulated somata


def by_name(found):
    return {item.parameter: item for item in found.derived}


@pytest.mark.parametrize("level", ["easy", "moderate", "hard", "sparse"])
def test_the_cells_are_measured_in_raw_frames(level, tmp_path):
    frames = simulated(level, frames=800 if level == "sparse" else 450, width=240, height=200)
    found = prepared(frames, tmp_path, cell_diameter_px=None)
    assert found.cell_diameter_px == pytest.approx(TRUE_PX, rel=0.2)
    told = by_name(found)["cell_diameter_px"]
    assert told.stage == "preprocess"
    assert "blobs that light up" in told.basis
    assert told.value == pytest.approx(found.cell_diameter_px, abs=0.01)


def test_without_cells_the_usual_soma_is_taken_and_said(tmp_path):
    frames = simulated("noise")
    found = prepared(frames, tmp_path, cell_diameter_px=None)
    assert found.cell_diameter_px == pytest.approx(12 / 1.64)
    assert by_name(found)["cell_diameter_px"].basis.startswith("usual soma of 12 um")
    unknown = prepared(frames, tmp_path, cell_diameter_px=None, scale=Scale(float("nan"), 20.0, ""))
    assert unknown.cell_diameter_px == 8
    assert "pixel size not known" in by_name(unknown)["cell_diameter_px"].basis


def test_what_was_given_wins_and_is_not_derived(tmp_path):
    frames = simulated("easy")
    found = prepared(frames, tmp_path, cell_diameter_px=13.0)
    assert "cell_diameter_px" not in by_name(found)
    assert found.spatial_factor == 2
    assert found.cell_diameter_px == 6.5
    um = prepared(frames, tmp_path, cell_diameter_px=None, cell_diameter_um=16.4, pixel_size_um=2.0)
    assert um.cell_diameter_px == pytest.approx(8.2)


@pytest.mark.parametrize(("diameter", "factor"), [(4, 1), (11.9, 1), (12, 2), (17, 2), (20, 3)])
def test_a_soma_stays_wide_enough(diameter, factor, tmp_path):
    found = prepared(simulated("easy"), tmp_path, cell_diameter_px=diameter)
    assert found.spatial_factor == factor
    assert by_name(found)["spatial_factor"].value == factor
    given = prepared(simulated("easy"), tmp_path, cell_diameter_px=diameter, spatial_factor=1)
    assert given.spatial_factor == 1
    assert "spatial_factor" not in by_name(given)


def test_binning_leaves_a_field(tmp_path):
    """As much as a crop must leave; what nobody gave is derived so."""
    frames = simulated("easy")[:, :40, :50]
    with pytest.raises(ParameterError) as told:
        prepared(frames, tmp_path, spatial_factor=8)
    assert str(told.value) == (
        "preprocess.spatial_factor=8 leaves 6 x 5 pixels of a field of 50 x 40, but at least 16 "
        "are needed on each side: give 2 or less, or leave it out."
    )
    assert prepared(frames, tmp_path, spatial_factor=2).spatial_factor == 2
    assert prepared(frames, tmp_path, cell_diameter_px=20).spatial_factor == 2


@pytest.mark.parametrize(
    ("indicator", "rate", "factor"),
    [("GCaMP6f", 20.0, 2), ("AAV1.hSyn.jGCaMP8f", 20.0, 1), ("GCaMP6s", 30.0, 13), ("", 5.0, 1)],
)
def test_the_decay_covers_four_frames(indicator, rate, factor, tmp_path):
    found = prepared(simulated("easy"), tmp_path, scale=Scale(1.64, rate, indicator))
    assert found.temporal_factor == factor
    told = by_name(found)["temporal_factor"]
    assert told.value == factor
    assert (f"{decay_of(indicator)[0]:g} s") in told.basis


def test_bleaching_is_measured(tmp_path):
    frames = simulated("noise").astype(float)
    frames *= np.linspace(1, 0.8, 300)[:, None, None]  # 15 s: a fifth
    found = prepared(frames.clip(0, 255).astype(np.uint8), tmp_path, scale=RAW)
    assert found.figures["bleaching_per_minute"] == pytest.approx(-0.89, rel=0.2)
