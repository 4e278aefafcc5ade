"""The documented table of device types."""

from __future__ import annotations

import pytest

from miniscope_nwb.convert.scopes import DEVICE_TYPES, look_up


@pytest.mark.parametrize(
    ("device_type", "size_um"),
    [
        ("Miniscope_V4_BNO", 1.64),
        ("Miniscope_V4", 1.64),
        ("miniscope v4", 1.64),
        ("MiniLFOV_Bin2x_Avg", 2.78),
        ("MiniLFOV_FullReso", 1.39),
        ("MiniLFOV_800X800", None),
        ("Miniscope_V4_2C", None),
        ("Miniscope_V3", None),  # its field of view has no source
        ("Minicam-Mono-XGA", None),
        ("Lab_Scope_9", None),
        ("", None),
    ],
)
def test_nominal_pixel_sizes(device_type, size_um):
    known = look_up(device_type, role="scope")
    assert known.nominal_pixel_size_um == size_um
    assert known.nominal_pixel_size_source.startswith("nominal") is (size_um is not None)


@pytest.mark.parametrize(
    ("device_type", "extent_mm"),
    [("Miniscope_V4", 1.0), ("MiniLFOV_Skip2x", 3.6), ("MiniLFOV_FullReso", 3.6)],
)
def test_they_are_the_field_of_view_over_the_pixels(device_type, extent_mm):
    known = look_up(device_type, role="scope")
    width = known.sensor_size[0]
    # Two decimals are given, so the width of the field is right to 0.005 um for every pixel.
    assert known.nominal_pixel_size_um * width / 1000 == pytest.approx(extent_mm, abs=5e-6 * width)


@pytest.mark.parametrize("role", ["scope", "camera"])
def test_an_unknown_type_is_described(role):
    known = look_up("Lab_Scope_9", role=role)
    assert known.model == "Lab_Scope_9"
    assert "Lab_Scope_9" in known.description
    assert known.manufacturer
    assert look_up("", role=role).description.endswith("type not recorded.")


def test_every_type_is_described():
    for device_type, known in DEVICE_TYPES.items():
        assert look_up(device_type.lower().replace("_", " "), role="scope") is known
        assert known.model
        assert known.manufacturer
        assert known.description.endswith(".")
