"""Metrics of footprints against shapes whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.metrics import shape
from miniscope_nwb.metrics.cutout import Cutout, cut_out, pixels_of

HEIGHT, WIDTH = 30, 44


def distance(x: float, y: float, *, height: int = 41, width: int = 51) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return np.hypot(rows - y, columns - x)


def test_a_cutout_holds_the_footprint_at_its_place():
    field = np.zeros((HEIGHT, WIDTH), np.float32)
    field[4:7, 20:25] = 0.5
    field[5, 23] = 2.0
    matrix = csc_array(field.reshape(-1, 1))
    item = cut_out(matrix, 0, width=WIDTH)
    assert (item.top, item.left) == (4, 20)
    assert item.mask.shape == (3, 5)
    assert item.mask[1, 3] == 1.0
    assert item.mask[0, 0] == 0.25
    pixels, weights = pixels_of(matrix, 0)
    assert len(pixels) == len(weights) == 15
    x, y = shape.centroid(item)
    total = 14 * 0.25 + 1
    assert x == pytest.approx(20 + (0.25 * (15 * 2 - 3) + 3) / total)
    assert y == pytest.approx(5)


def test_an_empty_footprint_has_no_centre_and_no_area():
    item = cut_out(csc_array((HEIGHT * WIDTH, 1), dtype=np.float32), 0, width=WIDTH)
    assert shape.npix(item.mask) == 0
    assert np.isnan(shape.centroid(item)).all()
    assert shape.area_above(item.mask, 0.5) == 0
    assert np.isnan(shape.edge_width(item.mask))
    assert np.isnan(shape.solidity(item.mask))
    assert np.isnan(shape.axes(item.mask)).all()


def test_npix_counts_every_pixel_above_zero():
    mask = np.zeros((5, 7), np.float32)
    mask[1:3, 2:6] = 0.01
    mask[2, 2] = 1
    assert shape.npix(mask) == 8


def test_area_and_diameter_of_a_gaussian_at_half_of_its_maximum():
    mask = np.exp(-0.5 * (distance(24.3, 20.6) / 4.0) ** 2).astype(np.float32)
    diameter = 2 * 4.0 * np.sqrt(2 * np.log(2))
    assert shape.equivalent_diameter(mask) == pytest.approx(diameter, rel=0.02)
    assert shape.area_above(mask, 0.5) == pytest.approx(np.pi * diameter**2 / 4, rel=0.04)


@pytest.mark.parametrize("size", [4.0, 8.0])
def test_edge_width_tells_a_gaussian_from_a_sphere_whatever_the_size(size):
    away = distance(25.0, 20.0) / size
    gaussian = np.exp(-0.5 * away**2)
    sphere = np.sqrt(np.clip(1 - (away / 1.5) ** 2, 0, None))
    # By hand: radii at level q are sqrt(-2 ln q) for the one, sqrt(1 - q^2) for the other.
    assert shape.edge_width(gaussian.astype(np.float32)) == pytest.approx(0.770, abs=0.03)
    assert shape.edge_width(sphere.astype(np.float32)) == pytest.approx(0.354, abs=0.04)


def test_solidity_of_a_rectangle_is_one_and_of_a_corner_its_share_of_the_hull():
    full = np.ones((6, 9), np.float32)
    assert shape.solidity(full) == 1.0
    corner = np.zeros((8, 8), np.float32)
    corner[:, :4] = corner[4:, :] = 1  # an L of 48 px in a hull of 64 - 8
    assert shape.solidity(corner) == pytest.approx(48 / 56)


def test_axes_and_eccentricity_of_a_turned_ellipse():
    rows, columns = np.indices((61, 81)) - np.array([30, 40])[:, None, None]
    angle = np.deg2rad(30)
    u = columns * np.cos(angle) + rows * np.sin(angle)
    v = -columns * np.sin(angle) + rows * np.cos(angle)
    mask = ((u / 20) ** 2 + (v / 10) ** 2 <= 1).astype(np.float32)
    long, short = shape.axes(mask)
    assert long == pytest.approx(40, rel=0.01)
    assert short == pytest.approx(20, rel=0.02)  # pixels at the rim count whole
    assert shape.eccentricity(mask) == pytest.approx(np.sqrt(0.75), abs=0.01)
    assert shape.eccentricity(np.ones((5, 5), np.float32)) == pytest.approx(0)


def test_parts_hang_together_over_corners_and_faint_ones_do_not_count():
    mask = np.zeros((9, 12), np.float32)
    mask[1, 1] = mask[2, 2] = 1
    mask[6, 8:11] = 0.3
    mask[8, 0] = 0.05
    assert shape.n_parts(mask) == 2


def test_edge_distance_counts_pixels_on_every_side():
    mask = np.ones((3, 4), np.float32)
    sides = {(10, 7): 7, (2, 20): 2, (10, 38): 2, (26, 20): 1, (0, 20): 0}
    for (top, left), expected in sides.items():
        item = Cutout(mask, top, left)
        assert shape.edge_distance(item, height=HEIGHT, width=WIDTH) == expected
