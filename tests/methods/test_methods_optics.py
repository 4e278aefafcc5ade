"""What was not measured is not told as measured, and what is not known is named."""

from __future__ import annotations

from unittest import mock

import plans
import pytest
from told_runs import paragraphs

from miniscope_nwb.convert.scopes import look_up
from miniscope_nwb.methods import methods_text
from miniscope_nwb.nwb.io import write_plan


@pytest.fixture
def told(tmp_path):
    """Return the paragraph on a small recording whose optics are said to be so."""

    def tell(**optics) -> str:
        with mock.patch.dict(plans.SCOPE_INFO, optics):
            rig = plans.Rig("HPC", plans.grey_frames(20, shape=(24, 32)), per_file=100)
            made = plans.make_plan(tmp_path / "raw", (rig,))
        return paragraphs(methods_text(write_plan(made.plan, tmp_path / "x.nwb").path))[0]

    return tell


def test_a_nominal_pixel_size_is_called_nominal(told):
    known = look_up("Miniscope_V4", role="scope")
    text = told(pixel_size_um=(1.64, 1.64), pixel_size_source=known.nominal_pixel_size_source)
    assert (
        "32 x 24 pixels (nominally 1.64 x 1.64 µm each in the tissue by the documented optics, not "
        "measured)" in text
    )


def test_a_given_pixel_size_is_a_fact_whatever_its_file_is_called(told):
    text = told(pixel_size_source="given in nominal.yaml")
    assert "(1.5 x 1.6 µm each in the tissue)" in text
    assert "Not known" not in text


def test_both_wavelengths_are_told_or_named_as_unknown(told):
    text = told(emission_wavelength_nm=None)
    assert "(excitation 470 nm)" in text
    assert text.endswith("Not known from the file is the emission wavelength.")
