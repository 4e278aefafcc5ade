"""Each rule of acceptance and each kind of mask on a component made for it."""

from __future__ import annotations

import numpy as np
import pytest

from miniscope_nwb.engines.base import Scale
from miniscope_nwb.metrics.accept import decide, with_relative_area
from miniscope_nwb.metrics.cell_size import CellSize
from miniscope_nwb.metrics.measures import Measures
from miniscope_nwb.metrics.neighbours import Neighbours
from miniscope_nwb.params.models import QualityParams

GOOD = {
    "snr": 9.0, "robust_snr": 8.0, "r_value": 0.9, "event_correlation": 0.9,
    "null_correlation": 0.1, "cnn": np.nan, "npix": 60, "area": 50.0, "relative_area": 1.0,
    "equivalent_diameter": 8.0, "event_diameter": 8.2, "edge_width": 0.4, "solidity": 0.9,
    "eccentricity": 0.4, "long_axis": 8.4, "short_axis": 7.6, "n_parts": 1, "center_x": 30.0,
    "center_y": 20.0, "edge_distance": 12.0, "noise": 2.0, "skewness": 2.0, "n_events": 6,
    "event_rate": 8.0, "false_positive_rate": 0.0, "rise_time": 0.1, "decay_time": 0.5,
    "overlap": 0.0, "neighbour_correlation": 0.0, "background_correlation": 0.0,
    "motion_correlation": 0.1, "drift": 0.0,
}  # fmt: skip
SIZE = CellSize(8.0, 0.4, 30, True)
NONE = Neighbours(np.empty(0, int), np.empty(0, int), *(np.empty(0) for _ in range(3)))


def measures(*changes: dict[str, float]) -> Measures:
    rows = [{**GOOD, **change} for change in changes]
    return Measures(**{key: np.array([row[key] for row in rows]) for key in GOOD})


def decided(*changes, size=SIZE, pairs=NONE, pixel=1.64, **params):
    scale = Scale(pixel, 20.0)
    return decide(measures(*changes), pairs, size=size, params=QualityParams(**params), scale=scale)


def test_a_cell_is_accepted_and_its_reason_says_what_speaks_for_it():
    found = decided({})
    assert found.accepted.tolist() == [True]
    assert found.reason[0] == ("6 events, SNR 9.0, event image 0.90, area 1.00 of this run's cells")
    assert found.mask_type == ("soma",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"npix": 0, "area": 0.0}, "empty"),
        ({"n_events": 0}, "no event reaches 4 noise units"),
        ({"snr": 2.1}, "SNR 2.1 is below 3"),
        ({"event_correlation": 0.2}, "event image 0.20 is below 0.5"),
        ({"event_correlation": np.nan, "r_value": 0.5}, "no event image, and r-value 0.50"),
        ({"event_correlation": np.nan, "r_value": np.nan}, "no event can be seen"),
        ({"r_value": 0.3}, "r-value 0.30 is below 0.5: its own pixels do not look like it"),
        ({"relative_area": 2.5}, "area 2.50 of this run's cells is above 1.9"),
        ({"event_diameter": 13.0}, "its events light an area of 2.64"),
        ({"edge_width": 0.75, "relative_area": 1.3}, "soft edge (0.75 radii) and area 1.30"),
        ({"edge_width": 0.75, "event_diameter": 10.2}, "soft edge (0.75 radii) and its events"),
        ({"edge_width": 0.75, "event_correlation": 0.7}, "event image 0.70, below 0.8: noise"),
        ({"relative_area": 0.3}, "a fragment"),
        ({"motion_correlation": 0.9}, "follows the motion (correlation 0.90"),
    ],
)
def test_each_rule_rejects_what_it_is_for(change, words):
    found = decided(change, {})
    assert found.accepted.tolist() == [False, True]
    assert words in found.reason[0]


@pytest.mark.parametrize(
    "change",
    [
        {"event_correlation": np.nan, "r_value": 0.8},  # no event of a half, but clear as a whole
        {"r_value": np.nan},  # no event of the whole, but of both halves
        {"event_correlation": 0.6},  # faint, but sharp
        {"edge_width": 0.75},  # soft, but of the size of a cell
        {"relative_area": 1.6},  # large, but sharp
        {"false_positive_rate": 20.0},  # no limit by default
        {"cnn": 0.0},  # the network was not asked for
    ],
)
def test_what_one_rule_alone_does_not_reject(change):
    assert decided(change).accepted.all()


def test_thresholds_are_parameters_and_none_leaves_a_rule_out():
    bad = {"snr": 1.0, "event_correlation": 0.1, "relative_area": 3.0, "event_diameter": 20.0}
    off = {
        "min_snr": None, "min_event_correlation": None, "max_relative_area": None,
        "max_event_area": None,
    }  # fmt: skip
    assert not decided(bad).accepted.any()
    assert decided(bad, **off).accepted.all()
    soft = {"edge_width": 0.9, "relative_area": 1.5}
    assert decided(soft, soft_edge=None).accepted.all()
    assert decided({"relative_area": 0.2}, min_relative_area=None).accepted.all()
    assert decided({"motion_correlation": 1.0}, max_motion_correlation=None).accepted.all()
    assert "r-value 0.90 is below 0.95" in decided({}, min_r_value=0.95).reason[0]
    twice = {"false_positive_rate": 16.0}
    assert "2.0 times as many" in decided(twice, max_inverted_share=0.5).reason[0]
    assert "network score 0.20" in decided({"cnn": 0.2}, use_cnn=True).reason[0]
    lone = {"event_correlation": np.nan, "r_value": np.nan}
    assert decided(lone, min_lone_r_value=None).accepted.all()


def test_of_two_components_on_one_cell_the_better_is_kept():
    pairs = Neighbours(
        np.array([0, 1, 1, 2]),
        np.array([1, 0, 2, 1]),
        cosine=np.array([0.8, 0.8, 0.8, 0.8]),
        share=np.full(4, 0.8),
        correlation=np.array([0.9, 0.9, 0.2, 0.2]),  # the third is another cell above it
    )
    found = decided({"event_correlation": 0.8}, {}, {}, pairs=pairs)
    assert found.accepted.tolist() == [False, True, True]
    assert found.reason[0] == "a second component on the cell of roi 1"
    equal = decided({}, {}, {}, pairs=pairs)
    assert equal.accepted.tolist() == [True, False, True]


def test_a_soft_piece_beside_a_better_cell_is_no_cell():
    pairs = Neighbours(
        np.array([0, 1]), np.array([1, 0]), np.full(2, 0.45), np.full(2, 0.45), np.zeros(2)
    )
    piece = {"edge_width": 0.62, "event_correlation": 0.85, "relative_area": 0.7}
    found = decided(piece, {}, pairs=pairs)
    assert found.accepted.tolist() == [False, True]
    assert found.reason[0] == "soft edge (0.62 radii) and partly on roi 1: a piece of that cell"
    assert decided(piece, {}).accepted.all()  # alone
    assert decided({**piece, "edge_width": 0.45}, {}, pairs=pairs).accepted.all()  # two sharp cells
    assert decided(piece, {}, pairs=pairs, piece_edge=None).accepted.all()


def test_where_nothing_is_in_focus_nothing_soft_is_accepted_if_it_is_asked_for():
    """All are soft and alike: only the scale tells that they are too wide for somata."""
    blurred = CellSize(11.0, 0.8, 30, True)
    soft = {"edge_width": 0.8, "event_diameter": 12.0, "equivalent_diameter": 11.0}
    assert decided(soft, soft, size=blurred).accepted.all()  # it may be what optics make of cells
    found = decided(soft, soft, {**soft, "edge_width": 0.5}, size=blurred, soft_diameter_um=18.0)
    assert found.accepted.tolist() == [False, False, True]
    assert "too wide for somata" in found.reason[0]
    unscaled = decided(soft, soft, size=blurred, pixel=float("nan"), soft_diameter_um=18.0)
    assert unscaled.accepted.all()
    narrow = decided(soft, soft, size=blurred, pixel=1.0, soft_diameter_um=18.0)
    assert narrow.accepted.all()  # 12 um: somata, soft optics


def test_areas_are_relative_to_the_components_that_events_show():
    rows = [
        {"equivalent_diameter": d, "area": np.pi * d**2 / 4}
        for d in (*np.linspace(7.8, 8.2, 20), 16)
    ]
    rows += [{"equivalent_diameter": 3.0, "area": 7.0, "event_correlation": 0.1}] * 9
    found, size = with_relative_area(measures(*rows), prior_px=9.0)
    assert size.diameter_px == pytest.approx(8.0, rel=0.05)
    assert found.relative_area[20] == pytest.approx(4.0, rel=0.1)
    assert found.relative_area[0] == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, "soma"),
        ({"long_axis": 20.0, "short_axis": 5.0}, "dendrite"),
        ({"long_axis": 20.0, "short_axis": 2.5}, "axon"),
        ({"relative_area": 6.0}, "neuropil"),
        ({"motion_correlation": 0.9}, "artefact"),
        ({"solidity": 0.4}, "unknown"),
        ({"n_parts": 3}, "unknown"),
        ({"event_correlation": 0.0}, "unknown"),  # of a soma's shape, but nothing shows it
        ({"long_axis": np.nan, "short_axis": np.nan}, "unknown"),
    ],
)
def test_masks_are_named_by_shape_and_size(change, kind):
    found = decided(change)
    assert found.mask_type == (kind,)
    assert found.method == "miniscope-nwb rules"
    assert found.confidence[0] == 0 if kind == "unknown" else 0.5 <= found.confidence[0] <= 1


def test_the_confidence_grows_with_the_distance_from_the_limit():
    slender = [{"long_axis": 3.9 * ratio, "short_axis": 3.9} for ratio in (2.3, 3.0, 5.0)]
    assert (np.diff(decided(*slender).confidence) > 0).all()
