"""Given masks: from the raw field onto the prepared one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from miniscope_nwb.pipeline.masks import GivenMasks, split_name
from miniscope_nwb.results import Prepared

HEIGHT, WIDTH = 12, 20


def prepared(crop=(0, 0, WIDTH, HEIGHT), factor=1):
    return Prepared(
        crop=crop, spatial_factor=factor, temporal_factor=1, is_left_out=np.zeros(1, bool),
        reason_left_out=("",), defective_pixels=np.zeros((0, 2), int), glow=None, vignette=None,
        trend=None, normalise="none", baseline=None, brightness=np.ones(1, np.float32),
        brightness_steps=np.zeros(0, int), cell_diameter_px=5.0,
    )  # fmt: skip


def masks(*images):
    columns = np.stack([image.ravel() for image in images], 1).astype(np.float32)
    return GivenMasks(csc_array(columns), HEIGHT, WIDTH)


@pytest.fixture
def cell():
    image = np.zeros((HEIGHT, WIDTH))
    image[4:8, 10:14] = 2
    image[5, 11] = 4
    return image


def test_whole_field(cell):
    seeds = masks(cell).on_field(prepared())
    np.testing.assert_allclose(seeds.toarray().reshape(HEIGHT, WIDTH), cell / 4)


def test_crop_and_binning(cell):
    seeds = masks(cell, 0 * cell).on_field(prepared(crop=(8, 2, 18, 10), factor=2))
    assert seeds.shape == (4 * 5, 2)
    image = seeds.toarray()[:, 0].reshape(4, 5)
    expected = np.zeros((4, 5))
    expected[1:3, 1:3] = 8
    expected[1, 1] = 10
    np.testing.assert_allclose(image, expected / 10, rtol=1e-6)
    assert seeds.toarray()[:, 1].max() == 0


def test_mask_outside_of_the_crop_is_empty(cell):
    assert masks(cell).on_field(prepared(crop=(0, 0, 8, 12))).nnz == 0


def test_digest_is_of_the_content(cell):
    assert masks(cell).digest == masks(cell.copy()).digest
    assert masks(cell).digest != masks(np.roll(cell, 1)).digest


def test_what_is_no_weight_is_left_out(cell):
    cell[0, 0], cell[0, 1] = np.nan, -3
    seeds = masks(cell).on_field(prepared())
    assert seeds.min() >= 0
    assert seeds.max() == 1


@pytest.mark.parametrize(
    ("text", "name", "run"),
    [
        ("a.nwb", "a.nwb", None),
        ("a.nwb:day1", "a.nwb", "day1"),
        ("C:a.nwb", "C:a.nwb", None),  # a drive, no run
    ],
)
def test_name_and_run(text, name, run):
    path, found = split_name(text)
    assert (str(path), found) == (name, run)


def test_file_with_a_colon_in_its_name(tmp_path):
    path = tmp_path / "10:30.nwb"
    path.touch()
    assert split_name(str(path)) == (path, None)
    assert split_name(f"{path}:run2") == (path, "run2")
