"""What is found of pixel sizes and experimenters is told alike by inspect, init and convert."""

from __future__ import annotations

import pytest
from metadata_recordings import SCOPE, make_device

from miniscope_nwb.convert.metadata import resolve
from miniscope_nwb.convert.metadata_devices import warn_of_nominal_sizes
from miniscope_nwb.convert.template import write_template
from miniscope_nwb.convert.user_metadata import load_yaml_text
from miniscope_nwb.session import ConvertOptions


def test_inspect_warns_as_convert_does(make_recording):
    recording = make_recording()
    [warning] = warn_of_nominal_sizes([recording])
    assert warning.code == "nominal_pixel_size"
    assert warning in resolve([recording], load_yaml_text(""), ConvertOptions()).problems
    lab_made = make_recording(devices=(make_device(device_type="Lab_Scope"),))
    assert warn_of_nominal_sizes([lab_made]) == ()


def test_a_pixel_size_is_required_only_where_none_would_be_filled_in(make_recording):
    known, mixed = (SCOPE,), (SCOPE, make_device("Other", device_type="Lab_Scope"))
    assert "  pixel_size_um:  # RECOMMENDED\n" in write_template(make_recording(devices=known))
    for devices in (mixed, mixed[1:], ()):
        template = write_template(make_recording(devices=devices))
        assert "  pixel_size_um:  # REQUIRED for DANDI\n" in template


@pytest.mark.parametrize(
    ("name", "offered"),
    [("Jane Doe", '"Doe, Jane"'), ("Doe, Jane", ""), ("Jane", ""), ("J. van Doe", "")],
)
def test_an_experimenter_is_offered_as_validate_wants_it(make_recording, name, offered):
    template = write_template(make_recording(experimenter=name))
    assert load_yaml_text(template).session["experimenter"].value == (name,)
    mark = f'experimenter: "{name}"  # RECOMMENDED\n'
    assert (mark in template and f"# write {offered}; found:" in template) is bool(offered)
