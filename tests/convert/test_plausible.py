"""Values in another unit than the one asked for: warned of, or refused where they cannot be."""

from __future__ import annotations

import pytest
from made_devices import make_device, make_recording

from miniscope_nwb.convert.folder import make_plan, make_segment
from miniscope_nwb.convert.plausible import judge_weight
from miniscope_nwb.convert.user_metadata import load_yaml_text
from miniscope_nwb.errors import MetadataError
from miniscope_nwb.session import ConvertOptions


def warned(yaml: str) -> list[str]:
    """Return what a conversion warns of as implausible: 20 frames, one in 50 ms."""
    options = ConvertOptions()
    segment = make_segment(make_recording(make_device([20])), options)
    plan = make_plan([segment], load_yaml_text(yaml), options)
    found = [problem for problem in plan.problems if problem.code == "implausible_value"]
    assert {problem.severity for problem in found} <= {"warning"}
    return [problem.message for problem in found]


USUAL = """
subject: {species: Mus musculus, weight: 23 g}
imaging: {pixel_size_um: 1.64, excitation_wavelength_nm: 470, emission_wavelength_nm: 525,
          exposure_time_s: 0.05, power_w: 0.002}
"""


def test_usual_values_pass():
    assert warned(USUAL) == []
    assert warned("") == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("um: 1.64", "um: 0.05", "pixel_size_um is 0.05 x 0.05, but a pixel of a miniscope measures"
         " 0.1 to 20 um in the tissue; give it in micrometers."),
        ("um: 1.64", "um: [1.6, 50]", "pixel_size_um is 1.6 x 50, but"),
        ("525", "470", "excitation_wavelength_nm is 470 and emission_wavelength_nm 470, but"),
        ("470, emission_wavelength_nm: 525", "525, emission_wavelength_nm: 470",
         "(GCaMP: 470 and 525 nm); were they exchanged?"),
        ("time_s: 0.05", "time_s: 5", "exposure_time_s is 5, but from frame to frame it is 0.05 s"),
        ("power_w: 0.002", "power_w: 2", "power_w is 2, but miniscopes give up to 0.1 W"),
    ],
)  # fmt: skip
def test_what_is_probably_another_unit(before, after, said):
    assert before in USUAL
    [message] = warned(USUAL.replace(before, after))
    assert message.startswith("My V4 Miniscope: ")
    assert said in message


def test_an_unusual_weight():
    assert warned(USUAL.replace("23 g", "230 g")) == [
        "subject.weight is 230 g, but a Mus musculus weighs 1 to 100 g; check the unit."
    ]


@pytest.mark.parametrize("weight", ["23 kg", "23 mg"])
@pytest.mark.parametrize(
    "species", ["Mus musculus", "http://purl.obolibrary.org/obo/NCBITaxon_10090"]
)
def test_an_impossible_weight_names_its_line(weight, species):
    yaml = USUAL.replace("23 g", weight).replace("Mus musculus", f'"{species}"')
    with pytest.raises(MetadataError, match=rf"session.yaml, line 2: subject.weight is {weight}, "):
        warned(yaml)


def test_of_other_animals_nothing_is_known():
    assert judge_weight("60 kg", "Homo sapiens") == ("", False)
    assert judge_weight("0.3 kg", "Rattus norvegicus") == ("", False)
    assert judge_weight("", "Mus musculus") == ("", False)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "pixel_size_um: 0.00000164",
            "above 0.02 and up to 200; if that was in meters, write 1.64.",
        ),
        ("pixel_size_um: 0.00164", "if that was in millimeters, write 1.64."),
        ("pixel_size_um: [1640, 1500]", "if that was in nanometers, write [1.64, 1.5]."),
        ("pixel_size_um: 900", "above 0.02 and up to 200; if that was in nanometers, write 0.9."),
        ("pixel_size_um: [1640, 1]", "above 0.02 and up to 200."),
        ("exposure_time_s: 20", "must be a time in seconds above 0 and up to 10, such as 0.03."),
    ],
)
def test_what_no_miniscope_can_have(entry, said):
    with pytest.raises(MetadataError) as caught:
        load_yaml_text(f"imaging:\n  {entry}\n")
    assert str(caught.value).startswith("session.yaml, line 2: imaging.")
    assert str(caught.value).endswith(said)
